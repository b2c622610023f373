/**
 * Lease-based leader election.
 *
 *   follower ──lease free, or unchanged for its whole duration by our own clock──▶ candidate
 *   candidate ──write by resourceVersion accepted──▶ leader      candidate ──refused──▶ follower
 *   leader ──renewed──▶ leader                                   leader ──signal aborts──▶ released (final)
 *   leader ──`renewDeadlineMs` since the last renewal was begun, or the lease is another's──▶ lost (final: the process exits)
 *
 * Safety: the leader counts from before it sent its last accepted renewal and stops at renewDeadline; a follower counts
 * from when it saw that renewal, which is later, and waits leaseDuration, which is longer. So two never lead at once,
 * whatever their clocks show: stamps in the lease are never compared with a local clock. `isLeading` asks the clock,
 * not a flag: after a pause of the whole process it is false before any timer has run. Ask it before each write.
 *
 * Give the elector a transport of its own, so that no queue of calls stands before a renewal.
 */
import { type Clock, sleep, systemClock } from './clock.ts'
import { followBoth, startDeadline } from './deadline.ts'
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts'
import { type Log, silentLog } from './log.ts'
import { microTime } from './micro-time.ts'
import type { KubeObject, NamespacedName } from './objects.ts'
import { leases } from './resources.ts'
import type { Transport } from './transport.ts'

export type ElectorState = 'follower' | 'leader' | 'released' | 'lost'

export interface LeaderElector {
  /**
   * Takes part until the signal aborts (then the lease is released) or the leadership is lost.
   * `lead` is started once, on election, with a signal that aborts when leading ends, for either reason. When it ends
   * by itself the election ends too; with what it threw, if it did.
   */
  run(lead: (leading: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<'released' | 'lost'>
  /** True only while no other can lead. */
  isLeading(): boolean
  state(): ElectorState
  /** Who leads as far as is known; for people. */
  leader(): string | undefined
  /** Time since the election loop last spoke with the server, for a liveness probe. */
  silentMs(): number
}

export interface LeaderElectorOptions {
  readonly transport: Pick<Transport, 'get' | 'create' | 'update'>
  readonly lease: NamespacedName & { readonly namespace: string }
  /** Unique per process: the pod's name and a random part. */
  readonly identity: string
  /** Default 15 s; whole seconds. */
  readonly leaseDurationMs?: number
  /** Default 10 s; below leaseDurationMs. */
  readonly renewDeadlineMs?: number
  /** Between attempts (default 2 s), plus up to a fifth at random. */
  readonly retryPeriodMs?: number
  readonly clock?: Clock
  readonly random?: () => number
  readonly log?: Log
  readonly onTransition?: (state: ElectorState) => void
}

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

interface Lease extends KubeObject {
  readonly spec?: LeaseSpec
}

/** @throws RangeError where the durations leave no margin between two leaders. */
export function createLeaderElector(options: LeaderElectorOptions): LeaderElector {
  const { transport, lease: at, identity, onTransition } = options
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options
  const { clock = systemClock, random = Math.random, log = silentLog } = options
  if (
    leaseDurationMs % 1000 !== 0 ||
    !(retryPeriodMs * 1.2 < renewDeadlineMs && renewDeadlineMs < leaseDurationMs)
  ) {
    throw new RangeError(
      `leader election: 1.2 × retryPeriodMs (${retryPeriodMs}) < renewDeadlineMs (${renewDeadlineMs}) < leaseDurationMs (${leaseDurationMs}) must hold, the last in whole seconds`,
    )
  }

  let state: ElectorState = 'follower'
  /** The lease as last seen, and since when it has looked like that. */
  let seen: { readonly lease: Lease; readonly version: string; readonly sinceMs: number } | undefined
  /** When the last accepted write that made us holder was begun. */
  let renewedMs = Number.NEGATIVE_INFINITY
  let heardMs = clock.monotonicMs()

  const enter = (next: ElectorState) => {
    if (next === state) return
    log.info({ lease: at.name, identity, from: state, to: next }, 'leader election')
    state = next
    onTransition?.(next)
  }
  const remainingMs = () => renewedMs + renewDeadlineMs - clock.monotonicMs()
  const isLeading = () => state === 'leader' && remainingMs() > 0

  const observe = (lease: Lease) => {
    heardMs = clock.monotonicMs()
    const version = JSON.stringify(lease.spec ?? {})
    seen = { lease, version, sinceMs: seen?.version === version ? seen.sinceMs : heardMs }
  }
  /** How long the lease as seen still belongs to another; 0 where it is free, expired or ours. */
  const heldMs = (): number => {
    const { holderIdentity, leaseDurationSeconds } = seen?.lease.spec ?? {}
    if (!seen || !holderIdentity || holderIdentity === identity) return 0
    const durationMs = (leaseDurationSeconds ?? leaseDurationMs / 1000) * 1000
    return Math.max(0, seen.sinceMs + durationMs - clock.monotonicMs())
  }

  const read = async (signal: AbortSignal) => {
    try {
      observe(await transport.get<Lease>(leases, at, { retries: 0 }, signal))
    } catch (error) {
      if (!isNotFound(error)) throw error
      heardMs = clock.monotonicMs()
      seen = undefined
    }
  }

  /** Writes us as holder. @throws where the server refuses, or someone wrote since the lease was seen. */
  const claim = async (signal: AbortSignal) => {
    const begunMs = clock.monotonicMs()
    const now = microTime(clock.now())
    const before = seen?.lease.spec
    const ours = before?.holderIdentity === identity
    const spec: LeaseSpec = {
      ...before,
      holderIdentity: identity,
      leaseDurationSeconds: leaseDurationMs / 1000,
      acquireTime: ours ? before.acquireTime : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? -1) + (ours ? 0 : 1),
    }
    const written = seen
      ? await transport.update<Lease>(leases, { ...seen.lease, spec }, { retries: 0 }, signal)
      : await transport.create<Lease>(leases, { metadata: at, spec }, { retries: 0 }, signal)
    observe(written)
    renewedMs = begunMs
  }

  /** One attempt to become or stay the holder. Returns whether we are. Failures to reach the server count as no. */
  const attempt = async (signal: AbortSignal): Promise<boolean> => {
    // A hanging call must leave time for another before the deadline.
    const limitMs = state === 'leader' ? Math.min(remainingMs(), renewDeadlineMs / 2) : renewDeadlineMs / 2
    const deadline = startDeadline(clock, limitMs, signal)
    try {
      if (state !== 'leader' || !seen) await read(deadline.signal)
      if (heldMs() > 0) return false
      try {
        await claim(deadline.signal)
      } catch (error) {
        if (!isOvertaken(error)) throw error
        // Someone else wrote, or an earlier write of ours arrived though its answer did not.
        await read(deadline.signal)
        if (heldMs() > 0) return false
        await claim(deadline.signal)
      }
      return true
    } catch (error) {
      if (!signal.aborted && !isOvertaken(error)) {
        log.warn({ err: error, lease: at.name, identity }, 'the lease could not be read or written')
      }
      return false
    } finally {
      deadline.release()
    }
  }
  /** Attempts begin a period apart; one that took longer is followed by the next almost at once. */
  const nextAfterMs = (startedMs: number) => {
    const periodMs = retryPeriodMs * (1 + 0.2 * random())
    return Math.max(startedMs + periodMs - clock.monotonicMs(), retryPeriodMs / 20)
  }

  /** Returns as holder, or when the signal aborts. */
  const acquire = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs()
      if ((await attempt(signal)) && remainingMs() > 0) return
      await sleep(clock, Math.min(nextAfterMs(startedMs), heldMs() || retryPeriodMs), signal).catch(() => {})
    }
  }

  /** Renews until leading ends: false when it is lost, true when the signal aborts. */
  const hold = async (signal: AbortSignal): Promise<boolean> => {
    let startedMs = clock.monotonicMs()
    for (;;) {
      await sleep(clock, Math.min(nextAfterMs(startedMs), Math.max(remainingMs(), 0)), signal).catch(() => {})
      startedMs = clock.monotonicMs()
      if (!signal.aborted && remainingMs() > 0) await attempt(signal)
      if (signal.aborted) return true
      if (remainingMs() <= 0 || heldMs() > 0) return false
    }
  }

  const release = async () => {
    if (!seen || seen.lease.spec?.holderIdentity !== identity) return
    const now = microTime(clock.now())
    const spec = { ...seen.lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now }
    const options = { retries: 0, timeoutMs: retryPeriodMs }
    await transport.update<Lease>(leases, { ...seen.lease, spec }, options).catch(error => {
      log.warn({ err: error, lease: at.name }, 'the lease could not be released; it will expire')
    })
  }

  return {
    isLeading,
    state: () => state,
    leader: () => seen?.lease.spec?.holderIdentity || undefined,
    silentMs: () => clock.monotonicMs() - heardMs,

    async run(lead, signal) {
      await acquire(signal)
      if (signal.aborted) {
        await release()
        enter('released')
        return 'released'
      }
      enter('leader')
      const leading = new AbortController()
      const work = startWork(lead, leading.signal)
      const end = followBoth(signal, work.ended)
      const kept = await hold(end.signal)
      end.release()
      leading.abort(new Error(kept ? 'the election ends' : 'the leadership is lost'))
      // Nothing is renewed any more. A lease whose work goes on is left to expire, which leaves that work more time.
      const done = await endsWithin(work.result, kept ? Math.max(remainingMs(), 0) : 0)
      if (kept && done) await release()
      enter(kept ? 'released' : 'lost')
      if (work.failure()) throw work.failure()
      return kept ? 'released' : 'lost'
    },
  }

  async function endsWithin(result: Promise<void>, limitMs: number): Promise<boolean> {
    const limit = startDeadline(clock, limitMs)
    const expiry = new Promise<false>(resolve => {
      limit.signal.addEventListener('abort', () => resolve(false), { once: true })
    })
    const done = await Promise.race([result.then(() => true), expiry])
    limit.release()
    return done
  }
}

/** `ended` aborts when the work ends by itself: a leader without work must not keep others from leading. */
function startWork(lead: (leading: AbortSignal) => Promise<void>, leading: AbortSignal) {
  const ended = new AbortController()
  let failure: unknown
  const result = (async () => lead(leading))()
    .catch(error => {
      if (!leading.aborted) failure = error
    })
    .finally(() => ended.abort())
  return { result, ended: ended.signal, failure: () => failure }
}

/** The lease is not what it was when it was read. */
const isOvertaken = (error: unknown) => isConflict(error) || isAlreadyExists(error) || isNotFound(error)
