/** Errors of the simulator: all are the caller's to mend. */
import type { SchemaProblem } from '../api/schema-problems.ts'

/** As many problems are told; a file with one fault often has it a thousand times. */
const mostTold = 5

/** A trace that cannot be used: names the file, and of each problem the path in it, what is wrong and what is accepted. */
export class TraceError extends Error {
  readonly code = 'bad-trace'
  readonly retryable = false

  constructor(file: string, problems: readonly SchemaProblem[], options: { cause?: unknown } = {}) {
    const told = problems
      .slice(0, mostTold)
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    const more = problems.length > mostTold ? [`and ${problems.length - mostTold} more`] : []
    super(`${file}: ${[...told, ...more].join('; ')}`, { cause: options.cause })
    this.name = 'TraceError'
  }
}

/** A plan that cannot be carried out on the GPUs there are: a fault of the policy. */
export class PlanError extends Error {
  readonly code = 'bad-plan'
  readonly retryable = false

  constructor(message: string) {
    super(message)
    this.name = 'PlanError'
  }
}
