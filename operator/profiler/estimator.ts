/**
 * From micro-profiles to retraining options, as in Ekya §4.3: a few epochs on a small sample → the Optimus curve → its value
 * after all of the configuration's epochs; cost = set-up + epochs × measured cost of one.
 *
 * A micro-profile is a handful of steps judged on a small validation set, so the bare curve says little. What is added:
 *   - the model in use is a point of the curve at epoch 0 and counts double, and a measured accuracy counts as no less than the
 *     best before it: a training keeps its best weights, and the gate keeps the model in use;
 *   - points of a prior curve hold the far end, as the booster points do in Ekya's fit;
 *   - micro-profiles are measured on the validation split, of which most is of the last window; what counts is the running one. A training
 *     is taken to remove the same part of the errors on both;
 *   - where the micro-profiled model was measured on what there is of the running window, that counts as far as these labels count for the
 *     model in use: what helps on yesterday's scene may not help on today's;
 *   - past errors of the site are added, shrunken towards 0. How much a training removes depends on the scenes and on the student, and the
 *     first windows of a site tell;
 *   - nothing is predicted above a cap, unless the model in use is there already.
 */
import type { MicroProfile, RetrainingConfiguration } from '../api/worker.ts'
import type { RetrainingOption } from '../scheduler/problem.ts'
import { type AccuracyPoint, fitAccuracyCurve } from './accuracy-curve.ts'
import { costDistribution, type KnownCost } from './cost.ts'
import { CurveFitError } from './errors.ts'
import { meanTowardsZero } from './shrunken-mean.ts'

export interface EstimatorInput {
  readonly profiles: readonly MicroProfile[]
  readonly configurations: readonly Pick<RetrainingConfiguration, 'name' | 'epochs' | 'dataFraction'>[]
  readonly accuracy: {
    /** The model in use on the newest labelled window: the scale on which options are predicted. */
    readonly current: number
    /** The model in use on the validation split: the scale of the micro-profiles. */
    readonly validation: number
    /** The model in use on what there is of the running window, and how much that counts against the validation split, in [0, 1]. */
    readonly soFar?: { readonly current: number; readonly weight: number }
  }
  /** Of the site, newest first. */
  readonly history?: readonly PastTraining[]
}

/** A training that ran to its end: what was estimated of it, and what came of it in the window in which it ended. */
export interface PastTraining {
  readonly configuration: string
  readonly estimated: TrainingFigures
  readonly realised: TrainingFigures
}

export interface TrainingFigures {
  /** Of the trained model on its window's labels, at full share; absent: not known. */
  readonly accuracyAfter?: number
  readonly gpuSeconds?: number
}

/** Golden labels are wrong now and then, so no model agrees with all of them. */
export const accuracyCap = 0.98

/**
 * The prior curve removes a fifth of the errors that the best micro-profiled epoch leaves, and half of that within 1 / 0.3 full-data
 * epochs. Chosen on windows 1 to 7 of six sampled cameras and 1 to 5 of four generated ones (small-cnn, three configurations each), where
 * together with the site's past it comes out 7.5 points off on average in what a trained model is worth, and 4 in a window.
 */
const prior = { removed: 0.2, rate: 0.3, epochs: [2, 5, 15, 30], weight: 1 } as const
const anchorWeight = 2

/** Trainings of the site that are looked back on. */
const historyLength = 48
/**
 * Trainings that count as much as the assumption that there is no bias: one is off by some 1.5 times of what a whole site is. How far
 * streams of one site differ in it does not show beside that, so they are not told apart.
 */
const assumed = 2
const mostCorrection = 0.15

/** One option for each configuration that was micro-profiled, in the order of the configurations. */
export function estimate(input: EstimatorInput): RetrainingOption[] {
  const history = (input.history ?? []).slice(0, historyLength)
  return input.configurations.flatMap(configuration => {
    const profile = input.profiles.find(p => p.configuration === configuration.name)
    if (profile === undefined || profile.points.length === 0) return []
    const corrected = uncorrected(profile, configuration, input.accuracy) + accuracyCorrection(history)
    const cap = Math.max(accuracyCap, input.accuracy.current)
    const gpuSeconds = profile.setupGpuSeconds + configuration.epochs * profile.gpuSecondsPerEpoch
    return [
      {
        configuration: configuration.name,
        accuracyAfter: Math.min(cap, Math.max(0, corrected)),
        gpuSeconds: expectedCost(gpuSeconds, history, configuration.name),
      },
    ]
  })
}

/** By the micro-profile alone, on the scale of the newest window. */
function uncorrected(
  profile: MicroProfile,
  configuration: Pick<RetrainingConfiguration, 'epochs' | 'dataFraction'>,
  { current, validation, soFar }: EstimatorInput['accuracy'],
): number {
  const end = predictValidation(profile, validation, configuration)
  const byValidation = mapScale(end, validation, current)
  if (soFar === undefined || profile.soFar === undefined) return byValidation
  // From what was measured to the end it goes as on the validation split.
  const best = profile.points.reduce((highest, [, accuracy]) => Math.max(highest, accuracy), validation)
  const bySoFar = mapScale(mapScale(end, best, profile.soFar), soFar.current, current)
  return soFar.weight * bySoFar + (1 - soFar.weight) * byValidation
}

/** What a micro-profile says of the cost, corrected by what such predictions were off by. */
export function expectedCost(
  gpuSeconds: number,
  history: readonly PastTraining[],
  configuration: string,
): number {
  return costDistribution(Math.max(0, gpuSeconds), costsOf(history, configuration)).median
}

/** Validation accuracy after all epochs; the best measured one where no curve can be fitted. */
export function predictValidation(
  profile: Pick<MicroProfile, 'points'>,
  validation: number,
  configuration: Pick<RetrainingConfiguration, 'epochs' | 'dataFraction'>,
): number {
  let best = validation
  const measured = profile.points.map(([epochs, accuracy]): AccuracyPoint => {
    best = Math.max(best, accuracy)
    return { epochs, accuracy: best }
  })
  const points: AccuracyPoint[] = [
    { epochs: 0, accuracy: validation, weight: anchorWeight },
    ...measured,
    ...prior.epochs.map(epochs => ({
      epochs,
      accuracy: priorAccuracy(best, epochs),
      weight: prior.weight,
    })),
  ]
  try {
    return fitAccuracyCurve(points).at(configuration.epochs * configuration.dataFraction)
  } catch (error) {
    if (error instanceof CurveFitError) return Math.min(1, Math.max(0, best))
    throw error
  }
}

/** The prior curve that starts at an accuracy. */
function priorAccuracy(start: number, epochs: number): number {
  return start + (1 - start) * prior.removed * (1 - 1 / (1 + prior.rate * epochs))
}

/** Carries a change of accuracy from one set of samples to another, staying within [0, 1]. */
export function mapScale(after: number, before: number, other: number): number {
  if (after >= before) return before < 1 ? other + ((after - before) / (1 - before)) * (1 - other) : other
  return other * (after / before)
}

/**
 * Mean of realised − estimated. Estimates of the past held the correction of their day, so a constant error is made good in part,
 * never overshot.
 */
function accuracyCorrection(history: readonly PastTraining[]): number {
  const errors = history.flatMap(({ estimated, realised }) =>
    estimated.accuracyAfter === undefined || realised.accuracyAfter === undefined
      ? []
      : [realised.accuracyAfter - estimated.accuracyAfter],
  )
  return Math.min(mostCorrection, Math.max(-mostCorrection, meanTowardsZero(errors, assumed)))
}

/** Costs depend on the configuration more than on the stream. */
const costsOf = (history: readonly PastTraining[], name: string): KnownCost[] =>
  history.flatMap(({ configuration, estimated, realised }) =>
    estimated.gpuSeconds === undefined || realised.gpuSeconds === undefined
      ? []
      : [{ own: configuration === name, predicted: estimated.gpuSeconds, actual: realised.gpuSeconds }],
  )
