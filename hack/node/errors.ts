/** What can go wrong with a real node. The message is written for the person at the terminal. */
export type NodeErrorCode =
  | 'not-linux'
  | 'not-root'
  | 'programs-missing'
  | 'no-namespaces'
  | 'start-failed'
  | 'not-ready'

export class NodeError extends Error {
  readonly code: NodeErrorCode

  constructor(code: NodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NodeError'
    this.code = code
  }
}
