/**
 * One site as the controller sees it at one moment: a window, its streams, their pods and what the pods answered.
 * Immutable; everything that decides works on this and on nothing else.
 */
import type { CameraStream, RetrainingWindow } from '../api/generated/types.ts'
import { sourceProblem } from '../api/sources.ts'
import type {
  InferenceStatus,
  ProfileResult,
  TrainingResult,
  TrainingStatus,
  WorkerResult,
  WorkerRole,
  WorkerStatus,
} from '../api/worker.ts'
import type { SiteGpu, TrainingTraits } from '../sharing/backend.ts'
import type { LostNode } from './lost-nodes.ts'
import type { Pod } from './pod.ts'
import type { TrailMark } from './training-trail.ts'

export interface SiteSnapshot {
  readonly window: RetrainingWindow
  readonly gpus: readonly SiteGpu[]
  /** Why GPUs of the site's nodes are left out, a sentence each. */
  readonly refusedGpus?: readonly string[]
  /** Nodes with GPUs of the site that cannot be reached; absent: none. */
  readonly lostNodes?: readonly LostNode[]
  /** How trainings fare on these GPUs. */
  readonly training: TrainingTraits
  /** Selected and not being deleted, by name. */
  readonly streams: readonly StreamSnapshot[]
  /** All worker pods of the site, those of earlier windows and of gone streams included. */
  readonly pods: readonly PodSnapshot[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

export interface StreamSnapshot {
  readonly name: string
  readonly stream: CameraStream
  readonly inference?: PodSnapshot<InferenceStatus>
  /** Of the current window. */
  readonly profile?: PodSnapshot
  readonly training?: PodSnapshot<TrainingStatus>
}

export interface PodSnapshot<Status extends WorkerStatus = WorkerStatus> {
  readonly pod: Pod
  readonly name: string
  readonly uid: string
  readonly stream: string
  readonly role: WorkerRole
  /** The purpose that it shares with those before and after it: its name without the generation. */
  readonly worker: string
  /** From 1. */
  readonly generation: number
  /** It was made to take over from another pod and has not been told where. */
  readonly standby: boolean
  /** The window it was made for; absent for inference pods. */
  readonly index?: number
  readonly ready: boolean
  readonly terminating: boolean
  /** Succeeded or Failed. */
  readonly finished: boolean
  readonly result?: WorkerResult
  /** Why kubelet refused to run it; it counts as neither finished nor running. */
  readonly rejected?: string
  /** Why a finished pod left no usable result. */
  readonly failure?: string
  /** Last answer of `/status`. */
  readonly status?: Status
  /** What the worker says is wrong while it runs. */
  readonly error?: { readonly code: string; readonly message: string }
  /** Milliseconds by which its node's clock is ahead of the operator's; absent: not known. */
  readonly clockAheadMs?: number
  /** What a training said in the last minutes, the newest last. */
  readonly trail?: readonly TrailMark[]
}

/** The last one made. */
export function newest<P extends PodSnapshot>(pods: readonly P[]): P | undefined {
  return pods.reduce<P | undefined>(
    (best, pod) => (best === undefined || pod.generation > best.generation ? pod : best),
    undefined,
  )
}

/** The pod of a stream that serves, or is the next to: the last one that was told to; without one the first that stands by. */
export function onDuty<P extends PodSnapshot>(pods: readonly P[]): P | undefined {
  return newest(pods.filter(pod => !pod.standby)) ?? pods.toSorted((a, b) => a.generation - b.generation)[0]
}

/** Names of the site's nodes with a GPU on which a stream's pods may run. */
export function allowedNodes(gpus: readonly SiteGpu[], { spec }: CameraStream): readonly string[] {
  const fits = ({ labels = {} }: SiteGpu): boolean =>
    Object.entries(spec.nodeSelector).every(([key, value]) => labels[key] === value)
  return [...new Set(gpus.filter(fits).map(gpu => gpu.node))]
}

/** Δ of the site: as asked for, or the coarsest of its GPUs, on which smaller differences would be lost in rounding. */
export function stepOf({ window, gpus }: Pick<SiteSnapshot, 'window' | 'gpus'>): number {
  return Math.max(window.spec.scheduler.step, ...gpus.map(({ granularity = 0 }) => granularity))
}

/** As many streams take part in a window: the CRD's bound of the plan in its status, which the API server must be able to keep. */
export const mostStreams = 512

/** Those that take part: neither suspended, nor with a source that workers cannot read, nor without a node that they may run on, and of too many the oldest. */
export function activeStreams(site: SiteSnapshot): readonly StreamSnapshot[] {
  const eligible = eligibleStreams(site)
  if (eligible.length <= mostStreams) return eligible
  const age = ({ stream }: StreamSnapshot): string => stream.metadata.creationTimestamp ?? ''
  const older = (a: StreamSnapshot, b: StreamSnapshot): number =>
    age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : a.name < b.name ? -1 : 1
  const oldest = new Set(eligible.toSorted(older).slice(0, mostStreams))
  return eligible.filter(stream => oldest.has(stream))
}

/** Streams that could take part and do not, because there are too many. */
export const excessStreams = (site: SiteSnapshot): number =>
  Math.max(0, eligibleStreams(site).length - mostStreams)

const eligibleStreams = (site: SiteSnapshot): readonly StreamSnapshot[] =>
  site.streams.filter(
    s =>
      s.stream.spec.suspended !== true &&
      sourceProblem(s.stream.spec.source) === undefined &&
      (site.gpus.length === 0 || allowedNodes(site.gpus, s.stream).length > 0),
  )

export function profileResult(stream: StreamSnapshot): ProfileResult | undefined {
  return stream.profile?.result?.kind === 'profile' ? stream.profile.result : undefined
}

export function trainingResult(stream: StreamSnapshot): TrainingResult | undefined {
  return stream.training?.result?.kind === 'training' ? stream.training.result : undefined
}

/** It ended at a checkpoint, from which another pod is to go on. */
export function wasInterrupted({ result }: PodSnapshot): boolean {
  return result?.kind === 'training' && result.error?.code === 'Interrupted'
}
