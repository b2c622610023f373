/**
 * How several quantities vary together between groups and within them: the one-way random-effects model  value = group + rest, with a
 * covariance matrix for each part, by the method of moments (Searle, Casella & McCulloch, Variance Components, ch. 3 and 11). Values may be missing: each
 * entry comes from the rows that have both. What is measured is drawn towards an assumption by its number of degrees of freedom, so
 * that few groups do not make a strong correlation.
 */
import { type Conditional, cholesky, condition } from './normal.ts'

/** One measurement of all quantities; those that are unknown are undefined. */
export type Row = readonly (number | undefined)[]

export type Matrix = readonly (readonly number[])[]

export interface Components {
  readonly between: Matrix
  readonly within: Matrix
}

/** What is assumed before anything is measured, and the degrees of freedom that it counts as. */
export interface Assumption extends Components {
  readonly weight: number
}

/**
 * @param groups rows that share what belongs to their group.
 * @param noise variances of measurement errors of each quantity, on average; they belong to neither part.
 * @param repeats rows that are not independent (of one window, say) count as one: their number, default 1.
 */
export function components(
  groups: readonly (readonly Row[])[],
  noise: readonly number[],
  assumption: Assumption,
  repeats = 1,
): Components {
  const size = assumption.within.length
  const between = assumption.between.map(row => [...row])
  const within = assumption.within.map(row => [...row])
  for (let a = 0; a < size; a++)
    for (let b = 0; b <= a; b++) {
      const m = moments(groups, a, b)
      const error = a === b ? noise[a]! : 0
      const inside = m.withinFreedom === 0 ? 0 : m.within - error
      const outside =
        m.betweenFreedom === 0 ? 0 : (m.between - (m.withinFreedom === 0 ? 0 : m.within)) / m.rowsPerGroup
      within[a]![b] = blend(inside, m.withinFreedom / repeats, assumption.within[a]![b]!, assumption.weight)
      between[a]![b] = blend(
        outside,
        m.betweenFreedom / repeats,
        assumption.between[a]![b]!,
        assumption.weight,
      )
    }
  return { between: proper(between, assumption.between), within: proper(within, assumption.within) }
}

/** Of the first quantity of a row to come, given what is known of it and earlier rows of its group. */
export function conditionalOfFirst(
  { between, within }: Components,
  earlier: readonly { readonly row: Row; readonly noise: readonly number[] }[],
  present: { readonly row: Row; readonly noise: readonly number[] },
): Conditional {
  const known = [...earlier, present].flatMap(({ row, noise }, at) =>
    row.flatMap((value, of) => (value === undefined ? [] : [{ at, of, value, noise: noise[of]! }])),
  )
  const covariance = (of: number, at: number, other: number, otherAt: number): number =>
    between[of]![other]! + (at === otherAt ? within[of]![other]! : 0)
  return condition(
    between[0]![0]! + within[0]![0]!,
    known.map(({ at, of }) => covariance(0, earlier.length, of, at)),
    known.map((x, i) => known.map((y, j) => covariance(x.of, x.at, y.of, y.at) + (i === j ? x.noise : 0))),
    known.map(({ value }) => value),
  )
}

interface Moments {
  /** Mean products of deviations from the group's mean, and of group means (by rows) from the origin. */
  readonly within: number
  readonly between: number
  readonly withinFreedom: number
  readonly betweenFreedom: number
  readonly rowsPerGroup: number
}

function moments(groups: readonly (readonly Row[])[], a: number, b: number): Moments {
  let [inside, outside, rows, count, squares] = [0, 0, 0, 0, 0]
  for (const group of groups) {
    let [n, sumA, sumB, product] = [0, 0, 0, 0]
    for (const row of group) {
      const [x, y] = [row[a], row[b]]
      if (x === undefined || y === undefined) continue
      n += 1
      sumA += x
      sumB += y
      product += x * y
    }
    if (n === 0) continue
    inside += product - (sumA * sumB) / n
    outside += (sumA * sumB) / n
    rows += n
    count += 1
    squares += n * n
  }
  const [withinFreedom, betweenFreedom] = [rows - count, Math.max(0, count - 1)]
  return {
    within: withinFreedom === 0 ? 0 : inside / withinFreedom,
    between: betweenFreedom === 0 ? 0 : outside / betweenFreedom,
    withinFreedom,
    betweenFreedom,
    rowsPerGroup: betweenFreedom === 0 ? 1 : (rows - squares / rows) / betweenFreedom,
  }
}

const blend = (measured: number, freedom: number, assumed: number, weight: number): number =>
  (freedom * measured + weight * assumed) / (freedom + weight)

/** The nearest that is symmetric and positive definite: moments may come out below 0 or contradict each other. */
function proper(lower: readonly (readonly number[])[], assumed: Matrix): Matrix {
  const diagonal = lower.map((row, i) => Math.max(row[i]!, assumed[i]![i]! * 1e-3))
  for (let scale = 1; ; scale = scale > 1e-3 ? scale * 0.8 : 0) {
    const matrix = lower.map((_, i) =>
      lower.map((_, j) => (i === j ? diagonal[i]! : scale * lower[Math.max(i, j)]![Math.min(i, j)]!)),
    )
    if (scale === 0 || cholesky(matrix) !== undefined) return matrix
  }
}
