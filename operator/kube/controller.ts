/**
 * Runs a reconcile function over a queue of keys.
 *
 * It begins when all caches have synced, works on at most `concurrency` keys at once, and never on one key twice at
 * once. What becomes of a reconcile:
 *
 *   returns                      forgotten; with `requeueAfterMs` it comes again then
 *   throws a conflict            info: someone wrote in between, and the event of that write may be on its way; retried
 *   throws a TerminalError       logged and counted, and not retried: only a change of the object can help
 *   throws anything else         logged; retried after a wait that grows from 5 ms to 1000 s
 *   exceeds `timeoutMs`          its signal aborts; what it then throws is retried. Until it ends, the key is its own
 *
 * When the run's signal aborts, no key is handed out any more and the running reconciles may go on for `drainMs`;
 * then their signals abort, and `run` returns once they have ended.
 */
import { type Clock, systemClock } from './clock.ts'
import { startDeadline } from './deadline.ts'
import { isConflict } from './errors.ts'
import { type Log, silentLog } from './log.ts'
import type { ObjectKey } from './objects.ts'
import { createWorkQueue, type WorkQueue, type WorkQueueHooks } from './workqueue.ts'

export interface ReconcileResult {
  /** Come again after so long, even if nothing changes. */
  readonly requeueAfterMs?: number
}

export type Reconcile = (key: ObjectKey, signal: AbortSignal) => Promise<ReconcileResult | undefined>

/** A failure that no repetition mends. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
}

export type ReconcileOutcome = 'success' | 'requeue' | 'conflict' | 'terminal' | 'timeout' | 'error'

export interface ControllerHooks extends WorkQueueHooks {
  onReconcile?(controller: string, outcome: ReconcileOutcome, seconds: number): void
}

export interface Controller {
  /** Handlers and timers put keys in here, at any time. */
  readonly queue: WorkQueue<ObjectKey>
  /** Works until the signal aborts. To be called once. */
  run(signal: AbortSignal): Promise<void>
}

export interface ControllerOptions {
  readonly name: string
  readonly reconcile: Reconcile
  /** Caches that must have synced before the first key is worked on. */
  readonly caches?: readonly { whenSynced(signal: AbortSignal): Promise<void> }[]
  /** Default 1. */
  readonly concurrency?: number
  /** Limit of one reconcile (default 60 s). */
  readonly timeoutMs?: number
  /** How long running reconciles may go on after the end (default 5 s). */
  readonly drainMs?: number
  readonly clock?: Clock
  readonly log?: Log
  readonly hooks?: ControllerHooks
}

export function createController(options: ControllerOptions): Controller {
  const { name, reconcile, caches = [], concurrency = 1, timeoutMs = 60_000, drainMs = 5_000 } = options
  const { clock = systemClock, log = silentLog, hooks = {} } = options
  const queue = createWorkQueue<ObjectKey>({ name, clock, hooks })

  /** Runs one reconcile and decides what becomes of its key. */
  const attempt = async (key: ObjectKey, stop: AbortSignal): Promise<ReconcileOutcome | 'stopped'> => {
    const deadline = startDeadline(clock, timeoutMs, stop)
    try {
      const result = await reconcile(key, deadline.signal)
      queue.forget(key)
      if (result?.requeueAfterMs === undefined) return 'success'
      queue.addAfter(key, result.requeueAfterMs)
      return 'requeue'
    } catch (error) {
      if (stop.aborted) return 'stopped'
      if (error instanceof TerminalError) {
        queue.forget(key)
        log.error({ err: error, controller: name, key }, 'reconcile failed for good')
        return 'terminal'
      }
      queue.addRateLimited(key)
      if (deadline.expired()) {
        log.error({ err: error, controller: name, key, timeoutMs }, 'reconcile took too long')
        return 'timeout'
      }
      if (isConflict(error)) {
        log.info({ controller: name, key }, 'someone else wrote in between')
        return 'conflict'
      }
      log.error({ err: error, controller: name, key, failures: queue.failures(key) }, 'reconcile failed')
      return 'error'
    } finally {
      deadline.release()
    }
  }

  const work = async (stop: AbortSignal) => {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      const startedMs = clock.monotonicMs()
      try {
        const outcome = await attempt(key, stop)
        if (outcome !== 'stopped')
          hooks.onReconcile?.(name, outcome, (clock.monotonicMs() - startedMs) / 1000)
      } finally {
        queue.done(key)
      }
    }
  }

  return {
    queue,
    async run(signal) {
      const hardStop = new AbortController()
      const end = () => {
        queue.shutDown()
        const drain = clock.schedule(() => hardStop.abort(signal.reason), drainMs)
        queue.idle().then(() => drain.cancel())
      }
      try {
        for (const cache of caches) await cache.whenSynced(signal)
      } catch (error) {
        queue.shutDown()
        if (signal.aborted) return
        throw error
      }
      if (signal.aborted) return queue.shutDown()
      signal.addEventListener('abort', end, { once: true })
      log.info({ controller: name, concurrency }, 'controller works')
      await Promise.all(Array.from({ length: concurrency }, () => work(hardStop.signal)))
      signal.removeEventListener('abort', end)
    },
  }
}
