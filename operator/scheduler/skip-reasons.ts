/**
 * Whether a stream is offered to the policy for retraining, and with which configurations.
 *
 * Each reason looks at the facts and answers with a sentence or nothing; the first sentence decides and is shown to the user
 * as it is. The order is that in which a person would ask.
 */
import { amount, points } from './explain.ts'
import type { RetrainingOption } from './problem.ts'

export interface RetrainingFacts {
  readonly suspended: boolean
  /** Already trained in this window, so nothing else may begin; what came of it. */
  readonly trained?: string
  /** Why labelling or profiling did not succeed. */
  readonly profilingFailure?: string
  /** Golden labels on hand; null: there is no profile. */
  readonly labelled: number | null
  /** Why there is none, as the end of a sentence. */
  readonly unprofiled?: string
  /** Labels below which nothing is trained. */
  readonly minimumLabels: number
  /** Accuracy of the model in use at full share on the newest labels. */
  readonly accuracyNow: number | null
  /** All configurations that were estimated. */
  readonly options: readonly RetrainingOption[]
  /** Predicted gain below which a configuration is not worth training, in [0, 1]. */
  readonly minGain: number
  readonly remainingSeconds: number
}

export type SkipCode =
  | 'Suspended'
  | 'AlreadyTrained'
  | 'ProfilingFailed'
  | 'NotProfiled'
  | 'TooFewLabels'
  | 'AccuracyUnknown'
  | 'NoConfigurations'
  | 'GainBelowMinimum'
  | 'TooLittleTime'

export interface SkipReason {
  readonly code: SkipCode
  /** A sentence, or undefined: no reason to skip. */
  readonly applies: (facts: RetrainingFacts) => string | undefined
}

const skip = (code: SkipCode, applies: SkipReason['applies']): SkipReason => ({ code, applies })

export const skipReasons: readonly SkipReason[] = [
  skip('Suspended', f => (f.suspended ? 'no retraining: the stream is suspended' : undefined)),
  skip('AlreadyTrained', f => f.trained),
  skip('ProfilingFailed', f =>
    f.profilingFailure === undefined ? undefined : `no retraining: profiling failed: ${f.profilingFailure}`),
  skip('NotProfiled', f =>
    f.labelled === null ? `no retraining: ${f.unprofiled ?? 'nothing is labelled yet'}` : undefined),
  skip('TooFewLabels', f =>
    f.labelled !== null && f.labelled < f.minimumLabels
      ? `no retraining: ${f.labelled} golden labels, ${f.minimumLabels} are needed`
      : undefined),
  skip('AccuracyUnknown', f =>
    f.accuracyNow === null
      ? 'no retraining: the accuracy of the model in use is not measured yet'
      : undefined),
  skip('NoConfigurations', f =>
    f.options.length === 0
      ? 'no retraining: no configuration was profiled (too little time, or the loss of each diverged)'
      : undefined),
  skip('GainBelowMinimum', f => {
    const best = mostAccurate(f.options)
    const gain = best === undefined ? 0 : best.accuracyAfter - f.accuracyNow!
    if (best === undefined || gain >= f.minGain) return undefined
    return `no retraining: best gain ${points(gain)} points (${best.configuration}) is below the minimum of ${points(f.minGain)}`
  }),
  skip('TooLittleTime', f => {
    const worth = gaining(f)
    const cheapest = worth.reduce((a, b) => (b.gpuSeconds < a.gpuSeconds ? b : a), worth[0]!)
    if (cheapest === undefined || cheapest.gpuSeconds < f.remainingSeconds) return undefined
    return `no retraining: the cheapest that gains enough (${cheapest.configuration}) needs ${amount(cheapest.gpuSeconds)} GPU-s, and the window ends in ${Math.round(f.remainingSeconds)} s`
  }),
]

export interface Worth {
  /** What to offer the policy; empty with a reason. */
  readonly options: readonly RetrainingOption[]
  readonly skip?: { readonly code: SkipCode; readonly reason: string }
}

/** The configurations worth offering: those that gain `minGain` and end in time on a whole GPU; or why there are none. */
export function worthTraining(facts: RetrainingFacts): Worth {
  for (const { code, applies } of skipReasons) {
    const reason = applies(facts)
    if (reason !== undefined) return { options: [], skip: { code, reason } }
  }
  return { options: gaining(facts).filter(option => option.gpuSeconds < facts.remainingSeconds) }
}

function gaining(facts: RetrainingFacts): RetrainingOption[] {
  return facts.options.filter(option => option.accuracyAfter - (facts.accuracyNow ?? 0) >= facts.minGain)
}

function mostAccurate(options: readonly RetrainingOption[]): RetrainingOption | undefined {
  return options.reduce<RetrainingOption | undefined>(
    (a, b) => (a === undefined || b.accuracyAfter > a.accuracyAfter ? b : a),
    undefined,
  )
}
