/**
 * The objective (Ekya §4.1): the accuracy that a stream serves, averaged over the window.
 *
 * At inference share r under configuration λ a model of accuracy a serves a × factor(λ, r). A training of C GPU-seconds at
 * share s is done after C / speed(s) seconds; from then on the retrained model serves. Shares stay as planned to the end:
 * what is handed on when a training ends is not predicted here and only adds to it (in a pool `expected-timeline.ts` predicts it).
 */
import { bestInference } from './inference/inference-quality.ts'
import type { Problem, RetrainingOption, StreamProblem } from './problem.ts'
import { completionSeconds } from './training-speed.ts'

/** Seconds apart by less are the same. */
const timeGuard = 1e-9

/** What the objective needs of a problem besides the stream. */
export type Horizon = Pick<Problem, 'remainingSeconds' | 'windowSeconds' | 'throughputCurve' | 'averaging'>

export interface Outcome {
  readonly inferenceConfiguration: string
  /** Accuracy served until the training is done (without one: to the end), and after it. */
  readonly before: number
  readonly after: number
  /** Seconds from the moment of planning until the training is done; null without one, and when it holds no share. */
  readonly completesAt: number | null
  /** Done before the window ends, so that the window gains from it. */
  readonly inTime: boolean
  /** Mean over the rest of the window. */
  readonly mean: number
}

/**
 * @param accuracy of the model in use at full share (`accuracyNow`, or what is assumed where that is unknown).
 * @param training null: none.
 */
export function predict(
  stream: Pick<StreamProblem, 'inference'>,
  accuracy: number,
  horizon: Horizon,
  inferenceShare: number,
  training: { readonly option: RetrainingOption; readonly share: number } | null,
): Outcome {
  const { configuration, factor } = bestInference(stream.inference, inferenceShare)
  const before = accuracy * factor
  if (training === null)
    return {
      inferenceConfiguration: configuration,
      before,
      after: before,
      completesAt: null,
      inTime: false,
      mean: before,
    }
  const after = training.option.accuracyAfter * factor
  const seconds = completionSeconds(training.option.gpuSeconds, training.share, horizon.throughputCurve)
  const rest = horizon.remainingSeconds
  const inTime = seconds < rest
  return {
    inferenceConfiguration: configuration,
    before,
    after,
    completesAt: Number.isFinite(seconds) ? seconds : null,
    inTime,
    mean: inTime ? meanOfChange(horizon, before, after, seconds) : before,
  }
}

/** Mean over the rest of the window of an accuracy that changes once. @param seconds at which it changes, before the end. */
function meanOfChange(
  { remainingSeconds, averaging }: Horizon,
  before: number,
  after: number,
  seconds: number,
): number {
  if (averaging !== 'samples')
    return (before * seconds + after * (remainingSeconds - seconds)) / remainingSeconds
  const samples = Math.floor(remainingSeconds + timeGuard) + 1
  const first = Math.min(samples, Math.max(0, Math.ceil(seconds - timeGuard)))
  return (before * first + after * (samples - first)) / samples
}

/**
 * Mean over the whole window: what has passed, and the prediction for the rest.
 *
 * @param soFar null: unknown; the accuracy served at the moment of planning stands in for it.
 */
export function wholeWindow(
  horizon: Horizon,
  soFar: number | null,
  servedNow: number,
  restMean: number,
): number {
  const elapsed = Math.max(0, horizon.windowSeconds - horizon.remainingSeconds)
  const window = elapsed + horizon.remainingSeconds
  return ((soFar ?? servedNow) * elapsed + restMean * horizon.remainingSeconds) / window
}

/**
 * Accuracy to reckon with where nothing is known of a stream: the weighted mean of the others, or this where nothing is
 * known of any. It decides about shares only and is never shown as a prediction.
 */
const unknownAccuracy = 0.5

/** Accuracy to reckon with, stream by stream. */
export function assumedAccuracies(streams: readonly StreamProblem[]): number[] {
  let sum = 0
  let weight = 0
  for (const stream of streams) {
    if (stream.accuracyNow === null) continue
    sum += stream.weight * stream.accuracyNow
    weight += stream.weight
  }
  const mean = weight > 0 ? sum / weight : unknownAccuracy
  return streams.map(stream => stream.accuracyNow ?? mean)
}

/**
 * What may be trained and is not predicted to lose accuracy: what Ekya's schedulers are offered. A running training was found
 * worth it when it began.
 */
export function promising(stream: StreamProblem, accuracy: number): readonly RetrainingOption[] {
  const all = trainable(stream)
  return stream.running === undefined ? all.filter(option => option.accuracyAfter >= accuracy) : all
}

/** What may be trained: the running training or nothing; no other may begin beside it. */
export function trainable(stream: StreamProblem): readonly RetrainingOption[] {
  if (stream.noRetrainingBecause !== undefined) return []
  return stream.running === undefined ? stream.retraining : [stream.running]
}
