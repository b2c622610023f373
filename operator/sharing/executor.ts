/**
 * Carries out the resizes of a plan through the pods' `resize` subresource, and times them until the node reports them.
 *
 * Creations are the caller's (a pod is more than its share). A pod that has gone meanwhile is no failure: the next
 * reconcile sees the world as it is. One refused resize does not keep the others from being tried.
 */
import type { InPlaceBackend, RawPod, ShareReading, SiteGpu } from './backend.ts'
import { SharingError } from './backend.ts'
import type { ResizeStep } from './resize-planner.ts'

/** The one call that is needed of the API server: a strategic merge patch of `pods/NAME/resize`. */
export interface ResizeClient {
  patchResize(namespace: string, pod: string, body: object, signal?: AbortSignal): Promise<unknown>
}

export type ResizeResult = 'done' | 'gone' | 'failed'

/** What becomes metrics. */
export interface ResizeHooks {
  /** One call was answered. */
  onResize?(backend: string, result: ResizeResult): void
  /** The node reported the share of a resize that was asked for `seconds` ago. */
  onActuated?(backend: string, seconds: number): void
}

export interface ResizeOutcome {
  readonly pod: string
  readonly kind: 'shrink' | 'grow'
  readonly from: number
  readonly to: number
  readonly result: ResizeResult
  readonly error?: SharingError
}

export interface ResizeExecutor {
  /** Pods by name; steps of pods that are not in it count as gone. Creations are left out. */
  execute(
    steps: readonly ResizeStep[],
    pods: ReadonlyMap<string, RawPod>,
    gpu: SiteGpu,
    backend: InPlaceBackend,
    signal?: AbortSignal,
  ): Promise<readonly ResizeOutcome[]>
  /** Tells what was read of a pod at this reconcile, so that resizes can be timed. */
  observe(pod: RawPod, reading: ShareReading, backend: InPlaceBackend): void
  /** Forgets a pod that has gone. */
  forget(uid: string): void
}

export interface ExecutorOptions {
  readonly client: ResizeClient
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly hooks?: ResizeHooks
  /** An API error that says the pod does not exist. */
  readonly isNotFound: (error: unknown) => boolean
}

interface InFlight {
  readonly since: number
  readonly share: number
}

/** Shares read back differ from those asked for by at most a millicore. */
const reached = (reading: ShareReading, share: number): boolean =>
  !reading.resizing && Math.abs(reading.actual - share) < 0.005

export function createResizeExecutor(options: ExecutorOptions): ResizeExecutor {
  const { client, now, hooks = {}, isNotFound } = options
  const inFlight = new Map<string, InFlight>()

  async function resize(
    step: ResizeStep & { readonly kind: 'shrink' | 'grow' },
    pod: RawPod | undefined,
    gpu: SiteGpu,
    backend: InPlaceBackend,
    signal?: AbortSignal,
  ): Promise<ResizeOutcome> {
    const outcome = { pod: step.pod, kind: step.kind, from: step.from, to: step.to }
    const { namespace = '', uid = '' } = pod?.metadata ?? {}
    if (!pod) return { ...outcome, result: 'gone' }
    try {
      await client.patchResize(namespace, step.pod, backend.resizePatch(pod, step.to, gpu), signal)
      inFlight.set(uid, { since: now(), share: step.to })
      return { ...outcome, result: 'done' }
    } catch (cause) {
      if (isNotFound(cause)) return { ...outcome, result: 'gone' }
      const why = cause instanceof Error ? cause.message : String(cause)
      const error = new SharingError(
        'resize-failed',
        `pod ${namespace}/${step.pod}: share ${step.from.toFixed(3)} → ${step.to.toFixed(3)} of GPU ${gpu.node}/${gpu.gpu} was refused: ${why}`,
        { cause, retryable: !(cause instanceof SharingError) },
      )
      return { ...outcome, result: 'failed', error }
    }
  }

  return {
    async execute(steps, pods, gpu, backend, signal) {
      const outcomes: ResizeOutcome[] = []
      for (const step of steps) {
        if (step.kind === 'create') continue
        signal?.throwIfAborted()
        // One after another and in order: the planner's shrinks reach the node before its grows.
        const outcome = await resize({ ...step, kind: step.kind }, pods.get(step.pod), gpu, backend, signal)
        hooks.onResize?.(backend.name, outcome.result)
        outcomes.push(outcome)
      }
      return outcomes
    },

    observe(pod, reading, backend) {
      const uid = pod.metadata?.uid
      const waiting = uid === undefined ? undefined : inFlight.get(uid)
      if (uid === undefined || !waiting || !reached(reading, waiting.share)) return
      inFlight.delete(uid)
      hooks.onActuated?.(backend.name, (now() - waiting.since) / 1000)
    },

    forget(uid) {
      inFlight.delete(uid)
    },
  }
}
