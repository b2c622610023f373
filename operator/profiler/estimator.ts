/**
 * From micro-profiles to retraining options, as in Ekya §4.3: a few epochs on a small sample → the Optimus curve → its value
 * after all of the configuration's epochs; cost = set-up + epochs × measured cost of one.
 *
 * Micro-profiles are short and their validation sets small, so the bare curve runs away. What is added, in this order:
 *   - the model in use is a point of the curve at epoch 0, and counts double: all points are measured on the same samples;
 *   - a prior point far out keeps the curve from rising for ever: on Ekya's published profiles most of what a training gains
 *     is there after 5 of 30 epochs;
 *   - micro-profiles are measured on the validation split, which holds older windows too; what counts is the newest one. A
 *     training is taken to remove the same part of the errors (or to lose the same part of the hits) on both;
 *   - the stream's own past errors, shrunken towards 0, are added;
 *   - nothing is predicted above a cap, unless the model in use is there already.
 */
import type { MicroProfile, RetrainingConfiguration } from '../api/worker.ts'
import type { RetrainingOption } from '../scheduler/problem.ts'
import { type AccuracyPoint, fitAccuracyCurve } from './accuracy-curve.ts'
import { CurveFitError } from './errors.ts'

export interface EstimatorInput {
  readonly profiles: readonly MicroProfile[]
  readonly configurations: readonly Pick<RetrainingConfiguration, 'name' | 'epochs' | 'dataFraction'>[]
  readonly accuracy: {
    /** The model in use on the newest labelled window: the scale on which options are predicted. */
    readonly current: number
    /** The model in use on the validation split: the scale of the micro-profiles. */
    readonly validation: number
  }
  /** Of this stream, newest first. */
  readonly history?: readonly PastTraining[]
}

/** What was predicted of a training, as it was predicted then, and what came of it. */
export interface PastTraining {
  readonly configuration: string
  readonly predicted: number
  readonly realised: number
  readonly predictedGpuSeconds?: number
  readonly realisedGpuSeconds?: number
}

/** Golden labels are wrong now and then, so no model agrees with all of them. */
export const accuracyCap = 0.98

/** Where the prior point stands: full-data epochs; part of the remaining errors still removed by then; weight. */
const prior = { epochs: 30, removed: 0.25, weight: 0.5 }
const anchorWeight = 2

/** Trainings that are looked back on, and how many of them count as much as the assumption that there is no bias. */
const historyLength = 12
const shrinkage = 2
const mostCorrection = 0.15
const costCorrection = [0.5, 2] as const

/** One option for each configuration that was micro-profiled, in the order of the configurations. */
export function estimate(input: EstimatorInput): RetrainingOption[] {
  const history = (input.history ?? []).slice(0, historyLength)
  return input.configurations.flatMap(configuration => {
    const profile = input.profiles.find(p => p.configuration === configuration.name)
    if (profile === undefined || profile.points.length === 0) return []
    const validation = predictValidation(profile, input.accuracy.validation, configuration)
    const mapped = mapScale(validation, input.accuracy.validation, input.accuracy.current)
    const corrected = mapped + accuracyCorrection(history, configuration.name)
    const cap = Math.max(accuracyCap, input.accuracy.current)
    const gpuSeconds = profile.setupGpuSeconds + configuration.epochs * profile.gpuSecondsPerEpoch
    return [
      {
        configuration: configuration.name,
        accuracyAfter: Math.min(cap, Math.max(0, corrected)),
        gpuSeconds: Math.max(0, gpuSeconds * costFactor(history, configuration.name)),
      },
    ]
  })
}

/** Validation accuracy after all epochs; the last measured one where no curve can be fitted. */
function predictValidation(
  profile: MicroProfile,
  validation: number,
  configuration: EstimatorInput['configurations'][number],
): number {
  const measured = profile.points.map(([epochs, accuracy]): AccuracyPoint => ({ epochs, accuracy }))
  const last = measured.at(-1)!
  const reached = Math.max(last.accuracy, validation)
  const points: AccuracyPoint[] = [
    { epochs: 0, accuracy: validation, weight: anchorWeight },
    ...measured,
    { epochs: prior.epochs, accuracy: reached + prior.removed * (1 - reached), weight: prior.weight },
  ]
  try {
    return fitAccuracyCurve(points).at(configuration.epochs * configuration.dataFraction)
  } catch (error) {
    if (error instanceof CurveFitError) return Math.min(1, Math.max(0, last.accuracy))
    throw error
  }
}

/** Carries a change of accuracy from one set of samples to another, staying within [0, 1]. */
export function mapScale(after: number, before: number, other: number): number {
  if (after >= before) return before < 1 ? other + ((after - before) / (1 - before)) * (1 - other) : other
  return other * (after / before)
}

/**
 * Mean of realised − predicted: of the configuration, shrunken towards that of the stream, which is shrunken towards 0.
 * Predictions of the past held the correction of their day, so a constant error is made good in part, never overshot.
 */
function accuracyCorrection(history: readonly PastTraining[], configuration: string): number {
  const correction = shrunken(history, configuration, past => past.realised - past.predicted)
  return Math.min(mostCorrection, Math.max(-mostCorrection, correction))
}

function costFactor(history: readonly PastTraining[], configuration: string): number {
  const measured = history.filter(p => (p.predictedGpuSeconds ?? 0) > 0 && (p.realisedGpuSeconds ?? 0) > 0)
  const log = shrunken(measured, configuration, p => Math.log(p.realisedGpuSeconds! / p.predictedGpuSeconds!))
  return Math.min(costCorrection[1], Math.max(costCorrection[0], Math.exp(log)))
}

function shrunken(
  history: readonly PastTraining[],
  configuration: string,
  error: (past: PastTraining) => number,
): number {
  const sum = (all: readonly PastTraining[]): number => all.reduce((total, past) => total + error(past), 0)
  const stream = sum(history) / (history.length + shrinkage)
  const own = history.filter(past => past.configuration === configuration)
  return (sum(own) + shrinkage * stream) / (own.length + shrinkage)
}
