/**
 * Accuracy of a training against epochs, after Optimus (EuroSys'18), which Ekya §4.3 uses:  a(x) = 1 − (1 / (b0·x + b1) + b2).
 *
 * The curve rises and flattens: b0, b1, b2 ≥ 0. For a fixed b2 the curve is linear in b0 and b1 after 1 / (1 − b2 − a), which
 * non-negative least squares solves; a one-dimensional search finds the b2 with the least squared error. The transformation
 * stretches errors by 1 / (1 − b2 − a)², so the equations are weighted by the inverse; a few Gauss-Newton steps take away the
 * bias that is left, and the error is one of accuracy.
 */
import { fcnnlsVector } from 'ml-fcnnls'
import { CurveFitError } from './errors.ts'

export interface AccuracyPoint {
  /** Epochs trained, ≥ 0. */
  readonly epochs: number
  /** In [0, 1]. */
  readonly accuracy: number
  /** > 0, default 1. */
  readonly weight?: number
}

export interface AccuracyCurve {
  readonly b0: number
  readonly b1: number
  readonly b2: number
  /** Weighted root mean square of the residuals. */
  readonly error: number
  /** Accuracy after so many epochs, in [0, 1]. */
  at(epochs: number): number
}

/** How near to a point the asymptote may come. */
const margin = 0.004
const gridSteps = 12
const goldenSteps = 10
const refinements = 4
const goldenRatio = (Math.sqrt(5) - 1) / 2

/**
 * @throws CurveFitError `too-few-points` below two distinct epochs, `bad-point` outside the ranges above, `no-fit` where no
 *   curve of the family is defined on the points.
 */
export function fitAccuracyCurve(points: readonly AccuracyPoint[]): AccuracyCurve {
  check(points)
  const highest = Math.max(...points.map(p => p.accuracy))
  const ceiling = Math.max(0, 1 - highest - margin)

  let best: { b2: number; curve: AccuracyCurve } | undefined
  const consider = (b2: number): number => {
    const curve = fitAt(points, b2)
    if (curve === undefined) return Number.POSITIVE_INFINITY
    if (best === undefined || curve.error < best.curve.error) best = { b2, curve }
    return curve.error
  }
  for (let i = 0; i <= gridSteps; i++) consider((ceiling * i) / gridSteps)
  if (best === undefined)
    throw new CurveFitError('no-fit', `no curve fits the ${points.length} points up to accuracy ${highest}`)
  let low = Math.max(0, best.b2 - ceiling / gridSteps)
  let high = Math.min(ceiling, best.b2 + ceiling / gridSteps)
  for (let i = 0; i < goldenSteps && high > low; i++) {
    const a = high - goldenRatio * (high - low)
    const b = low + goldenRatio * (high - low)
    if (consider(a) <= consider(b)) high = b
    else low = a
  }
  let { curve } = best
  for (let i = 0; i < refinements; i++) {
    const next = refine(points, curve)
    if (next === undefined || next.error >= curve.error) break
    curve = next
  }
  return curve
}

/** The linear fit at a given asymptote. */
function fitAt(points: readonly AccuracyPoint[], b2: number): AccuracyCurve | undefined {
  // A point at accuracy 1 lies on no curve; it is taken as just below.
  const gaps = points.map(({ accuracy }) => Math.max(margin / 2, 1 - b2 - accuracy))
  const targets = gaps.map(gap => 1 / gap)
  return solve(points, b2, targets, gaps)
}

/** One Gauss-Newton step from a curve: the linear fit again, around the curve instead of around the points. */
function refine(points: readonly AccuracyPoint[], { b0, b1, b2 }: AccuracyCurve): AccuracyCurve | undefined {
  const denominators = points.map(({ epochs }) => b0 * epochs + b1)
  const targets = points.map(({ accuracy }, i) => {
    const z = denominators[i]!
    return z + (accuracy - (1 - (1 / z + b2))) * z * z
  })
  return solve(
    points,
    b2,
    targets,
    denominators.map(z => 1 / z),
  )
}

/** b0, b1 ≥ 0 with b0·x + b1 nearest to the targets, where an error counts as one of accuracy at these gaps. */
function solve(
  points: readonly AccuracyPoint[],
  b2: number,
  targets: readonly number[],
  gaps: readonly number[],
): AccuracyCurve | undefined {
  const scales = points.map(({ weight = 1 }, i) => gaps[i]! ** 2 * Math.sqrt(weight))
  const solution = fcnnlsVector(
    points.map(({ epochs }, i) => [epochs * scales[i]!, scales[i]!]),
    scales.map((scale, i) => scale * targets[i]!),
  ).K.to1DArray()
  // b1 ≥ 1 / (1 − b2) keeps accuracies from falling below 0.
  const curve = curveOf(solution[0] ?? 0, Math.max(solution[1] ?? 0, 1 / (1 - b2)), b2, points)
  return Number.isFinite(curve.error) ? curve : undefined
}

function curveOf(b0: number, b1: number, b2: number, points: readonly AccuracyPoint[]): AccuracyCurve {
  const at = (epochs: number): number =>
    Math.min(1, Math.max(0, 1 - (1 / (b0 * Math.max(0, epochs) + b1) + b2)))
  let [sum, weights] = [0, 0]
  for (const { epochs, accuracy, weight = 1 } of points) {
    sum += weight * (at(epochs) - accuracy) ** 2
    weights += weight
  }
  return { b0, b1, b2, error: Math.sqrt(sum / weights), at }
}

function check(points: readonly AccuracyPoint[]): void {
  for (const { epochs, accuracy, weight = 1 } of points)
    if (
      !(
        epochs >= 0 &&
        Number.isFinite(epochs) &&
        accuracy >= 0 &&
        accuracy <= 1 &&
        weight > 0 &&
        Number.isFinite(weight)
      )
    )
      throw new CurveFitError(
        'bad-point',
        `point (epochs ${epochs}, accuracy ${accuracy}, weight ${weight}): accepted are epochs ≥ 0, accuracies in [0, 1] and weights > 0`,
      )
  const distinct = new Set(points.map(p => p.epochs)).size
  if (distinct < 2)
    throw new CurveFitError('too-few-points', `${distinct} distinct epochs, a curve needs two`)
}
