/** Conditional normal distributions with mean 0, by Cholesky. */

export interface Conditional {
  readonly mean: number
  readonly variance: number
}

/** Lower triangle L with L Lᵀ = matrix; undefined where the matrix is not positive definite. */
export function cholesky(matrix: readonly (readonly number[])[]): number[][] | undefined {
  const lower: number[][] = []
  for (const [i, row] of matrix.entries()) {
    const current: number[] = []
    lower.push(current)
    for (let j = 0; j <= i; j++) {
      let rest = row[j]!
      for (let k = 0; k < j; k++) rest -= current[k]! * lower[j]![k]!
      if (i > j) current.push(rest / lower[j]![j]!)
      else if (rest > 1e-12 * row[i]!) current.push(Math.sqrt(rest))
      else return undefined
    }
  }
  return lower
}

/**
 * Of a normal variable given others.
 *
 * @param variance of the variable beforehand.
 * @param covariances with each of the others.
 * @param matrix the others' covariances, positive definite.
 * @param observed the others' values.
 */
export function condition(
  variance: number,
  covariances: readonly number[],
  matrix: readonly (readonly number[])[],
  observed: readonly number[],
): Conditional {
  const lower = cholesky(matrix)
  if (lower === undefined) return { mean: 0, variance }
  const a = forward(lower, covariances)
  const b = forward(lower, observed)
  let [mean, explained] = [0, 0]
  for (const [i, value] of a.entries()) {
    mean += value * b[i]!
    explained += value * value
  }
  return { mean, variance: Math.max(0, variance - explained) }
}

/** Solves L x = right. */
function forward(lower: readonly (readonly number[])[], right: readonly number[]): number[] {
  const solution: number[] = []
  for (const [i, row] of lower.entries()) {
    let rest = right[i]!
    for (let k = 0; k < i; k++) rest -= row[k]! * solution[k]!
    solution.push(rest / row[i]!)
  }
  return solution
}
