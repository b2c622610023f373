/** The axis of accuracies in a chart: where it begins and ends, and its ticks, all multiples of ten or of twenty points. */

export interface Scale {
  readonly low: number
  readonly high: number
  /** Rising, both ends included. */
  readonly ticks: readonly number[]
}

/** Tenths between two ticks. */
const steps = [1, 2] as const
const mostIntervals = 5
/** A line is not drawn on the edge, in tenths. */
const margin = 0.2

/** @param values in [0, 1], at least one */
export function scaleOf(values: readonly number[]): Scale {
  const least = 10 * values.reduce((a, b) => Math.min(a, b), 1) - margin
  const most = 10 * values.reduce((a, b) => Math.max(a, b), 0) + margin
  const spans = steps.map(step => {
    const high = Math.min(10, Math.max(2, step * Math.ceil(most / step)))
    const low = Math.max(0, Math.min(high - 2, step * Math.floor(least / step)))
    return { low, high, step }
  })
  const { low, high, step } = spans.find(({ low, high, step }) => (high - low) / step <= mostIntervals)!
  const ticks = Array.from({ length: (high - low) / step + 1 }, (_, i) => (low + i * step) / 10)
  return { low: low / 10, high: high / 10, ticks }
}
