/**
 * Keeps a store in step with one resource of the API server.
 *
 *   idle ──run──▶ listing
 *   listing ──all pages read: store replaced──▶ watching
 *   listing ──failure──▶ waiting ──▶ listing
 *   watching ──the server ends the watch──▶ watching                          at once, from the last resourceVersion
 *   watching ──it breaks, is refused, short or idle──▶ waiting ──▶ watching   from the last resourceVersion
 *   watching ──410, as status or in the stream──▶ listing                     at once, if events came since the last list
 *   any ──the signal aborts──▶ stopped (final)
 *
 * Only 410 leads from watching to listing, and silence on two watches in a row: a server that was restored from an
 * older state grants watches from versions it has yet to reach and says nothing. `hasSynced` turns true with the first whole list and never back; before, an empty store means nothing.
 *
 * Idle: not a byte for `idleMs`, several bookmark periods, because a half-open connection looks exactly like a quiet
 * one. Short: over within a second without an event, which a server in trouble repeats as fast as it is asked.
 * Waits grow and are spread at random; Retry-After is honoured. Each watch asks for a random life of 5 to 10 minutes,
 * so that the clients of a restarted server drift apart.
 */
import { backoffMs } from './backoff.ts'
import { type Clock, sleep, systemClock } from './clock.ts'
import { abortable, startDeadline } from './deadline.ts'
import { isGone, KubeError, statusError } from './errors.ts'
import { type Log, silentLog } from './log.ts'
import { compareResourceVersions, type KubeObject } from './objects.ts'
import { listAll } from './pager.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import { createStore, type StoreView } from './store.ts'
import type { Selection, Transport } from './transport.ts'

export interface Reflector<T extends KubeObject = KubeObject> {
  readonly resource: Resource
  readonly store: StoreView<T>
  /** Runs until the signal aborts, then returns. No failure ends it. To be called once. */
  run(signal: AbortSignal): Promise<void>
  hasSynced(): boolean
  /** Resolves with the first whole list; rejects with the signal's reason. */
  whenSynced(signal?: AbortSignal): Promise<void>
  /** The failure since which neither a list nor a watch was granted: the store may be behind. */
  problem(): Error | undefined
  /** Time since the server last told anything by a list or an event; bookmarks come about every minute. */
  silentMs(): number
}

export type ListReason = 'start' | 'status-410' | 'in-band-410' | 'silence'
export type WatchEnd = 'closed' | 'short' | 'idle' | 'gone' | 'failed'

/** What metrics may want to know. Hooks must not throw. */
export interface ReflectorHooks {
  onList?(list: { resource: string; reason: ListReason; items: number }): void
  onWatchEnd?(watch: { resource: string; end: WatchEnd }): void
}

export interface ReflectorOptions extends Selection {
  readonly transport: Pick<Transport, 'list' | 'watch'>
  readonly resource: Resource
  /** Managers whose entries in metadata.managedFields are kept; apply.ts reads them. All others are dropped. */
  readonly keepFieldManagers?: readonly string[]
  /** Items of one page of a list (default 500). */
  readonly pageSize?: number
  /** Default 150 s: the server sends a bookmark about every minute. */
  readonly idleMs?: number
  /** Bounds of the life that a watch asks for (default 300 to 600 s). */
  readonly watchSeconds?: readonly [minimum: number, maximum: number]
  readonly clock?: Clock
  readonly random?: () => number
  readonly log?: Log
  readonly hooks?: ReflectorHooks
}

const retryWait = { initialMs: 200, maximumMs: 30_000 }
const shortWatchMs = 1_000
/** How long after its promised end a watch is cut off. */
const graceMs = 5_000
/** Watches in a row that were granted and never said a byte, before the list is read anew. */
const silenceLimit = 2

export function createReflector<T extends KubeObject>(options: ReflectorOptions): Reflector<T> {
  const { transport, resource, namespace, labelSelector, fieldSelector, keepFieldManagers = [] } = options
  const { clock = systemClock, random = Math.random, log = silentLog, hooks = {} } = options
  const { pageSize, idleMs = 150_000, watchSeconds = [300, 600] } = options
  const selection = { namespace, labelSelector, fieldSelector }
  const type = { apiVersion: apiVersionOf(resource), kind: resource.kind }
  const store = createStore<T>({ log })
  const firstSync = Promise.withResolvers<void>()

  let synced = false
  let problem: Error | undefined
  let heardMs = clock.monotonicMs()
  let resourceVersion: string | undefined
  /** Failures in a row; the next wait grows with them. */
  let failures = 0
  /** Whether the server answered the last watch at all, and how many in a row it granted and then said nothing. */
  let granted = false
  let silences = 0
  /** Events since the last list: without any, a 410 right after it must not lead to a loop of lists. */
  let advanced = true

  /** Items of lists lack apiVersion and kind, events have them; readers see one shape. */
  const ingest = (object: T): T => {
    const { managedFields, ...metadata } = object.metadata
    const kept = managedFields?.filter(entry => keepFieldManagers.includes(entry.manager ?? ''))
    return { ...type, ...object, metadata: kept?.length ? { ...metadata, managedFields: kept } : metadata }
  }

  const list = async (reason: ListReason, signal: AbortSignal) => {
    const whole = await listAll<T>(transport, resource, { ...selection, pageSize, ingest }, signal)
    store.replace(whole.items)
    resourceVersion = whole.resourceVersion
    problem = undefined
    heardMs = clock.monotonicMs()
    silences = 0
    advanced = false
    synced = true
    firstSync.resolve()
    hooks.onList?.({ resource: resource.plural, reason, items: whole.items.length })
    log.debug({ resource: resource.plural, reason, items: whole.items.length, resourceVersion }, 'listed')
  }

  const accept = (event: { readonly type: string; readonly object: T }) => {
    if (event.type === 'DELETED') store.remove(ingest(event.object))
    else if (event.type !== 'BOOKMARK') store.upsert(ingest(event.object))
    const version = event.object.metadata.resourceVersion
    if (compareResourceVersions(version, resourceVersion) >= 0) resourceVersion = version
    advanced = true
    heardMs = clock.monotonicMs()
    failures = 0
    silences = 0
  }

  /** Returns when the server, or its own promise, ends the watch; throws when it breaks. */
  const watch = async (signal: AbortSignal): Promise<void> => {
    const timeoutSeconds = Math.round(watchSeconds[0] + random() * (watchSeconds[1] - watchSeconds[0]))
    const life = startDeadline(clock, timeoutSeconds * 1000 + graceMs, signal)
    const startedMs = clock.monotonicMs()
    let events = 0
    granted = false
    try {
      const stream = transport.watch<T>(
        resource,
        {
          ...selection,
          resourceVersion,
          timeoutSeconds,
          allowWatchBookmarks: true,
          idleMs,
          onOpen: () => {
            granted = true
            problem = undefined
          },
        },
        life.signal,
      )
      for await (const event of stream) {
        if (event.type === 'ERROR') throw new InBandFailure(resource, event.object)
        events++
        accept(event)
      }
    } catch (error) {
      if (!life.expired()) throw error
    } finally {
      life.release()
    }
    if (events === 0 && clock.monotonicMs() - startedMs < shortWatchMs) throw new ShortWatch(resource)
    failures = 0
  }

  /** What to do after a failed watch: the reason for a list, or undefined to resume. */
  const judge = (error: unknown, end: WatchEnd): ListReason | undefined => {
    if (end === 'gone') return error instanceof InBandFailure ? 'in-band-410' : 'status-410'
    // After a connection that broke without a sign the next watch speaks, if only by bookmarks. Silence on one after
    // the other is that of a server which has yet to reach our version, because it was restored from an older state.
    if (end === 'idle' && granted && ++silences >= silenceLimit) return 'silence'
    return undefined
  }

  const waitAfter = async (error: unknown, signal: AbortSignal) => {
    const cause = error instanceof InBandFailure ? error.cause : error
    const askedMs = cause instanceof KubeError ? cause.retryAfterMs : undefined
    const waitMs = Math.min(askedMs ?? backoffMs(++failures, retryWait, random), retryWait.maximumMs)
    await sleep(clock, waitMs, signal).catch(() => {})
  }

  const note = (error: unknown, next: ListReason | undefined) => {
    problem = error instanceof Error ? error : new Error(String(error))
    log.warn({ err: error, resource: resource.plural, next: next ?? 'resume' }, 'the store may be behind')
  }

  /** One list, with the wait that follows a failure. Returns the reason for listing next, if any. */
  const listOnce = async (reason: ListReason, signal: AbortSignal): Promise<ListReason | undefined> => {
    try {
      await list(reason, signal)
      return undefined
    } catch (error) {
      if (signal.aborted) return undefined
      note(error, reason)
      await waitAfter(error, signal)
      return reason
    }
  }

  /** One watch, likewise. */
  const watchOnce = async (signal: AbortSignal): Promise<ListReason | undefined> => {
    try {
      await watch(signal)
      hooks.onWatchEnd?.({ resource: resource.plural, end: 'closed' })
      return undefined
    } catch (error) {
      if (signal.aborted) return undefined
      const end = endOf(error)
      const next = judge(error, end)
      hooks.onWatchEnd?.({ resource: resource.plural, end })
      note(error, next)
      if (end !== 'gone' || !advanced) await waitAfter(error, signal)
      return next
    }
  }

  return {
    resource,
    store,
    hasSynced: () => synced,
    problem: () => problem,
    silentMs: () => clock.monotonicMs() - heardMs,

    whenSynced: signal => abortable(firstSync.promise, signal),

    async run(signal) {
      let listReason: ListReason | undefined = 'start'
      while (!signal.aborted) {
        listReason = await (listReason ? listOnce(listReason, signal) : watchOnce(signal))
      }
    },
  }
}

/** The server reports a failure as an event, because the status 200 has long been sent. */
class InBandFailure extends Error {
  override readonly cause: KubeError
  constructor(resource: Resource, status: ConstructorParameters<typeof KubeError>[1]['body']) {
    const cause = statusError(`WATCH ${resource.plural}`, status?.code ?? 500, status)
    super(cause.message)
    this.cause = cause
  }
}

class ShortWatch extends Error {
  constructor(resource: Resource) {
    super(`WATCH ${resource.plural}: over at once without an event`)
  }
}

function endOf(error: unknown): WatchEnd {
  if (error instanceof ShortWatch) return 'short'
  if (isGone(error instanceof InBandFailure ? error.cause : error)) return 'gone'
  return error instanceof KubeError && error.code === 'timeout' ? 'idle' : 'failed'
}
