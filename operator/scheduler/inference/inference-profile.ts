/**
 * What a share is worth to inference, predicted from how fast the scene changes.
 *
 * A frame costs c GPU-seconds, so of F / n candidate frames a second (n: the configuration's frameInterval) a share r can
 * analyse the fraction min(1, r / (c · F / n)). All other frames are served the last result. With one frame analysed in g
 * the result is 0 … g − 1 frames old, each age equally often. A result that is k frames old is right when it was right and
 * the label is still the same, or when it was wrong and the label has become just that one of the C − 1 others:
 *
 *     accuracy(k) = a · coherence(k) + (1 − a) · (1 − coherence(k)) / (C − 1)
 *
 * The factor at a share is the mean of accuracy(k) / a over the ages that occur.
 */
import type { InferenceConfiguration } from '../../api/worker.ts'
import type { ProfiledInference } from '../problem.ts'
import { factorAt } from './inference-quality.ts'

export interface InferenceCost {
  readonly configuration: InferenceConfiguration
  /** Frames per second offered, > 0. */
  readonly frameRate: number
  /** Of one analysed frame; null: not measured yet. */
  readonly gpuSecondsPerFrame: number | null
  /** coherence[k]: probability that the label k frames ago equals the present one. Absent or empty: not measured yet. */
  readonly coherence?: readonly number[]
  /** Accuracy of the model in use at full share; null: unknown, taken as 1. */
  readonly accuracy: number | null
  /** Number of classes, ≥ 2. */
  readonly classes: number
}

/** Frames cost more than their mean now and then; a share needs this much more than the mean to drop none. */
export const headRoom = 1.15

/** Before a cost is measured: the share that Ekya's profiles need for every frame. */
const unmeasuredDemand = 0.25

/** Keeps the points of a profile apart. */
const leastDemand = 1e-6

/** Before coherence is measured: labels stay for about a second (of the mean of an exponential). */
const unmeasuredDwellSeconds = 1

/**
 * What a smaller image does to accuracy is not measured; half the side length is taken to cost a tenth. It keeps a scaled
 * configuration behind a full one at the same share unless it is cheaper.
 */
const resolutionExponent = 0.152

/** Points of the profile, evenly spread up to the demand. */
const profilePoints = 20

export function inferenceOption(cost: InferenceCost): ProfiledInference {
  const { configuration } = cost
  const interval = Math.max(1, configuration.frameInterval)
  const demand =
    cost.gpuSecondsPerFrame === null || !(cost.gpuSecondsPerFrame > 0)
      ? unmeasuredDemand
      : Math.max(leastDemand, ((cost.gpuSecondsPerFrame * cost.frameRate) / interval) * headRoom)
  const relative = relativeAccuracy(cost)
  const resolution = Math.min(1, configuration.resolutionScale) ** resolutionExponent
  const shares = Array.from({ length: profilePoints }, (_, i) => (demand * (i + 1)) / profilePoints)
  const reachable = shares.filter(share => share < 1)
  if (reachable.length < shares.length) reachable.push(1)
  let highest = 0
  const profile = reachable.map((share): readonly [number, number] => {
    const gap = interval * Math.max(1, demand / share)
    // Sums of fractions round to a little above 1.
    highest = Math.min(1, Math.max(highest, resolution * meanOverAges(relative, gap)))
    return [share, highest]
  })
  return { configuration: configuration.name, profile }
}

/** The same where a pod can hold no more than a part of a GPU: beyond it more share is worth nothing. */
export function cappedInference(option: ProfiledInference, largestShare: number): ProfiledInference {
  const { profile } = option
  if (profile.every(([share]) => share <= largestShare)) return option
  const below = profile.filter(([share]) => share < largestShare)
  return { ...option, profile: [...below, [largestShare, factorAt(option, largestShare)]] }
}

/** Mean over the ages 0 … gap − 1; a fractional gap is a mixture of the two whole ones around it. */
function meanOverAges(relative: (age: number) => number, gap: number): number {
  // Beyond this the tail adds nothing but time: results are as good as guesses.
  const whole = Math.min(Math.floor(gap), 10_000)
  let sum = 0
  for (let age = 0; age < whole; age++) sum += relative(age)
  return (sum + (gap - Math.floor(gap)) * relative(whole)) / (whole + gap - Math.floor(gap))
}

function relativeAccuracy(cost: InferenceCost): (age: number) => number {
  const classes = Math.max(2, cost.classes)
  const accuracy = Math.min(1, Math.max(1 / classes, cost.accuracy ?? 1))
  const coherence = extended(cost.coherence ?? [], cost.frameRate, classes)
  return age => {
    const c = coherence(age)
    const right = accuracy * c + ((1 - accuracy) * (1 - c)) / (classes - 1)
    return Math.min(1, Math.max(0, right / accuracy))
  }
}

/** The measured coherence made non-increasing, and beyond its end falling on towards chance as at its end. */
function extended(measured: readonly number[], frameRate: number, classes: number): (age: number) => number {
  if (measured.length < 2) return age => Math.exp(-age / (unmeasuredDwellSeconds * frameRate))
  const chance = 1 / classes
  let lowest = 1
  const curve = measured.map((c, age) => {
    lowest = age === 0 ? 1 : Math.min(lowest, Math.max(0, c))
    return lowest
  })
  const last = curve.length - 1
  // The decay per frame over the whole curve: its last two points alone are mostly noise.
  const above = curve[last]! - chance
  const decay = above > 0 ? (above / (1 - chance)) ** (1 / last) : 0
  return age => {
    if (age <= last) return curve[age]!
    return above > 0 ? chance + above * decay ** (age - last) : curve[last]!
  }
}
