/**
 * A queue of keys with the semantics of client-go's workqueue.
 *
 *   absent ──add──▶ queued ──get──▶ processing ──done──▶ absent
 *   processing ──add──▶ processing+dirty ──done──▶ queued
 *
 * A key stands in the queue at most once, and is handed to nobody while somebody works on it; added meanwhile, it
 * comes once more after `done`. Of several `addAfter` for one key the earliest counts; adding the key drops none of
 * them. `addRateLimited` waits 5 ms after the first failure of a key, twice as long after each further one, at most
 * 1000 s, until `forget`.
 * `shutDown` drops what waits, since whoever starts again lists again, and lets what is processed end.
 */
import { type Clock, type Scheduled, systemClock } from './clock.ts'

export interface WorkQueue<K extends string = string> {
  add(key: K): void
  addAfter(key: K, delayMs: number): void
  addRateLimited(key: K): void
  /** Ends the key's series of failures. */
  forget(key: K): void
  /** Failures of the key in a row. */
  failures(key: K): number
  /** The next key, once there is one; undefined after shutDown. Whoever got a key must call `done`. */
  get(): Promise<K | undefined>
  done(key: K): void
  shutDown(): void
  /** Resolves when nothing is processed. */
  idle(): Promise<void>
  /** Keys that could be handed out. */
  readonly depth: number
  readonly processing: number
  /** Sum and maximum of the time spent on keys not yet done. */
  unfinishedSeconds(): number
  longestRunningSeconds(): number
}

/** What metrics may want to know; `queue` is the queue's name. Hooks must not throw. */
export interface WorkQueueHooks {
  onDepth?(queue: string, depth: number): void
  onAdd?(queue: string): void
  onRetry?(queue: string): void
  /** From the add to the hand-out. */
  onWaited?(queue: string, seconds: number): void
  /** From the hand-out to done. */
  onWorked?(queue: string, seconds: number): void
}

export interface WorkQueueOptions {
  /** For metrics. */
  readonly name?: string
  /** Waits of addRateLimited (defaults 5 ms and 1000 s). */
  readonly initialRetryMs?: number
  readonly maximumRetryMs?: number
  readonly clock?: Clock
  readonly hooks?: WorkQueueHooks
}

export function createWorkQueue<K extends string = string>({
  name = '',
  initialRetryMs = 5,
  maximumRetryMs = 1_000_000,
  clock = systemClock,
  hooks = {},
}: WorkQueueOptions = {}): WorkQueue<K> {
  /** Keys to hand out, in order, with the time of their add. */
  const queued = new Map<K, number>()
  const processing = new Map<K, number>()
  /** Keys added while being processed, with the time of their first such add. */
  const dirty = new Map<K, number>()
  const delayed = new Map<K, number>()
  const failures = new Map<K, number>()
  const takers: ((key: K | undefined) => void)[] = []
  const idleWaiters: (() => void)[] = []
  let closed = false
  let timer: { readonly at: number; readonly scheduled: Scheduled } | undefined

  const hand = (key: K, addedMs: number) => {
    const nowMs = clock.monotonicMs()
    processing.set(key, nowMs)
    hooks.onWaited?.(name, (nowMs - addedMs) / 1000)
    return key
  }
  const enqueue = (key: K, addedMs: number) => {
    const taker = takers.shift()
    if (taker) return taker(hand(key, addedMs))
    queued.set(key, addedMs)
    hooks.onDepth?.(name, queued.size)
  }
  const add = (key: K) => {
    if (closed || queued.has(key) || dirty.has(key)) return
    hooks.onAdd?.(name)
    if (processing.has(key)) dirty.set(key, clock.monotonicMs())
    else enqueue(key, clock.monotonicMs())
  }

  // One timer for all delayed keys. They are few (one a stream), so the earliest is found by looking at each.
  const arm = () => {
    let at = Number.POSITIVE_INFINITY
    for (const due of delayed.values()) at = Math.min(at, due)
    if (at === timer?.at) return
    timer?.scheduled.cancel()
    timer = undefined
    if (at < Number.POSITIVE_INFINITY) {
      timer = { at, scheduled: clock.schedule(release, at - clock.monotonicMs(), { background: true }) }
    }
  }
  const release = () => {
    timer = undefined
    const nowMs = clock.monotonicMs()
    for (const [key, due] of [...delayed]) {
      if (due > nowMs) continue
      delayed.delete(key)
      add(key)
    }
    arm()
  }
  const addAfter = (key: K, delayMs: number) => {
    if (closed) return
    if (!(delayMs > 0)) return add(key)
    const due = clock.monotonicMs() + delayMs
    if ((delayed.get(key) ?? Number.POSITIVE_INFINITY) <= due) return
    delayed.set(key, due)
    arm()
  }
  const ages = () => [...processing.values()].map(since => (clock.monotonicMs() - since) / 1000)

  return {
    add,
    addAfter,
    addRateLimited(key) {
      if (closed) return
      const earlier = failures.get(key) ?? 0
      failures.set(key, earlier + 1)
      hooks.onRetry?.(name)
      addAfter(key, Math.min(initialRetryMs * 2 ** Math.min(earlier, 64), maximumRetryMs))
    },
    forget: key => void failures.delete(key),
    failures: key => failures.get(key) ?? 0,

    async get() {
      if (closed) return undefined
      for (const [key, addedMs] of queued) {
        queued.delete(key)
        hooks.onDepth?.(name, queued.size)
        return hand(key, addedMs)
      }
      return new Promise(resolve => takers.push(resolve))
    },
    done(key) {
      const since = processing.get(key)
      if (since === undefined) return
      processing.delete(key)
      hooks.onWorked?.(name, (clock.monotonicMs() - since) / 1000)
      const addedMs = dirty.get(key)
      dirty.delete(key)
      if (addedMs !== undefined && !closed) enqueue(key, addedMs)
      if (processing.size === 0) for (const resolve of idleWaiters.splice(0)) resolve()
    },

    shutDown() {
      closed = true
      queued.clear()
      dirty.clear()
      delayed.clear()
      timer?.scheduled.cancel()
      timer = undefined
      hooks.onDepth?.(name, 0)
      for (const taker of takers.splice(0)) taker(undefined)
    },
    idle: () =>
      processing.size === 0 ? Promise.resolve() : new Promise(resolve => idleWaiters.push(resolve)),

    get depth() {
      return queued.size
    },
    get processing() {
      return processing.size
    },
    unfinishedSeconds: () => ages().reduce((sum, age) => sum + age, 0),
    longestRunningSeconds: () => Math.max(0, ...ages()),
  }
}
