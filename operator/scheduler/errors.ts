/** Errors of planning: all are the caller's to mend, none goes away by trying again. */

export type SchedulerErrorCode = 'unknown-policy' | 'bad-options' | 'bad-problem' | 'no-plan'

export class SchedulerError extends Error {
  readonly code: SchedulerErrorCode
  readonly retryable = false

  constructor(code: SchedulerErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'SchedulerError'
    this.code = code
  }
}
