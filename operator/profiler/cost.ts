/**
 * GPU-seconds of a training as a distribution. The prediction itself (set-up: start, model, images, graph; then epochs × measured step times)
 * comes from the micro-profile; how far such predictions are off is learned from trainings that ran to their end:
 *
 *   log(actual / predicted) ~ normal(bias, spread²)
 *
 * The bias is that of the configuration, drawn towards that of all, drawn towards 0. The spread comes from what is left, drawn towards an
 * assumption.
 */
import { type SeenError, shrunkenMean } from './shrunken-mean.ts'

/** A training whose cost is known. */
export interface KnownCost {
  /** Of the configuration that is asked for, and not of another one. */
  readonly own: boolean
  /** GPU-seconds, > 0. */
  readonly predicted: number
  readonly actual: number
}

export interface CostDistribution {
  readonly median: number
  readonly mean: number
  /** The cost lies between the two with a probability of 90 %. */
  readonly low: number
  readonly high: number
}

/** How many trainings count as much as the assumption that there is no bias, and of the configuration as what all show. */
const shrinkage = { all: 2, own: 8 } as const
/** Predictions that are off by more are not believed to be typical. */
const mostBias = Math.log(2)
/** A quarter, as much as other work on the machine changes; counts as four trainings. */
const assumedSpread = { deviation: 0.25, weight: 4 } as const
/** 95 % quantile of the standard normal distribution. */
const quantile95 = 1.6449

export function costDistribution(predicted: number, known: readonly KnownCost[]): CostDistribution {
  const errors = known
    .filter(each => each.predicted > 0 && each.actual > 0)
    .map(each => ({ own: each.own, error: Math.log(each.actual / each.predicted) }))
  const { bias, uncertainty } = biasOf(errors)
  const squares = errors.reduce((sum, { error }) => sum + (error - bias) ** 2, 0)
  const { deviation, weight } = assumedSpread
  const variance = (squares + weight * deviation ** 2) / (errors.length + weight)
  const spread = Math.sqrt(variance * (1 + uncertainty))
  const median = predicted * Math.exp(bias)
  return {
    median,
    mean: median * Math.exp(spread ** 2 / 2),
    low: median * Math.exp(-quantile95 * spread),
    high: median * Math.exp(quantile95 * spread),
  }
}

/** @returns uncertainty: variance of the bias's error, relative to that of a training. */
function biasOf(errors: readonly SeenError[]): { readonly bias: number; readonly uncertainty: number } {
  return {
    bias: Math.min(mostBias, Math.max(-mostBias, shrunkenMean(errors, shrinkage))),
    uncertainty: 1 / (errors.length + shrinkage.all),
  }
}
