/**
 * Errors of reading, checking and storing models. `code` is stable and part of the contract with the operator.
 * `retryable` says whether the same call may succeed later without anybody changing the model.
 */
import type { WorkerErrorCode } from '../../operator/api/worker.ts'

export type ModelErrorCode = Extract<
  WorkerErrorCode,
  'ModelNotFound' | 'ModelInvalid' | 'ModelDigestMismatch' | 'ModelClassesMismatch' | 'StorageFailed'
>

export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly code: ModelErrorCode
  readonly retryable: boolean

  constructor(code: ModelErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? (code === 'StorageFailed' || code === 'ModelNotFound')
  }
}
