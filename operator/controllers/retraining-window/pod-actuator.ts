/** How worker pods are made and deleted, and what is known of them before the cache shows it. */
import type { TrainingWorkerConfig, WorkerConfiguration, WorkerStatus } from '../../api/worker.ts'
import type { Pod } from '../../cluster/pod.ts'
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
}

export interface Actuation {
  /** Something is under way or waits for room: look again soon. */
  readonly pending: boolean
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

/** @param gracePeriodSeconds default: what the pod was made with. */
export async function remove(
  pod: PodSnapshot,
  { transport, executor, recent }: PodActuator,
  now: number,
  signal?: AbortSignal,
  gracePeriodSeconds?: number,
): Promise<void> {
  const { name, namespace } = pod.pod.metadata
  try {
    const options = {
      preconditions: { uid: pod.uid },
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    }
    await transport.delete(podResource, { name, namespace }, options, signal)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  recent.removed(pod.uid, now)
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
  { options, seed }: Pick<PodActuator, 'options' | 'seed'>,
): WorkerConfigInput {
  return {
    stream: target.stream.stream,
    window: site.window,
    item: target.item,
    device: target.gpu.device,
    storage: options.storage.mountPath,
    seed,
  }
}
