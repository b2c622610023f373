import type { WorkerErrorCode } from '../../operator/api/worker.ts'

/** Why frames cannot be had. Messages name the file (and line) and what would be accepted. */
export class FrameError extends Error {
  readonly code: WorkerErrorCode
  /** True where the same call may succeed later without anyone changing the stream: a folder that is not there yet. */
  readonly retryable: boolean

  constructor(
    code: WorkerErrorCode,
    message: string,
    options: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'FrameError'
    this.code = code
    this.retryable = options.retryable ?? false
  }
}
