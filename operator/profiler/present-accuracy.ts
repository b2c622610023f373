/**
 * What the model in use is worth now: the last window's labels, moved towards those of the running one.
 *
 * The last window has many labels and may be out of date; the running one is up to date and has few. Either the scene is as it was, or
 * it has drifted; in both cases the accuracy has moved by a normal step, a small or a large one, and each measurement is off by the
 * error of a share of so many independent labels. Which case it is follows from how far the two measurements lie apart (Bayes), and in
 * each the present is their weighted mean (a Kalman step).
 */

export interface MeasuredAccuracy {
  /** In [0, 1]. */
  readonly accuracy: number
  /** Golden labels it was measured on, ≥ 0. */
  readonly labelled: number
}

/**
 * How often the accuracy of an unchanged model moves from one window to the next, and by what standard deviation. On generated and
 * sampled cameras it moves by some 15 points on average where it drifts, and by the error of measurement where it does not.
 */
const cases = [
  { often: 0.6, deviation: 0.03 },
  { often: 0.4, deviation: 0.3 },
] as const
/** Neighbouring frames show the same objects: so many labels tell as much as one independent one. */
const labelsPerObject = 2

/** @returns in [0, 1] */
export function presentAccuracy(last: MeasuredAccuracy, soFar: MeasuredAccuracy | undefined): number {
  if (soFar === undefined || soFar.labelled === 0) return last.accuracy
  const apart = soFar.accuracy - last.accuracy
  let [moved, evidence] = [0, 0]
  for (const { often, deviation } of cases) {
    const before = deviation ** 2 + variance(last)
    const total = before + variance(soFar)
    const likelihood = (often * Math.exp(-(apart ** 2) / (2 * total))) / Math.sqrt(total)
    moved += likelihood * (before / total) * apart
    evidence += likelihood
  }
  return last.accuracy + moved / evidence
}

/** Laplace's rule: a handful of labels that are all right proves no certainty. */
function variance({ accuracy, labelled }: MeasuredAccuracy): number {
  const independent = labelled / labelsPerObject
  const smoothed = (accuracy * independent + 1) / (independent + 2)
  return (smoothed * (1 - smoothed)) / Math.max(1, independent)
}
