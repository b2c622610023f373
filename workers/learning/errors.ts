/** Errors of training. `code` is stable and part of the contract with the operator. */
import type { WorkerErrorCode } from '../../operator/api/worker.ts'

export type LearningErrorCode = Extract<
  WorkerErrorCode,
  | 'OperatorUnsupported'
  | 'LossDiverged'
  | 'TooFewSamples'
  | 'LabelsInvalid'
  | 'ModelInvalid'
  | 'ConfigInvalid'
  | 'Cancelled'
>

export class LearningError extends Error {
  override readonly name = 'LearningError'
  readonly code: LearningErrorCode
  /** Whether the same request may succeed when it is made again. */
  readonly retryable: boolean

  constructor(code: LearningErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = code === 'Cancelled'
  }
}
