/** Least squares with a normal assumption on each coefficient (Bayesian linear regression), for a handful of coefficients. */
import { cholesky } from './normal.ts'

export interface Coefficient {
  readonly mean: number
  /** Standard deviation of the assumption, > 0. */
  readonly deviation: number
}

export interface Equation {
  readonly factors: readonly number[]
  readonly value: number
  /** 1 / variance of the value's error, > 0. */
  readonly weight: number
}

/** Posterior mean of the coefficients. */
export function ridge(equations: readonly Equation[], assumed: readonly Coefficient[]): number[] {
  const precision = assumed.map(({ deviation }) => 1 / deviation ** 2)
  const matrix = assumed.map((_, i) => assumed.map((_, j) => (i === j ? precision[i]! : 0)))
  const right = assumed.map(({ mean }, i) => precision[i]! * mean)
  for (const { factors, value, weight } of equations)
    for (const [i, x] of factors.entries()) {
      right[i]! += weight * x * value
      for (const [j, y] of factors.entries()) matrix[i]![j]! += weight * x * y
    }
  return solve(matrix, right)
}

function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  // Positive definite because of the assumptions; scaled to a unit diagonal, since precisions differ by orders of magnitude.
  const scale = matrix.map((row, i) => 1 / Math.sqrt(row[i]!))
  const lower = cholesky(matrix.map((row, i) => row.map((value, j) => value * scale[i]! * scale[j]!)))
  if (lower === undefined) return right.map((value, i) => value * scale[i]! ** 2)
  const half: number[] = []
  for (const [i, row] of lower.entries()) {
    let rest = right[i]! * scale[i]!
    for (let k = 0; k < i; k++) rest -= row[k]! * half[k]!
    half.push(rest / row[i]!)
  }
  const solution = [...half]
  for (let i = lower.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < lower.length; k++) solution[i]! -= lower[k]![i]! * solution[k]!
    solution[i]! /= lower[i]![i]!
  }
  return solution.map((value, i) => value * scale[i]!)
}
