/** All that is wrong with a configuration, at once. */
export interface ConfigProblem {
  /** The flag or variable that is at fault, as the user wrote it, for example `--seed` or `EKYA_SEED`. */
  readonly where: string
  /** What is wrong, and what is accepted. */
  readonly message: string
}

export class ConfigError extends Error {
  readonly code = 'ConfigInvalid'
  readonly retryable = false
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ where, message }) => `${where}: ${message}`).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}
