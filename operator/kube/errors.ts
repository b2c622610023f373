/**
 * Every failure of a call to the API server.
 *
 * `code` is stable and made for programs; the message names the call, the status and the server's own words.
 * `retryable` says that the same call may succeed later without anyone changing anything; it does not say that the
 * call had no effect: after `timeout` and `connection` a write may have happened.
 * An abort by the caller is not an error of this class: the signal's own reason is thrown.
 */
import { stdSerializers } from 'pino'

export type KubeErrorCode =
  | 'bad-request'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'gone'
  | 'invalid'
  | 'too-many-requests'
  | 'server'
  | 'timeout'
  | 'connection'
  | 'bad-response'
  | 'configuration'

/** The parts of meta/v1 Status that say why a call failed. */
export interface StatusBody {
  readonly kind?: string
  readonly message?: string
  readonly reason?: string
  readonly code?: number
  readonly details?: {
    readonly retryAfterSeconds?: number
    readonly causes?: readonly {
      readonly reason?: string
      readonly message?: string
      readonly field?: string
    }[]
  }
}

export interface KubeErrorFields {
  readonly code: KubeErrorCode
  /** HTTP status; absent where no answer came. */
  readonly status?: number
  /** `reason` of the server's Status, such as `NotFound` or `Expired`. */
  readonly reason?: string
  readonly retryable: boolean
  /** How long the server asked to wait. */
  readonly retryAfterMs?: number
  readonly body?: StatusBody
  readonly cause?: unknown
}

export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly code: KubeErrorCode
  readonly status: number | undefined
  readonly reason: string | undefined
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly body: StatusBody | undefined

  constructor(message: string, fields: KubeErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.code = fields.code
    this.status = fields.status
    this.reason = fields.reason
    this.retryable = fields.retryable
    this.retryAfterMs = fields.retryAfterMs
    this.body = fields.body
  }
}

/** For a log: what a call came to is told by its message and code; anything else keeps its stack. */
export function loggedError(error: unknown): unknown {
  if (!(error instanceof KubeError)) return stdSerializers.err(error as Error)
  const { message, code, retryable } = error
  return { message, code, retryable }
}

const codes: Readonly<Record<number, KubeErrorCode>> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  408: 'timeout',
  409: 'conflict',
  410: 'gone',
  422: 'invalid',
  429: 'too-many-requests',
}

/** The error for an answer with an HTTP status of 400 or above, or for the Status object of a watch's ERROR event. */
export function statusError(
  call: string,
  status: number,
  body: StatusBody | undefined,
  retryAfterMs?: number,
): KubeError {
  const reason = body?.reason
  const code =
    status === 409 && reason === 'AlreadyExists'
      ? 'already-exists'
      : (codes[status] ?? (status >= 500 ? 'server' : 'bad-request'))
  const seconds = body?.details?.retryAfterSeconds
  return new KubeError(
    `${call}: ${status}${reason ? ` ${reason}` : ''}${body?.message ? `: ${body.message}` : ''}`,
    {
      code,
      status,
      reason,
      retryable: status === 429 || status === 408 || status >= 500,
      retryAfterMs: retryAfterMs ?? (seconds === undefined ? undefined : seconds * 1000),
      body,
    },
  )
}

const hasCode = (error: unknown, code: KubeErrorCode) => error instanceof KubeError && error.code === code

export const isNotFound = (error: unknown) => hasCode(error, 'not-found')
export const isAlreadyExists = (error: unknown) => hasCode(error, 'already-exists')
/** Someone else wrote in between, or the object is not the one that was meant (uid). Read again and decide again. */
export const isConflict = (error: unknown) => hasCode(error, 'conflict')
/** The resourceVersion or continue token is too old: list again. */
export const isGone = (error: unknown) =>
  hasCode(error, 'gone') ||
  (error instanceof KubeError && (error.reason === 'Expired' || error.reason === 'Gone'))
export const isUnauthorized = (error: unknown) => hasCode(error, 'unauthorized')
