/**
 * The CameraStream controller: keeps a stream's inference pod told of what it should serve (model, inference configuration, window) and
 * says in conditions how the stream does. Pods and their shares are the RetrainingWindow controller's, because shares concern the whole site.
 *
 * The worker is reached over HTTP and only told what differs from its own answer, so that a restarted worker or operator converges.
 */
import { setConditions } from '../../api/conditions.ts'
import type { CameraStream, Frames } from '../../api/generated/types.ts'
import { roleLabel, streamLabel } from '../../api/names.ts'
import type { InferenceStatus } from '../../api/worker.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { isOn, type Observation, type Pod, podSnapshot } from '../../cluster/pod.ts'
import { cameraStreams } from '../../cluster/resources.ts'
import { onDuty, type PodSnapshot } from '../../cluster/snapshot.ts'
import type { WorkerClient } from '../../cluster/worker-client.ts'
import { applyTo } from '../../kube/apply.ts'
import type { Clock } from '../../kube/clock.ts'
import type { Reconcile } from '../../kube/controller.ts'
import type { Transport } from '../../kube/transport.ts'
import type { BackendSet } from '../../sharing/backends/registry.ts'
import { LatestWrites } from '../latest-writes.ts'
import { windowClock } from '../worker-config.ts'
import { streamConditionInputs } from './conditions.ts'
import { swapView } from './swap-view.ts'
import { type Told, tell, type Wanted } from './telling.ts'

export const cameraStreamManager = 'ekya-camera-stream'

export interface CameraStreamDependencies {
  readonly cluster: Cluster
  readonly transport: Pick<Transport, 'apply'>
  readonly workers: Pick<WorkerClient, 'setModel' | 'setWindow' | 'setConfiguration'>
  readonly backends: BackendSet
  readonly observe: (uid: string) => Observation | undefined
  /** A worker's answer to a call. */
  readonly learn: (pod: Pod, status: InferenceStatus) => void
  readonly clock: Pick<Clock, 'now'>
  readonly onGone?: (key: string) => void
}

/** While a window runs a stream is looked at this often though nothing happens: its counters move. */
const activeMs = 5000
/** After a worker refused or did not answer. */
const retryMs = 2000
/** Frame counters are written when they have moved by this much; each write is one more for the API server. */
const framesEverySeconds = 15

export function cameraStreamReconciler(dependencies: CameraStreamDependencies): Reconcile {
  const { cluster, transport, backends, clock } = dependencies
  const writes = new LatestWrites<CameraStream>()

  return async (key, signal) => {
    const stream = writes.newest(key, cluster.streams.get(key))
    if (stream === undefined || stream.metadata.deletionTimestamp !== undefined) {
      writes.forget(key)
      dependencies.onGone?.(key)
      return undefined
    }
    const { window, refused } = cluster.membership(stream)
    const pods = inferencePods(stream, dependencies)
    const pod = onDuty(pods)
    const gpus = window === undefined ? [] : cluster.gpus(window)
    const active = window?.status?.current?.endsAt !== undefined

    const wanted = wantedOf(dependencies, stream)
    let told: Told = {}
    // One that is to take over must serve what the others serve; what it answers is nobody's concern yet.
    for (const each of pods) {
      const answered = await tell(stream, each, wanted, dependencies, signal)
      if (each === pod) told = answered
    }
    const status = told.status ?? pod?.status
    const gpu = pod === undefined ? undefined : gpus.find(g => isOn(pod, g))
    const conditions = setConditions(
      stream.status?.conditions,
      streamConditionInputs({
        stream,
        refused,
        gpus,
        lostNodes: window === undefined ? [] : cluster.lostNodes(window),
        ...(window === undefined ? {} : { window }),
        ...(pod === undefined ? {} : { pod }),
        swap: swapView(pods, window?.status?.current?.index ?? 0),
        ...(pod === undefined || gpu === undefined ? {} : { reading: backends.of(gpu).read(pod.pod, gpu) }),
        ...(told.refusal === undefined ? {} : { refusal: told.refusal }),
      }),
      clock.now(),
    )
    const frames = active ? countedFrames(stream, status) : stream.status?.frames
    const body = {
      status: {
        observedGeneration: stream.metadata.generation,
        conditions,
        ...(frames === undefined ? {} : { frames }),
      },
    }
    const written = await applyTo<CameraStream>(
      transport,
      stream,
      { resource: cameraStreams, body, fieldManager: cameraStreamManager, subresource: 'status' },
      signal,
    )
    if (written !== undefined) writes.remember(key, written)
    if (told.refusal !== undefined || told.unreached === true) return { requeueAfterMs: retryMs }
    return active && stream.spec.suspended !== true ? { requeueAfterMs: activeMs } : undefined
  }
}

function inferencePods(
  stream: CameraStream,
  { cluster, observe }: CameraStreamDependencies,
): readonly PodSnapshot<InferenceStatus>[] {
  const { name, namespace = '' } = stream.metadata
  return cluster.pods
    .inNamespace(namespace)
    .filter(
      ({ metadata: { labels = {} } }) => labels[streamLabel] === name && labels[roleLabel] === 'inference',
    )
    .map(pod => podSnapshot(pod, observe(pod.metadata.uid ?? '')) as PodSnapshot<InferenceStatus> | undefined)
    .filter(pod => pod !== undefined)
}

function wantedOf({ cluster }: CameraStreamDependencies, stream: CameraStream): Wanted {
  const { window } = cluster.membership(stream)
  if (window === undefined) return {}
  const clock = windowClock(window)
  const item = window.status?.plan?.items.find(i => i.stream === stream.metadata.name)
  return {
    ...(clock === undefined ? {} : { clock }),
    ...(item === undefined ? {} : { configuration: item.inferenceConfiguration }),
  }
}

/** The counters to write: those of the window, when it is another one or they have moved far enough. */
function countedFrames(stream: CameraStream, status: InferenceStatus | undefined): Frames | undefined {
  const written = stream.status?.frames
  const counted = status?.window
  if (counted == null) return written
  const far = stream.spec.frameRate * framesEverySeconds
  if (written?.window === counted.index && counted.frames.offered - written.offered < far) return written
  return { ...counted.frames, window: counted.index }
}
