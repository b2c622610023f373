/**
 * What the model in use is worth now: the last window's labels, moved towards those of the running one.
 *
 * The last window has many labels and may be out of date; the running one is up to date and has few. The accuracy may have moved for two
 * reasons: the mix of classes is another one, or the model does worse (or better) on the same classes. Each has moved by a normal step
 * (for the second a small or a large one: a scene is much as it was, or has drifted), and each measurement is off by the error of a
 * share of so many labels, of which frames of the same object count once. Which case it is follows from how far the two
 * measurements lie apart (Bayes), and in each the present is their weighted mean (a Kalman step).
 */

export interface MeasuredAccuracy {
  /** In [0, 1]. */
  readonly accuracy: number
  /** Golden labels it was measured on, ≥ 0; of those that belong together only as many as they are worth. */
  readonly labelled: number
}

export interface FreshAccuracy extends MeasuredAccuracy {
  /** The same labels by the accuracies that each class had in the last window: further from the last window's accuracy by the mix alone. */
  readonly expected: number
}

/**
 * How often the accuracy of an unchanged model moves from one window to the next, and by what standard deviation; and that of the mix's
 * part. Chosen on 60 windows of 12 generated cameras and 42 of 6 sampled ones.
 */
const cases = [
  { often: 0.5, deviation: 0.05 },
  { often: 0.5, deviation: 0.3 },
] as const
const mixDeviation = 0.05
/** Of the accuracies of single classes. */
const classDeviation = 0.2

/** @returns in [0, 1] */
export function presentAccuracy(last: MeasuredAccuracy, soFar: FreshAccuracy | undefined): number {
  if (soFar === undefined || soFar.labelled === 0) return last.accuracy
  const moved = freshWeight(last, soFar) * distance(last, soFar)
  return Math.min(1, Math.max(0, last.accuracy + moved))
}

/** How much the fresh labels count against the last window's, in [0, 1]. */
export function freshWeight(last: MeasuredAccuracy, soFar: FreshAccuracy): number {
  if (soFar.labelled === 0) return 0
  const apart = distance(last, soFar)
  let [weight, evidence] = [0, 0]
  for (const { often, deviation } of cases) {
    const before = deviation ** 2 + variance(last)
    const total = before + variance(soFar)
    const likelihood = (often * Math.exp(-(apart ** 2) / (2 * total))) / Math.sqrt(total)
    weight += likelihood * (before / total)
    evidence += likelihood
  }
  return weight / evidence
}

/** How far the fresh labels lie from the last window's, the mix of a few objects left out. */
function distance(last: MeasuredAccuracy, soFar: FreshAccuracy): number {
  const believed = mixDeviation ** 2 / (mixDeviation ** 2 + classDeviation ** 2 / soFar.labelled)
  return soFar.accuracy - soFar.expected + believed * (soFar.expected - last.accuracy)
}

/** Laplace's rule: a handful of labels that are all right proves no certainty. */
function variance({ accuracy, labelled }: MeasuredAccuracy): number {
  const smoothed = (accuracy * labelled + 1) / (labelled + 2)
  return (smoothed * (1 - smoothed)) / Math.max(1, labelled)
}
