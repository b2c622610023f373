/**
 * Accuracies as angles, θ = arcsin √a in [0, π/2], the classical variance-stabilising transformation of shares (Bartlett, 1947): a share of n labels
 * has deviation 1 / (2√n) there, whatever it is, and what lifts 50 to 60 % lifts 90 to 95 %. So effects add up on this scale better
 * than in points.
 *
 * With θ ~ N(m, s²) the moments of a = sin² θ are exact, because sin² and sin⁴ are sums of cosines and E cos kθ = cos km · exp(−k²s²/2).
 */

export const angleOf = (accuracy: number): number => Math.asin(Math.sqrt(Math.min(1, Math.max(0, accuracy))))

export const accuracyOf = (angle: number): number => Math.sin(Math.min(Math.PI / 2, Math.max(0, angle))) ** 2

export interface AccuracyDistribution {
  /** In [0, 1]. */
  readonly mean: number
  /** Standard deviation, ≥ 0. */
  readonly deviation: number
  /** The outcome lies between the two with a probability of 90 %. */
  readonly low: number
  readonly high: number
}

/** 95 % quantile of the standard normal distribution. */
const quantile95 = 1.6449

/** @param variance of the angle, ≥ 0. */
export function distributionOf(mean: number, variance: number): AccuracyDistribution {
  const twice = Math.exp(-2 * variance) * Math.cos(2 * mean)
  const fourTimes = Math.exp(-8 * variance) * Math.cos(4 * mean)
  const first = (1 - twice) / 2
  const second = (3 - 4 * twice + fourTimes) / 8
  const width = quantile95 * Math.sqrt(variance)
  return {
    mean: first,
    deviation: Math.sqrt(Math.max(0, second - first ** 2)),
    low: accuracyOf(mean - width),
    high: accuracyOf(mean + width),
  }
}
