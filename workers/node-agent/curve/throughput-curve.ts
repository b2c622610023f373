/** From step times at shares to a throughput curve. Pure. */
import type { ThroughputCurve } from '../inventory.ts'

export interface StepTime {
  /** Percentage of the GPU. */
  readonly percentage: number
  /** Median of a training step, in seconds. */
  readonly seconds: number
}

/** What is measured, in this order: the whole GPU first, so that a GPU on which nothing works is noticed at once. */
export const percentages: readonly number[] = [100, 90, 80, 70, 60, 50, 40, 30, 20, 10]

/**
 * Speed relative to the whole GPU. Measurements scatter and a larger share is never slower, so speeds that fall are levelled: each is at least
 * the one before, none is above 1.
 *
 * @throws RangeError without a measurement of the whole GPU and another
 */
export function throughputCurve(measured: readonly StepTime[]): ThroughputCurve {
  const whole = measured.find(({ percentage }) => percentage === 100)
  const parts = measured
    .filter(({ percentage }) => percentage < 100)
    .sort((a, b) => a.percentage - b.percentage)
  if (whole === undefined || parts.length === 0)
    throw new RangeError('a curve needs the step time at 100 % and at one other share')
  let least = 0
  return [
    ...parts.map(({ percentage, seconds }) => {
      least = Math.max(least, Math.min(1, round(whole.seconds / seconds)))
      return [percentage / 100, least] as const
    }),
    [1, 1] as const,
  ]
}

/** More digits than the measurement has would make the annotation another at each measurement. */
const round = (value: number): number => Math.round(value * 1000) / 1000
