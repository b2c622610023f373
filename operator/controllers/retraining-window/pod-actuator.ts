/** How worker pods are made and deleted, and what is known of them before the cache shows it. */
import type { TrainingWorkerConfig, WorkerConfiguration, WorkerStatus } from '../../api/worker.ts'
import { cutOffNode } from '../../cluster/lost-nodes.ts'
import { hasStopped, type Pod } from '../../cluster/pod.ts'
import type { PodSnapshot, SiteSnapshot } from '../../cluster/snapshot.ts'
import type { WorkerClient } from '../../cluster/worker-client.ts'
import { isAlreadyExists, isNotFound } from '../../kube/errors.ts'
import type { KubeObject } from '../../kube/objects.ts'
import { pods as podResource } from '../../kube/resources.ts'
import type { Transport } from '../../kube/transport.ts'
import type { ShareReading, SiteGpu } from '../../sharing/backend.ts'
import type { BackendSet } from '../../sharing/backends/registry.ts'
import type { ResizeExecutor, ResizeHooks } from '../../sharing/executor.ts'
import { type PodOptions, podManifest } from '../pod-manifest.ts'
import { inferenceConfig, profileConfig, trainingConfig, type WorkerConfigInput } from '../worker-config.ts'
import type { ProfilingOrder } from './profiling-order.ts'
import type { RecentPods } from './recent-pods.ts'
import type { Note } from './step.ts'
import type { WantedPod } from './wanted-pods.ts'

export interface PodActuator {
  readonly transport: Pick<Transport, 'create' | 'delete' | 'patch'>
  readonly executor: ResizeExecutor
  readonly backends: BackendSet
  /** For shares that are changed by a new pod. */
  readonly workers: Pick<WorkerClient, 'activate' | 'drain' | 'interrupt'>
  /** A worker's answer to a call. */
  readonly learn: (pod: Pod, status: WorkerStatus) => void
  readonly recent: RecentPods
  readonly hooks?: ResizeHooks
  readonly options: PodOptions
  readonly seed: number
  /** What profile pods are to do; a stream that is not in it tries the cheapest configurations first. */
  readonly profilingOrder?: ProfilingOrder
  /** What profile pods are to do is not known yet: none is made. */
  readonly profilingAwaited?: boolean
}

export interface Actuation {
  /** Something is under way or waits for room: look again soon. */
  readonly pending: boolean
  /** Something that failed may be tried again then. */
  readonly againInMs?: number
  /** By pod name: what each existing pod holds. */
  readonly readings: ReadonlyMap<string, ShareReading>
  readonly notes: readonly Note[]
  /** A step was taken, or one is under way. */
  readonly underWay?: boolean
  /** Workers for whose new pod there is no room, by their names. */
  readonly blocked?: readonly string[]
}

export const sameGpu = (a: SiteGpu, b: SiteGpu): boolean => a.node === b.node && a.gpu === b.gpu

/** Which pod of its purpose is made, and what it takes over; absent: the first. */
export interface Succession {
  readonly generation: number
  readonly standby: boolean
  readonly spent?: TrainingWorkerConfig['spent']
}

export async function make(
  target: WantedPod,
  site: SiteSnapshot,
  actuator: PodActuator,
  signal?: AbortSignal,
  succession: Succession = { generation: 1, standby: false },
): Promise<void> {
  const request = {
    config: workerConfig(target, site, actuator, succession),
    stream: target.stream.stream,
    window: site.window,
    share: target.share,
    gpu: target.gpu,
    generation: succession.generation,
  }
  const manifest = podManifest(request, actuator.backends.of(target.gpu), actuator.options)
  try {
    const made = await actuator.transport.create(podResource, manifest as unknown as KubeObject, {}, signal)
    actuator.recent.remember(made as unknown as Pod, site.now)
  } catch (error) {
    // The name is deterministic: a pod that the cache does not show yet is the one that was wanted.
    if (!isAlreadyExists(error)) throw error
  }
}

/**
 * At once on a node that cannot be reached, whose kubelet ends what it still runs when it is back, and where nothing of a pod runs any more,
 * since kubelet would take up to ten seconds to end it.
 *
 * @param gracePeriodSeconds elsewhere; default: what the pod was made with.
 */
export async function remove(
  pod: PodSnapshot,
  { transport, executor, recent }: PodActuator,
  site: SiteSnapshot,
  signal?: AbortSignal,
  gracePeriodSeconds?: number,
): Promise<void> {
  const { name, namespace } = pod.pod.metadata
  try {
    const atOnce = cutOffNode(site, pod) !== undefined || hasStopped(pod.pod)
    const grace = atOnce ? 0 : gracePeriodSeconds
    const options = {
      preconditions: { uid: pod.uid },
      ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    }
    await transport.delete(podResource, { name, namespace }, options, signal)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  recent.removed(pod.uid, site.now)
  executor.forget(pod.uid)
}

function workerConfig(
  target: WantedPod,
  site: SiteSnapshot,
  actuator: PodActuator,
  { generation, standby, spent }: Succession,
): WorkerConfiguration {
  const input = configInput(target, site, actuator)
  switch (target.role) {
    case 'inference':
      return inferenceConfig(input, {
        ...(generation === 1 ? {} : { generation }),
        ...(standby ? { standby } : {}),
      })
    case 'profile':
      return profileConfig(input)
    case 'training':
      return trainingConfig(input, spent)
  }
}

export function configInput(
  target: WantedPod,
  site: SiteSnapshot,
  { options, seed, profilingOrder }: Pick<PodActuator, 'options' | 'seed' | 'profilingOrder'>,
): WorkerConfigInput {
  const order = profilingOrder?.get(target.stream.name)
  return {
    ...(order && { profilingOrder: order }),
    stream: target.stream.stream,
    window: site.window,
    item: target.item,
    device: target.gpu.device,
    storage: options.storage.mountPath,
    seed,
  }
}
