/** Errors of curve fitting; none goes away by trying again with the same points. */

export type CurveFitErrorCode = 'too-few-points' | 'bad-point' | 'no-fit'

export class CurveFitError extends Error {
  readonly code: CurveFitErrorCode
  readonly retryable = false

  constructor(code: CurveFitErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'CurveFitError'
    this.code = code
  }
}
