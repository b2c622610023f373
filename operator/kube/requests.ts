/**
 * One request to the API server, with its timeout, its credentials and its repetitions.
 *
 *   429, and 5xx with Retry-After    repeated for any verb: the server refused before it did anything; waits as long as it asks
 *   5xx, timeout, broken connection  repeated for verbs that may be (all but create and JSON patch)
 *   no connection at all             repeated for any verb: nothing was sent
 *   401, failed TLS                  repeated once, with credentials read anew from disk
 * Streams are never repeated here: to resume one takes the last resourceVersion, which is the reflector's.
 */
import type { IncomingHttpHeaders } from 'undici/types/header.js'
import { backoffMs } from './backoff.ts'
import { type Clock, sleep } from './clock.ts'
import type { ConnectionPool, Lane } from './connection-pool.ts'
import type { Credentials } from './credentials.ts'
import { abortable, followBoth, startDeadline } from './deadline.ts'
import { isUnauthorized, KubeError, statusError } from './errors.ts'
import { isTlsFailure, mayRepeat, parseStatus, requestFailure, retryAfterMs } from './failures.ts'
import { readJsonLines } from './json-lines.ts'

export type Verb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'watch' | 'raw'

export interface Request {
  readonly verb: Verb
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** Plural of the resource, for metrics. */
  readonly resource: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: object
  readonly contentType?: string
  /** Doing it twice is the same as doing it once. */
  readonly repeatable: boolean
}

export interface CallOptions {
  /** Limit of one attempt (default: the transport's). */
  readonly timeoutMs?: number
  /** Repetitions after a failed attempt (default: the transport's). */
  readonly retries?: number
}

/** What metrics may want to know. Hooks must not throw. */
export interface TransportHooks {
  /** After each attempt; `code` is the HTTP status, `timeout` or `error`. */
  onRequest?(request: { verb: Verb; resource: string; code: string; seconds: number }): void
  onRetry?(request: { verb: Verb; resource: string; code: string }): void
  /** After each TCP and TLS connection made. */
  onConnect?(lane: Lane): void
}

export interface RequesterOptions {
  readonly credentials: Credentials
  readonly pool: ConnectionPool
  readonly clock: Clock
  readonly random: () => number
  readonly userAgent: string
  readonly timeoutMs: number
  readonly retries: number
  readonly hooks: TransportHooks
}

export interface Requester {
  /** The answer's body. @throws KubeError, or the signal's reason. */
  call(request: Request, options?: CallOptions, signal?: AbortSignal): Promise<string>
  /** The lines of an answer that goes on; fails with `timeout` when not a byte comes for `idleMs`. */
  stream(
    request: Request,
    options: { readonly idleMs: number; readonly onOpen?: () => void },
    signal?: AbortSignal,
  ): AsyncGenerator<unknown>
  close(): Promise<void>
}

const retryWait = { initialMs: 100, maximumMs: 10_000 }
/** A server that asks for a longer wait is asked again after this. */
const longestRetryAfterMs = 30_000

export function createRequester(options: RequesterOptions): Requester {
  const { credentials, pool, clock, random, hooks } = options
  const closing = new AbortController()

  const send = async (request: Request, lane: Lane, signal: AbortSignal) => {
    const connection = await abortable(credentials.connection(), signal)
    return pool.dispatcher(connection, lane).request({
      origin: connection.origin,
      path: connection.basePath + request.path + queryString(request.query),
      method: request.method,
      headers: {
        accept: 'application/json',
        'user-agent': options.userAgent,
        ...(request.body ? { 'content-type': request.contentType ?? 'application/json' } : {}),
        ...connection.headers,
      },
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal,
    })
  }

  const refusal = (request: Request, status: number, headers: IncomingHttpHeaders, text: string) =>
    statusError(
      callName(request),
      status,
      parseStatus(text),
      retryAfterMs(headers['retry-after'], clock.now()),
    )

  /** Runs one exchange under a deadline, counts it, and turns whatever it throws into what callers see. */
  const observe = (request: Request, limitMs: number, caller: AbortSignal) => {
    const deadline = startDeadline(clock, limitMs, caller)
    const startedMs = clock.monotonicMs()
    let code = 'error'
    return {
      deadline,
      answered: (status: number) => {
        code = String(status)
      },
      failed: (error: unknown) => {
        if (deadline.expired()) code = 'timeout'
        return requestFailure(callName(request), error, caller, deadline.expired() ? limitMs : undefined)
      },
      ended: () => {
        deadline.release()
        const seconds = (clock.monotonicMs() - startedMs) / 1000
        hooks.onRequest?.({ verb: request.verb, resource: request.resource, code, seconds })
      },
    }
  }

  const attempt = async (request: Request, timeoutMs: number, caller: AbortSignal): Promise<string> => {
    const exchange = observe(request, timeoutMs, caller)
    try {
      const response = await send(request, 'call', exchange.deadline.signal)
      exchange.answered(response.statusCode)
      const text = await response.body.text()
      if (response.statusCode >= 400) throw refusal(request, response.statusCode, response.headers, text)
      return text
    } catch (error) {
      throw exchange.failed(error)
    } finally {
      exchange.ended()
    }
  }

  return {
    async call(request, { timeoutMs = options.timeoutMs, retries = options.retries } = {}, caller) {
      const { signal, release } = followBoth(caller, closing.signal)
      let renewed = false
      try {
        for (let failures = 1; ; failures++) {
          try {
            signal.throwIfAborted()
            return await attempt(request, timeoutMs, signal)
          } catch (error) {
            if (!(error instanceof KubeError) || signal.aborted || failures > retries) throw error
            const renew = !renewed && (isUnauthorized(error) || isTlsFailure(error))
            if (!renew && !mayRepeat(request.repeatable, error)) throw error
            hooks.onRetry?.({ verb: request.verb, resource: request.resource, code: error.code })
            if (renew) {
              renewed = true
              credentials.invalidate()
              continue
            }
            const waitMs = error.retryAfterMs ?? backoffMs(failures, retryWait, random)
            await sleep(clock, Math.min(waitMs, longestRetryAfterMs), signal)
          }
        }
      } finally {
        release()
      }
    },

    async *stream(request, { idleMs, onOpen }, caller) {
      const { signal, release } = followBoth(caller, closing.signal)
      const exchange = observe(request, idleMs, signal)
      try {
        const response = await send(request, 'watch', exchange.deadline.signal)
        exchange.answered(response.statusCode)
        if (response.statusCode >= 400) {
          throw refusal(request, response.statusCode, response.headers, await response.body.text())
        }
        onOpen?.()
        yield* readJsonLines(response.body, exchange.deadline.extend)
      } catch (error) {
        const failure = exchange.failed(error)
        if (isUnauthorized(failure) || (failure instanceof KubeError && isTlsFailure(failure))) {
          credentials.invalidate()
        }
        throw failure
      } finally {
        exchange.ended()
        release()
      }
    },

    async close() {
      closing.abort(new KubeError('the transport is closed', { code: 'connection', retryable: false }))
      await pool.close()
    },
  }
}

function callName(request: Request): string {
  return `${request.verb === 'watch' ? 'WATCH' : request.method} ${request.path}`
}

function queryString(query: Request['query'] = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value))
  }
  return parameters.size > 0 ? `?${parameters}` : ''
}
