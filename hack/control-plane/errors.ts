/**
 * What can go wrong while a control plane is found, built or run. The message is written for the person at the terminal.
 */
export type ControlPlaneErrorCode =
  | 'go-missing'
  | 'go-too-old'
  | 'build-failed'
  | 'start-failed'
  | 'not-ready'
  | 'aborted'

export class ControlPlaneError extends Error {
  readonly code: ControlPlaneErrorCode
  readonly retryable: boolean

  constructor(
    code: ControlPlaneErrorCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ControlPlaneError'
    this.code = code
    this.retryable = options.retryable ?? false
  }
}
