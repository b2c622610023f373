/**
 * What became of a request that brought no usable answer, and whether it may be sent again.
 */
import { KubeError, type StatusBody } from './errors.ts'

/** The socket never carried the request, so any verb may be sent again. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Statuses of a server or gateway that may answer otherwise in a moment; 501 and the like will not. */
const passing = new Set([429, 500, 502, 503, 504])

/**
 * The error that a caller sees for whatever a request threw: KubeErrors as they are, the caller's own abort as its
 * reason, and the rest as `timeout`, `connection` or `bad-response`.
 */
export function requestFailure(
  call: string,
  error: unknown,
  caller: AbortSignal,
  expiredMs?: number,
): unknown {
  if (expiredMs !== undefined) {
    return new KubeError(`${call}: no answer within ${expiredMs} ms`, {
      code: 'timeout',
      retryable: true,
      cause: error,
    })
  }
  if (caller.aborted) return caller.reason
  if (error instanceof KubeError) return error
  const why = error instanceof Error ? error.message || systemCode(error) : String(error)
  return new KubeError(`${call}: ${why}`, { code: 'connection', retryable: true, cause: error })
}

/** `repeatable`: doing the request twice is the same as doing it once. */
export function mayRepeat(repeatable: boolean, error: KubeError): boolean {
  if (!error.retryable) return false
  if (error.status === 429 || (error.status !== undefined && error.retryAfterMs !== undefined)) return true
  if (error.code === 'connection' && neverSent.has(systemCode(error.cause))) return true
  return repeatable && (error.status === undefined || passing.has(error.status))
}

/** The server's certificate or ours was refused: perhaps they were rotated on disk. */
export function isTlsFailure(error: KubeError): boolean {
  return error.code === 'connection' && /CERT|SIGNATURE|ERR_TLS|ERR_SSL|ISSUER/.test(systemCode(error.cause))
}

/** The `Retry-After` header, which is a number of seconds or an HTTP date. */
export function retryAfterMs(header: string | string[] | undefined, now: Date): number | undefined {
  const value = (Array.isArray(header) ? header[0] : header)?.trim()
  if (!value) return undefined
  if (/^[0-9]+$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime())
}

/** The Status in an answer's body; gateways send pages and plain text instead, of which the beginning is kept. */
export function parseStatus(text: string): StatusBody | undefined {
  try {
    const body = JSON.parse(text)
    if (body !== null && typeof body === 'object') return body
  } catch {
    // Not JSON: fall through.
  }
  const message = text.trim().slice(0, 300)
  return message ? { message } : undefined
}

export function parseJson(call: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = `${call}: the answer is not JSON: ${text.slice(0, 100)}`
    throw new KubeError(message, { code: 'bad-response', retryable: true, cause })
  }
}

/** The code of a system or undici error; that of the first part where a name had several addresses. */
function systemCode(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return systemCode(error.errors[0])
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
