/**
 * The parts of a Pod that the operator reads, and what they mean for a worker.
 */
import {
  generationLabel,
  gpuAnnotation,
  nodeAnnotation,
  podNameOf,
  roleLabel,
  standbyAnnotation,
  streamLabel,
  takeOverAnnotation,
  windowIndexLabel,
} from '../api/names.ts'
import type { WorkerResult, WorkerRole, WorkerStatus } from '../api/worker.ts'
import type { KubeObject } from '../kube/objects.ts'
import type { SiteGpu } from '../sharing/backend.ts'
import { workerContainer } from '../sharing/worker-container.ts'
import type { PodSnapshot } from './snapshot.ts'
import type { TrailMark } from './training-trail.ts'

export interface ContainerState {
  readonly running?: { readonly startedAt?: string }
  readonly waiting?: { readonly reason?: string; readonly message?: string }
  readonly terminated?: {
    readonly exitCode: number
    readonly reason?: string
    readonly message?: string
    readonly finishedAt?: string
  }
}

export interface Pod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string
    readonly containers: readonly {
      readonly name: string
      readonly env?: readonly { readonly name: string; readonly value?: string }[]
      readonly resources?: {
        readonly limits?: Record<string, string>
        readonly requests?: Record<string, string>
      }
    }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly reason?: string
    readonly message?: string
    readonly podIP?: string
    readonly startTime?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
      readonly lastTransitionTime?: string
    }[]
    readonly containerStatuses?: readonly {
      readonly name: string
      readonly containerID?: string
      readonly restartCount?: number
      readonly state?: ContainerState
      readonly resources?: {
        readonly limits?: Record<string, string>
        readonly requests?: Record<string, string>
      }
    }[]
  }
}

export interface Observation {
  readonly status?: WorkerStatus
  readonly error?: { readonly code: string; readonly message: string }
  /** Of an inference pod: milliseconds by which its node's clock is ahead of ours, as far as that is known. */
  readonly clockAheadMs?: number
  /** Of a training. */
  readonly trail?: readonly TrailMark[]
}

/** A pod that is not one of our workers gives undefined. */
export function podSnapshot(pod: Pod, observation?: Observation): PodSnapshot | undefined {
  const labels = pod.metadata.labels ?? {}
  const role = labels[roleLabel] as WorkerRole | undefined
  const stream = labels[streamLabel]
  if (role === undefined || stream === undefined) return undefined
  const index = labels[windowIndexLabel]
  const phase = pod.status?.phase
  const rejected = rejection(pod)
  const { name, annotations = {} } = pod.metadata
  const generation = Number(labels[generationLabel] ?? 1)
  const suffix = podNameOf('', generation)
  const finished = rejected === undefined && (phase === 'Succeeded' || phase === 'Failed')
  return {
    pod,
    name,
    worker: name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : name,
    generation,
    standby: annotations[standbyAnnotation] === 'true' && annotations[takeOverAnnotation] === undefined,
    uid: pod.metadata.uid ?? '',
    stream,
    role,
    ...(index === undefined ? {} : { index: Number(index) }),
    ready: (pod.status?.conditions ?? []).some(c => c.type === 'Ready' && c.status === 'True'),
    terminating: pod.metadata.deletionTimestamp !== undefined,
    finished,
    ...(rejected === undefined ? {} : { rejected }),
    ...(finished ? outcome(pod, role) : {}),
    ...observedOf(observation),
  }
}

/** What a pod's worker said, as far as it is known. */
export function observedOf({ status, error, clockAheadMs, trail }: Observation = {}): Observation {
  return {
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error }),
    ...(clockAheadMs === undefined ? {} : { clockAheadMs }),
    ...(trail === undefined ? {} : { trail }),
  }
}

/** Node that a pod was made for. */
export const nodeOf = ({ pod }: PodSnapshot): string | undefined => pod.metadata.annotations?.[nodeAnnotation]

/** Whether its node has told that nothing of it runs any more; a phase alone may be somebody else's guess about a node that is away. */
export function hasStopped({ status }: Pod): boolean {
  const { phase, containerStatuses = [] } = status ?? {}
  return (
    (phase === 'Succeeded' || phase === 'Failed') &&
    containerStatuses.length > 0 &&
    containerStatuses.every(({ state }) => state?.terminated !== undefined)
  )
}

/** Whether a pod holds its share of this GPU, as it was made. */
export function isOn({ pod }: PodSnapshot, { node, gpu }: Pick<SiteGpu, 'node' | 'gpu'>): boolean {
  const { annotations } = pod.metadata
  return annotations?.[nodeAnnotation] === node && annotations[gpuAnnotation] === gpu
}

/**
 * Why kubelet did not admit a pod that was bound to its node: somebody else took what it was to get, or a device plugin refused it. Such a
 * pod never ran and never will; another one may.
 */
function rejection({ status }: Pod): string | undefined {
  const { phase, reason = '', message } = status ?? {}
  const ran = status?.containerStatuses?.some(({ state }) => state?.running ?? state?.terminated) === true
  return phase === 'Failed' && !ran && /^(UnexpectedAdmissionError$|OutOf)/.test(reason)
    ? `${reason}: ${message ?? 'the node gives no message'}`
    : undefined
}

/** Why a pod that should run does not, in Kubernetes' words; undefined while there is nothing to complain about. */
export function startProblem(pod: Pod): string | undefined {
  const unscheduled = pod.status?.conditions?.find(c => c.type === 'PodScheduled' && c.status === 'False')
  if (unscheduled !== undefined)
    return `not scheduled: ${unscheduled.message ?? unscheduled.reason ?? 'no reason given'}`
  const waiting = pod.status?.containerStatuses?.find(c => c.name === workerContainer)?.state?.waiting
  if (waiting?.reason !== undefined && !['ContainerCreating', 'PodInitializing'].includes(waiting.reason))
    return `${waiting.reason}: ${waiting.message ?? ''}`
  return undefined
}

function outcome(pod: Pod, role: WorkerRole): Pick<PodSnapshot, 'result' | 'failure'> {
  const terminated = pod.status?.containerStatuses?.find(c => c.name === workerContainer)?.state?.terminated
  const failed = (why: string) => ({ failure: `${role} pod ${pod.metadata.name} ${why}` })
  if (terminated === undefined)
    return failed(
      `ended without a container status: ${pod.status?.message ?? pod.status?.reason ?? 'no reason given'}`,
    )
  const result = parseResult(terminated.message ?? '', role)
  if (result !== undefined) return { result }
  return failed(
    `ended with exit code ${terminated.exitCode} (${terminated.reason ?? 'Error'}) and no result: ${(terminated.message ?? '').slice(0, 200)}`,
  )
}

function parseResult(message: string, role: WorkerRole): WorkerResult | undefined {
  try {
    const result = JSON.parse(message) as WorkerResult
    return result !== null && typeof result === 'object' && result.kind === role ? result : undefined
  } catch {
    return undefined
  }
}
