/**
 * Tells people what happened to an object, as events.k8s.io/v1 Events.
 *
 * `record` returns at once and never throws: events are written in the background, one at a time, and a reconcile
 * neither waits for them nor fails with them. What is said again about the same object in the same words within six
 * minutes becomes one event with a count (its series), written at most every ten seconds. An object may cause
 * `burst` events at once and one more per `refillMs`; when the server is away, the oldest of more than `capacity`
 * waiting events are dropped. Dropped ones are counted.
 */
import { randomBytes } from 'node:crypto'
import { type Clock, type Scheduled, systemClock } from './clock.ts'
import { isNotFound } from './errors.ts'
import { type Log, silentLog } from './log.ts'
import { microTime } from './micro-time.ts'
import { type KubeObject, keyOf } from './objects.ts'
import { events } from './resources.ts'
import type { Transport } from './transport.ts'

export interface EventNote {
  readonly type: 'Normal' | 'Warning'
  /** PascalCase, from a fixed set, at most 128 characters. */
  readonly reason: string
  /** What was being done, PascalCase, at most 128 characters. */
  readonly action: string
  /** For people; cut at 1 KiB. */
  readonly note: string
}

export interface EventRecorder {
  /** `regarding` needs apiVersion and kind, as objects from a store have. */
  record(regarding: KubeObject, note: EventNote): void
  /** Writes what waits, counts included; returns when all is written or the signal aborts. */
  flush(signal?: AbortSignal): Promise<void>
  readonly dropped: number
}

export interface EventRecorderOptions {
  readonly transport: Pick<Transport, 'create' | 'patch'>
  /** Name of the controller, such as `ekya.dev/operator`. */
  readonly controller: string
  /** Name of this process, such as the pod's. */
  readonly instance: string
  /** Default 25. */
  readonly burst?: number
  /** Default 30 s. */
  readonly refillMs?: number
  /** Default 1000. */
  readonly capacity?: number
  readonly clock?: Clock
  readonly random?: () => string
  readonly log?: Log
}

/** An event as it was created, and what was said again since. */
interface Series {
  readonly namespace: string
  readonly name: string
  readonly body: KubeObject
  created: boolean
  count: number
  written: number
  lastMs: number
  lastAt: Date
  flushedMs: number
}

const longestNoteBytes = 1024
const seriesMs = 6 * 60_000
const seriesWriteMs = 10_000

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { transport, controller, instance, burst = 25, refillMs = 30_000, capacity = 1000 } = options
  const { clock = systemClock, random = () => randomBytes(8).toString('hex'), log = silentLog } = options
  const series = new Map<string, Series>()
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  const waiting: Series[] = []
  let dropped = 0
  let writing: Promise<void> | undefined
  let timer: Scheduled | undefined

  const admit = (object: string): boolean => {
    const nowMs = clock.monotonicMs()
    const bucket = buckets.get(object) ?? { tokens: burst, atMs: nowMs }
    const tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) / refillMs)
    buckets.set(object, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs })
    return tokens >= 1
  }

  const write = async (entry: Series, signal?: AbortSignal): Promise<void> => {
    const { namespace, name, count } = entry
    entry.flushedMs = clock.monotonicMs()
    try {
      if (!entry.created) {
        await transport.create(events, entry.body, {}, signal)
        entry.created = true
        entry.written = 1
        return
      }
      const change = { series: { count, lastObservedTime: microTime(entry.lastAt) } }
      await transport.patch(events, { namespace, name }, 'merge', change, {}, signal)
      entry.written = count
    } catch (error) {
      // Never written, or forgotten by the server, which keeps events for an hour: said again, it becomes a new one.
      if (!entry.created || isNotFound(error)) forget(entry)
      log.warn({ err: error, event: `${namespace}/${name}` }, 'an event could not be written')
    }
  }
  const forget = (entry: Series) => {
    for (const [key, value] of series) if (value === entry) series.delete(key)
  }

  const drain = async (signal?: AbortSignal) => {
    for (let entry = waiting.shift(); entry && !signal?.aborted; entry = waiting.shift())
      await write(entry, signal)
  }
  const start = () => {
    writing ??= drain().finally(() => {
      writing = undefined
      armTimer()
    })
  }
  const unwritten = () => [...series.values()].filter(entry => entry.created && entry.count > entry.written)

  /** Looks after series that have grown, and forgets those that ended, while there are any. */
  const armTimer = () => {
    if (timer || (series.size === 0 && buckets.size === 0)) return
    timer = clock.schedule(
      () => {
        timer = undefined
        const nowMs = clock.monotonicMs()
        for (const entry of unwritten()) if (nowMs - entry.flushedMs >= seriesWriteMs) waiting.push(entry)
        for (const [key, entry] of series) if (nowMs - entry.lastMs > seriesMs) series.delete(key)
        for (const [key, bucket] of buckets) if (nowMs - bucket.atMs > burst * refillMs) buckets.delete(key)
        if (waiting.length > 0) start()
        armTimer()
      },
      seriesWriteMs,
      { background: true },
    )
  }

  return {
    get dropped() {
      return dropped
    },

    record(regarding, { type, reason, action, note }) {
      const nowMs = clock.monotonicMs()
      const { namespace = 'default', name, uid } = regarding.metadata
      const key = JSON.stringify([uid ?? keyOf(regarding), type, reason, action, note])
      const known = series.get(key)
      if (known && nowMs - known.lastMs <= seriesMs) {
        known.count++
        known.lastMs = nowMs
        known.lastAt = clock.now()
        return armTimer()
      }
      if (!admit(uid ?? keyOf(regarding))) {
        dropped++
        return
      }
      const eventName = `${name.slice(0, 230)}.${random()}`
      const entry: Series = {
        namespace,
        name: eventName,
        body: {
          metadata: { name: eventName, namespace },
          eventTime: microTime(clock.now()),
          type,
          reason,
          action,
          note: cutNote(note),
          reportingController: controller,
          reportingInstance: instance.slice(0, 128),
          regarding: {
            apiVersion: regarding.apiVersion,
            kind: regarding.kind,
            namespace: regarding.metadata.namespace,
            name,
            uid,
          },
        } as KubeObject,
        created: false,
        count: 1,
        written: 0,
        lastMs: nowMs,
        lastAt: clock.now(),
        flushedMs: nowMs,
      }
      series.set(key, entry)
      waiting.push(entry)
      if (waiting.length > capacity) {
        const oldest = waiting.shift()
        if (oldest) forget(oldest)
        dropped++
      }
      start()
    },

    async flush(signal) {
      await writing
      waiting.push(...unwritten())
      await drain(signal)
      timer?.cancel()
      timer = undefined
    },
  }
}

/** Cuts at 1 KiB of UTF-8, between characters. */
export function cutNote(note: string): string {
  if (Buffer.byteLength(note) <= longestNoteBytes) return note
  const ellipsis = '…'
  const room = longestNoteBytes - Buffer.byteLength(ellipsis)
  // A character that the cut went through decodes to U+FFFD at the end.
  const cut = Buffer.from(note).subarray(0, room).toString('utf8').replace(/�+$/, '')
  return cut + ellipsis
}
