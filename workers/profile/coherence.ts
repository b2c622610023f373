/**
 * How long a result stays right: the probability that the label k frames ago equals the present one, for k = 0 … 16.
 *
 * Only a sample of the frames is labelled, so few pairs lie at each single distance. Two things help: a model that all pairs up to
 * `reach` frames agree on, p(k) = p∞ + (1 − p∞)·e^(−k/τ) with p∞ = Σ mix² (two frames far apart) and τ by maximum likelihood; and
 * that the probability cannot grow with the distance. Each distance starts from the model, as if it came from `prior` pairs, is
 * corrected by its own pairs, and the whole is made non-increasing (pool adjacent violators).
 */

export interface LabelledFrame {
  /** Number in the window. */
  readonly frame: number
  readonly label: number
}

export const longestDistance = 16
const reach = 64
const prior = 20
/** Frames; from "changes at once" to "never within a window". */
const lifetimes = Array.from({ length: 60 }, (_, i) => 0.5 * 1.15 ** i)

/** @returns 17 values, the first 1. Without any pair the model's shape alone: null, as nothing is known. */
export function coherence(frames: readonly LabelledFrame[], classes: number): number[] | null {
  const ordered = [...frames].sort((a, b) => a.frame - b.frame)
  const { pairs, equal } = countPairs(ordered)
  if (!pairs.some(count => count > 0)) return null
  const far = classMix(ordered, classes).reduce((sum, share) => sum + share * share, 0)
  const model = fitModel(pairs, equal, far)
  const values: number[] = []
  const weights: number[] = []
  for (let k = 1; k <= longestDistance; k++) {
    values.push((equal[k]! + prior * model(k)) / (pairs[k]! + prior))
    weights.push(pairs[k]! + prior)
  }
  return [1, ...nonIncreasing(values, weights)]
}

/** Share of each class. */
export function classMix(frames: readonly { readonly label: number }[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const { label } of frames) counts[label]!++
  return counts.map(count => count / Math.max(1, frames.length))
}

function countPairs(ordered: readonly LabelledFrame[]): { pairs: number[]; equal: number[] } {
  const pairs = new Array<number>(reach + 1).fill(0)
  const equal = new Array<number>(reach + 1).fill(0)
  for (const [i, { frame, label }] of ordered.entries()) {
    for (let j = i + 1; j < ordered.length && ordered[j]!.frame - frame <= reach; j++) {
      const distance = ordered[j]!.frame - frame
      pairs[distance]!++
      if (ordered[j]!.label === label) equal[distance]!++
    }
  }
  return { pairs, equal }
}

function fitModel(pairs: readonly number[], equal: readonly number[], far: number): (k: number) => number {
  const at = (lifetime: number, k: number): number => far + (1 - far) * Math.exp(-k / lifetime)
  let best = { lifetime: lifetimes[0]!, likelihood: Number.NEGATIVE_INFINITY }
  for (const lifetime of lifetimes) {
    let likelihood = 0
    for (let k = 1; k <= reach; k++) {
      if (pairs[k] === 0) continue
      const p = Math.min(at(lifetime, k), 1 - 1e-6)
      likelihood += equal[k]! * Math.log(p) + (pairs[k]! - equal[k]!) * Math.log(1 - p)
    }
    if (likelihood > best.likelihood) best = { lifetime, likelihood }
  }
  return k => at(best.lifetime, k)
}

/** Pool adjacent violators. */
function nonIncreasing(values: readonly number[], weights: readonly number[]): number[] {
  const pools: { value: number; weight: number; count: number }[] = []
  for (const [i, value] of values.entries()) {
    let pool = { value, weight: weights[i]!, count: 1 }
    for (let last = pools.at(-1); last !== undefined && last.value < pool.value; last = pools.at(-1)) {
      const weight = last.weight + pool.weight
      pool = {
        value: (last.value * last.weight + pool.value * pool.weight) / weight,
        weight,
        count: last.count + pool.count,
      }
      pools.pop()
    }
    pools.push(pool)
  }
  return pools.flatMap(({ value, count }) => new Array<number>(count).fill(value))
}
