/**
 * Pods that a test holds in memory, as the API server and their workers answer for them. Nothing here moves by itself: who holds them plays kubelet.
 */
import { endingAnnotation, roleLabel, windowIndexLabel } from '../../api/names.ts'
import type { FrameMark, InferenceStatus, WorkerStatus } from '../../api/worker.ts'
import type { Pod } from '../../cluster/pod.ts'
import { WorkerClientError } from '../../cluster/worker-client.ts'
import { KubeError, type KubeErrorCode } from '../../kube/errors.ts'
import type { PodActuator } from '../retraining-window/pod-actuator.ts'
import { at, epoch } from './site.ts'

export const frameRate = 10
export const periodMs = 1000 / frameRate

export interface Running {
  pod: Pod
  stream: string
  createdMs: number
  readyMs: number
  standby: boolean
  /** What it analyses: frames due in [fromMs, untilMs), as long as it lives. */
  fromMs: number
  untilMs: number
  until?: FrameMark
  from?: FrameMark
  endedMs: number
  deletedMs: number
  goneMs: number
}

/** What calls of an operator reach. */
export interface PlayedCalls {
  readonly pods: Map<string, Running>
  /** Seconds that deleted pods were given, where that was said. */
  readonly graces: Map<string, number | undefined>
  /** By the clock of the pods' node, and by the API server's. */
  now(): number
  serverNow(): number
  nextVersion(): string
  /** From being made to being ready. */
  startSeconds(pod: string): number
  /** Throws where the caller is dead. */
  begin(): void
  /** A write has been done; throws where the caller dies of it. */
  wrote(what: string): void
}

export function playedWorkers({ pods, now, begin }: PlayedCalls): PodActuator['workers'] {
  const answering = (address: string): Running => {
    const running = pods.get(address.split(':')[0]!)
    if (running === undefined || running.pod.status?.phase !== 'Running')
      throw new WorkerClientError('Unreachable', `${address} does not answer`, { retryable: true })
    return running
  }
  return {
    drain: async (address, { until }) => {
      begin()
      const running = answering(address)
      const untilMs = epoch + (until!.frame + 0.5) * periodMs
      if (now() > untilMs && running.until === undefined)
        throw new WorkerClientError('TooLate', 'too late', { retryable: false })
      running.until = until!
      running.untilMs = untilMs
      return statusOf(running) as InferenceStatus
    },
    activate: async (address, { from }) => {
      begin()
      const running = answering(address)
      if (running.standby) {
        running.standby = false
        running.fromMs = from === undefined ? now() : epoch + (from.frame - 0.5) * periodMs
        if (from !== undefined) running.from = from
      }
      return statusOf(running) as InferenceStatus
    },
    interrupt: async address => {
      begin()
      const running = answering(address)
      running.untilMs = Math.min(running.untilMs, now() + 500)
      return statusOf(running) as never
    },
  }
}

export function playedTransport(calls: PlayedCalls): PodActuator['transport'] {
  const { pods, graces, now, serverNow, nextVersion, startSeconds, begin, wrote } = calls
  return {
    create: async (_resource, manifest) => {
      begin()
      const { name } = manifest.metadata as { name: string }
      if (pods.has(name)) throw refusal('already-exists')
      const pod = {
        ...manifest,
        metadata: {
          ...manifest.metadata,
          uid: `uid-${nextVersion()}`,
          resourceVersion: nextVersion(),
          creationTimestamp: new Date(serverNow()).toISOString(),
        },
      } as unknown as Pod
      const standby = pod.metadata.annotations?.['ekya.dev/standby'] === 'true'
      const start = startSeconds(name)
      pods.set(name, {
        pod,
        stream: pod.metadata.labels!['ekya.dev/stream']!,
        createdMs: now(),
        readyMs: now() + start * 1000,
        standby,
        fromMs: Number.POSITIVE_INFINITY,
        untilMs: Number.POSITIVE_INFINITY,
        endedMs: Number.POSITIVE_INFINITY,
        deletedMs: Number.POSITIVE_INFINITY,
        goneMs: Number.POSITIVE_INFINITY,
      })
      wrote(`create ${name}`)
      return pod as never
    },
    patch: async (_resource, { name }, _type, body) => {
      begin()
      const running = pods.get(name)
      if (running === undefined) throw refusal('not-found')
      const { resourceVersion, annotations } = (
        body as { metadata: { resourceVersion: string; annotations: Record<string, string> } }
      ).metadata
      const { metadata } = running.pod
      if (metadata.resourceVersion !== resourceVersion) throw refusal('conflict')
      running.pod = {
        ...running.pod,
        metadata: {
          ...metadata,
          resourceVersion: nextVersion(),
          annotations: { ...metadata.annotations, ...annotations },
        },
      }
      wrote(`patch ${name} ${Object.keys(annotations).join()}`)
      return running.pod as never
    },
    delete: async (_resource, { name }, { gracePeriodSeconds } = {}) => {
      begin()
      graces.set(name, gracePeriodSeconds)
      const running = pods.get(name)
      if (running === undefined) throw refusal('not-found')
      if (running.deletedMs === Number.POSITIVE_INFINITY) {
        running.deletedMs = gracePeriodSeconds === 0 ? Number.NEGATIVE_INFINITY : now()
        const { metadata } = running.pod
        const deletionTimestamp = new Date(serverNow()).toISOString()
        running.pod = {
          ...running.pod,
          metadata: { ...metadata, resourceVersion: nextVersion(), deletionTimestamp },
        }
      }
      wrote(`delete ${name}`)
    },
  }
}

export function statusOf(running: Running): WorkerStatus {
  if (running.pod.metadata.labels?.[roleLabel] === 'training')
    return { role: 'training', stream: running.stream, window: 0, phase: 'training' } as WorkerStatus
  if (running.pod.metadata.labels?.[roleLabel] === 'profile')
    return { role: 'profile', stream: running.stream, window: 1, phase: 'labeling', progress: 0 }
  return {
    role: 'inference',
    stream: running.stream,
    model: { uri: 'm', digest: 'd' },
    configuration: 'every-frame',
    window: { index: 0, startsAt: at(0), frames: noFrames, samples: 0 },
    frames: noFrames,
    gpuSecondsPerFrame: null,
    latencySeconds: null,
    draining: false,
    ...(running.standby ? { standby: true } : {}),
    ...(running.until === undefined ? {} : { until: running.until }),
  } satisfies InferenceStatus
}

const noFrames = { offered: 0, analysed: 0, skipped: 0, dropped: 0 }

export const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type }) => type === 'Ready') === true

const refusal = (code: KubeErrorCode): KubeError => new KubeError(code, { code, retryable: false })

export function resultOf({ pod, until }: Running): object {
  const { labels = {}, annotations = {} } = pod.metadata
  if (labels[roleLabel] !== 'training') return { kind: 'inference', until, lastFrame: null, frames: noFrames }
  return {
    kind: 'training',
    window: Number(labels[windowIndexLabel]),
    configuration: 'all-5',
    epochs: 1,
    samples: 10,
    refused: 0,
    gpuSeconds: 2,
    seconds: 4,
    peakMemoryBytes: 1,
    ...(annotations[endingAnnotation] === undefined
      ? {}
      : { error: { code: 'Interrupted', message: 'goes on in another pod' } }),
  }
}
