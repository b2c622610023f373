/** Errors as a person at a terminal sees them. */
import { ConfigError } from '../config/errors.ts'
import { printable, printableLines } from '../text/printable.ts'

/** The command was called in a way that cannot work: exit status 2. */
export class UsageError extends Error {
  readonly code = 'Usage'
  readonly retryable = false

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
  }
}

/** One message with its causes, without stack traces. */
export function describeError(error: unknown): string {
  const messages: string[] = []
  for (let current = error; current !== undefined && messages.length < 5; current = causeOf(current)) {
    const message = current instanceof Error ? current.message : String(current)
    // Many errors repeat their cause.
    if (message !== '' && !messages.some(earlier => earlier.includes(message))) messages.push(message)
  }
  return printableLines(`ekya: ${messages.join(': ') || 'failed without saying why'}`)
}

export function usageOf(command: string, error: ConfigError): UsageError {
  const { problems } = error
  const lines = problems.map(({ where, message }) => `  ${printable(`${where}: ${message}`)}`)
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return new UsageError(
    [`${command}: ${count}`, ...lines, `Run \`ekya ${command} --help\` for what is accepted.`].join('\n'),
    { cause: error },
  )
}

function causeOf(error: unknown): unknown {
  // A ConfigError is told in full by the usage error around it.
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof ConfigError ? undefined : cause
}
