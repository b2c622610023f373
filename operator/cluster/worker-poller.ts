/**
 * What the worker pods say of themselves: asks every running pod for its `/status` at an interval and keeps the last answer.
 *
 * Reads only; nothing is written to the API. A change that a controller may have to act on (readiness, model, window, phase, an error)
 * wakes the stream's and the window's controllers through `onChange`; moving counters alone do not.
 */
import type { InferenceStatus, ProfileStatus, TrainingStatus, WorkerStatus } from '../api/worker.ts'
import { isSkewed, skewOf, steadySkew } from './clock-skew.ts'
import type { Observation, Pod } from './pod.ts'
import { withMark } from './training-trail.ts'

export interface StatusReader {
  /** @throws an error with a `code` where the worker answered with one. */
  status(address: string, signal?: AbortSignal): Promise<WorkerStatus>
}

export interface PollerOptions {
  readonly pods: () => readonly Pod[]
  readonly reader: StatusReader
  readonly intervalMs: number
  readonly onChange: (pod: Pod) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export class WorkerPoller {
  readonly #options: PollerOptions
  readonly #observations = new Map<string, Observation>()
  /** By the pod's UID, while it has not answered yet. */
  readonly #asking = new Map<string, Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: PollerOptions) {
    this.#options = options
  }

  start(): void {
    void this.poll()
    this.#timer = setInterval(() => void this.poll(), this.#options.intervalMs).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#asking.values())
  }

  of(uid: string | undefined): Observation | undefined {
    return uid === undefined ? undefined : this.#observations.get(uid)
  }

  /** A fresher answer that came with another call to the worker. */
  learn(pod: Pod, status: WorkerStatus): void {
    this.#take(pod, { status })
  }

  /** Asks all but those that still owe an answer: one that cannot be reached must not keep the others waiting. */
  async poll(): Promise<void> {
    const running = this.#options.pods().filter(pod => pod.status?.phase === 'Running' && pod.status.podIP)
    const uids = new Set(running.map(pod => pod.metadata.uid))
    for (const uid of this.#observations.keys()) if (!uids.has(uid)) this.#observations.delete(uid)
    await Promise.all(running.map(pod => this.#askOnce(pod)))
  }

  #askOnce(pod: Pod): Promise<void> | undefined {
    const uid = pod.metadata.uid!
    if (this.#asking.has(uid)) return undefined
    const asked = this.#ask(pod).finally(() => this.#asking.delete(uid))
    this.#asking.set(uid, asked)
    return asked
  }

  async #ask(pod: Pod): Promise<void> {
    const { reader, now } = this.#options
    const from = now()
    try {
      const status = await reader.status(pod.status!.podIP!)
      const error = 'error' in status ? (status.error as Observation['error']) : undefined
      const said = 'now' in status ? status.now : undefined
      const clockAheadMs = skewOf(said, { from, to: now() })
      this.#take(pod, {
        status,
        ...(error === undefined ? {} : { error }),
        ...(clockAheadMs === undefined ? {} : { clockAheadMs }),
      })
    } catch (cause) {
      const { code, message } = cause as { code?: string; message: string }
      // A pod that does not answer once (throttled, starting, leaving) is not news; its last answer stands, readiness is the kubelet's to tell.
      if (
        this.#observations.get(pod.metadata.uid!) === undefined &&
        code !== undefined &&
        workerCodes.has(code)
      )
        this.#take(pod, { error: { code, message } })
    }
  }

  #take(pod: Pod, said: Observation): void {
    const uid = pod.metadata.uid!
    const before = this.#observations.get(uid)
    const clockAheadMs = steadySkew(before?.clockAheadMs, said.clockAheadMs)
    const observation = {
      ...said,
      ...(clockAheadMs === undefined ? {} : { clockAheadMs }),
      ...(said.status?.role === 'training'
        ? { trail: withMark(before?.trail ?? [], said.status, this.#options.now()) }
        : {}),
    }
    this.#observations.set(uid, observation)
    if (gist(before) !== gist(observation)) this.#options.onChange(pod)
  }
}

const workerCodes = new Set([
  'ModelNotFound',
  'ModelInvalid',
  'ModelDigestMismatch',
  'ModelClassesMismatch',
  'SourceNotFound',
  'SourceInvalid',
  'LabelsInvalid',
  'StorageFailed',
  'ShareMismatch',
])

/** What of an observation a controller may have to act on. */
function gist(observation: Observation | undefined): string {
  const { status, error, clockAheadMs } = observation ?? {}
  return JSON.stringify([
    status === undefined ? null : facts[status.role](status as never),
    error?.code,
    error?.message,
    isSkewed(clockAheadMs),
  ])
}

const facts = {
  inference: (s: InferenceStatus) => [
    s.model?.digest,
    s.configuration,
    s.window?.index,
    s.window?.startsAt,
    s.standby,
    s.until,
  ],
  profile: (s: ProfileStatus) => [s.phase],
  training: (s: TrainingStatus) => [s.phase, Math.floor(s.progress * 10)],
}
