import type { RetrainingOption } from '../problem.ts'

/** Of some configurations the one with the highest accuracy after it, the first of equals. */
export function mostAccurate(options: readonly RetrainingOption[]): RetrainingOption | undefined {
  return options.reduce<RetrainingOption | undefined>(
    (best, option) => (best === undefined || option.accuracyAfter > best.accuracyAfter ? option : best),
    undefined,
  )
}
