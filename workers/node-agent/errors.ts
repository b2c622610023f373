/** What can go wrong in the node agent. Messages are for the log, the inventory's `reason` and a person at a terminal. */
export type AgentErrorCode =
  /** A program of the driver is not there or cannot be started. */
  | 'program-missing'
  | 'program-timeout'
  /** It answered with a status other than 0. */
  | 'program-failed'
  /** It answered something that this agent cannot read. */
  | 'answer-unreadable'
  /** No MPS control daemon answers at the pipe directory. */
  | 'daemon-absent'
  /** kubelet refused the device plugin, or cannot be reached. */
  | 'kubelet-refused'
  | 'measurement-failed'

export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: AgentErrorCode
  readonly retryable: boolean

  constructor(
    code: AgentErrorCode,
    message: string,
    { cause, retryable = true }: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryable = retryable
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
