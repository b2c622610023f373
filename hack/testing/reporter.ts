/**
 * Mocha reporter: the usual `spec` output for people, and the counts as JSON for the test runner, in the file that
 * `EKYA_TEST_COUNTS` names.
 */
import { writeFileSync } from 'node:fs'
import mocha, { type MochaOptions, type Runner } from 'mocha'

export const countsVariable = 'EKYA_TEST_COUNTS'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export default class CountingReporter extends mocha.reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options)
    const file = process.env[countsVariable]
    if (!file) return
    // A failing hook counts as a failure although it is no test.
    runner.once('end', () => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {}
      writeFileSync(
        file,
        JSON.stringify({ passed: passes, failed: failures, skipped: pending } satisfies Counts),
      )
    })
  }
}
