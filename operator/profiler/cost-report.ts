/** How well costs of retrainings are predicted: each window of a stream from the other streams and the stream's own earlier windows. */
import { costDistribution, type KnownCost } from './cost.ts'

/** A training that was micro-profiled and carried out. */
export interface CostRecord {
  readonly configuration: string
  /** GPU-seconds, > 0. */
  readonly predicted: number
  readonly actual: number
}

export interface CostFigures {
  /** Of |predicted / actual − 1|. */
  readonly medianRelativeError: number
  /** Share of costs inside the 90 % interval. */
  readonly intervalCoverage: number
}

/** @param streams windows of each stream in order. @returns null where there is nothing to predict. */
export function reportCosts(streams: readonly (readonly (readonly CostRecord[])[])[]): CostFigures | null {
  const errors: number[] = []
  let inside = 0
  for (const [s, windows] of streams.entries()) {
    const others = streams.flatMap((of, i) => (i === s ? [] : of.flat()))
    for (const [w, records] of windows.entries()) {
      const known = [...others, ...windows.slice(0, w).flat()]
      const of = new Map<string, readonly KnownCost[]>()
      for (const { configuration, predicted, actual } of records) {
        if (!(predicted > 0 && actual > 0)) continue
        const costs =
          of.get(configuration) ?? known.map(each => ({ ...each, own: each.configuration === configuration }))
        of.set(configuration, costs)
        const { median, low, high } = costDistribution(predicted, costs)
        errors.push(Math.abs(median / actual - 1))
        if (actual >= low && actual <= high) inside++
      }
    }
  }
  if (errors.length === 0) return null
  const sorted = errors.sort((a, b) => a - b)
  return {
    medianRelativeError: (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2,
    intervalCoverage: inside / errors.length,
  }
}
