/**
 * What the model in use is worth now: the last window's labels, moved towards those of the running one.
 *
 * The last window has many labels and may be out of date; the running one is up to date and has few. The accuracy is taken to have
 * moved between the two by a normal step of standard deviation `drift`, and each measurement to be off by that of a share of so many
 * independent labels; the mean of what is known of the present is then a weighted one (a single Kalman step).
 */

export interface MeasuredAccuracy {
  /** In [0, 1]. */
  readonly accuracy: number
  /** Golden labels it was measured on, ≥ 0. */
  readonly labelled: number
}

/**
 * Of the accuracy of an unchanged model from one window to the next: generated and sampled cameras move by 14 to 17 points on average
 * in windows that drift, and hardly in others.
 */
const drift = 0.1
/** Neighbouring frames show the same objects: so many labels tell as much as one independent one. */
const labelsPerObject = 2

/** @returns in [0, 1] */
export function presentAccuracy(last: MeasuredAccuracy, soFar: MeasuredAccuracy | undefined): number {
  if (soFar === undefined || soFar.labelled === 0) return last.accuracy
  const before = drift ** 2 + variance(last)
  const weight = before / (before + variance(soFar))
  return last.accuracy + weight * (soFar.accuracy - last.accuracy)
}

/** Laplace's rule: a handful of labels that are all right proves no certainty. */
function variance({ accuracy, labelled }: MeasuredAccuracy): number {
  const independent = labelled / labelsPerObject
  const smoothed = (accuracy * independent + 1) / (independent + 2)
  return (smoothed * (1 - smoothed)) / Math.max(1, independent)
}
