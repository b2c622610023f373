/**
 * What goes wrong in a worker, in the words of the contract. Errors of frames, models and learning carry such a code themselves;
 * everything else is `Internal`.
 */
import type { WorkerError, WorkerErrorCode } from '../../operator/api/worker.ts'

export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure'
  readonly code: WorkerErrorCode
  /** Whether the same may succeed later without anyone changing the configuration. */
  readonly retryable: boolean

  constructor(
    code: WorkerErrorCode,
    message: string,
    options: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** HTTP status of each code. */
const httpStatus: Readonly<Record<WorkerErrorCode, number>> = {
  BadRequest: 400,
  ConfigInvalid: 400,
  ModelNotFound: 404,
  SourceNotFound: 404,
  ModelDigestMismatch: 409,
  Cancelled: 409,
  Interrupted: 409,
  TooLate: 409,
  ModelInvalid: 422,
  ModelClassesMismatch: 422,
  SourceInvalid: 422,
  LabelsInvalid: 422,
  TooFewSamples: 422,
  OperatorUnsupported: 422,
  LossDiverged: 422,
  ShareMismatch: 422,
  StorageFailed: 503,
  Internal: 500,
}

/** A message is for people and for a termination message of 4 KiB. */
const messageLimit = 1000

export function failureOf(error: unknown): WorkerError['error'] {
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  return { code, message: message.length > messageLimit ? `${message.slice(0, messageLimit - 1)}…` : message }
}

export const statusOf = (code: WorkerErrorCode): number => httpStatus[code]

function codeOf(error: unknown): WorkerErrorCode {
  if (!(error instanceof Error)) return 'Internal'
  if (error.name === 'AbortError') return 'Cancelled'
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string') return 'Internal'
  if (Object.hasOwn(httpStatus, code)) return code as WorkerErrorCode
  return storageCodes.has(code) ? 'StorageFailed' : 'Internal'
}

/** Of the operating system, when a folder cannot be written or read. */
const storageCodes = new Set([
  'EACCES',
  'EPERM',
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EIO',
  'ENOTDIR',
  'ENOENT',
  'ESTALE',
])
