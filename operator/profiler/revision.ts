/**
 * What is expected of a training while it runs: its first epochs are a better measurement than a micro-profile's few steps, so they
 * take the micro-profile's place in the curve, and the estimate moves as the curve's end does.
 *
 * It moves by the part of the epochs that is done: the fewer there are, the less the end follows from them. What the estimate held beyond
 * the curve (what past trainings were off by) stays in it, because a validation accuracy is not what is served either. On recorded windows
 * (docs/benchmarks.md) this lowers the error at every stage; taking the curve for the estimate raises it where scenes drift.
 */
import type { MicroProfile, RetrainingConfiguration } from '../api/worker.ts'
import { mapScale, predictValidation } from './estimator.ts'

export interface RunningTraining {
  /** Of the trained model at full share, when it was planned. */
  readonly estimated: number
  readonly configuration: Pick<RetrainingConfiguration, 'epochs' | 'dataFraction'>
  /** The model in use on the validation data and on the scale of the estimate. */
  readonly accuracy: { readonly validation: number; readonly current: number }
  /** Absent: it was not micro-profiled, and the estimate stands for the curve's end. */
  readonly profile?: Pick<MicroProfile, 'points'>
  /** [epochs done, validation accuracy after them], in order. */
  readonly points: readonly (readonly [number, number])[]
}

/** @returns accuracy of the trained model at full share, in [0, 1]; the estimate before the first epoch. */
export function revisedAccuracy({
  estimated,
  configuration,
  accuracy,
  profile,
  points,
}: RunningTraining): number {
  const done = points.at(-1)?.[0] ?? 0
  if (done <= 0) return estimated
  const { validation, current } = accuracy
  const endOf = (curve: MicroProfile['points']): number =>
    mapScale(predictValidation({ points: curve }, validation, configuration), validation, current)
  const { dataFraction, epochs } = configuration
  const seen = endOf(points.map(([epoch, reached]) => [epoch * dataFraction, reached] as const))
  const foretold = profile === undefined || profile.points.length === 0 ? estimated : endOf(profile.points)
  const moved = estimated + Math.min(1, done / epochs) * (seen - foretold)
  return Math.min(1, Math.max(0, moved))
}
