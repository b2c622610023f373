/** A plan item's reason: one sentence with the numbers that decided. */
import { trainable } from './objective.ts'
import type { Choice } from './pick-configurations.ts'
import type { Problem, RetrainingOption, StreamProblem } from './problem.ts'
import { completionSeconds } from './training-speed.ts'

/** @param accuracy of the model in use, as reckoned with. */
export function explain(problem: Problem, stream: StreamProblem, accuracy: number, choice: Choice): string {
  return choice.retraining === null
    ? explainNone(problem, stream, accuracy)
    : explainTraining(problem, stream, choice.retraining, choice)
}

function explainTraining(
  problem: Problem,
  stream: StreamProblem,
  option: RetrainingOption,
  choice: Choice,
): string {
  const verb = stream.running === undefined ? 'retrain' : 'go on with'
  const from = stream.accuracyNow === null ? 'unknown' : points(stream.accuracyNow)
  const what = `${verb} ${option.configuration}: ${from} → ${points(option.accuracyAfter)} % for ${amount(option.gpuSeconds)} GPU-s`
  const { completesAt, inTime } = choice.outcome
  if (completesAt === null) return `${what}, which the share never completes`
  const elapsed = Math.max(0, problem.windowSeconds - problem.remainingSeconds)
  if (inTime) return `${what}, done ${Math.round(elapsed + completesAt)} s into the window`
  return `${what}, which takes ${Math.round(completesAt)} s and so misses the window's end in ${Math.round(problem.remainingSeconds)} s`
}

function explainNone(problem: Problem, stream: StreamProblem, accuracy: number): string {
  if (stream.noRetrainingBecause !== undefined) return stream.noRetrainingBecause
  const options = trainable(stream)
  const best = options.reduce<RetrainingOption | undefined>(
    (a, b) => (a === undefined || b.accuracyAfter > a.accuracyAfter ? b : a),
    undefined,
  )
  if (best === undefined) return 'no retraining: no configuration is offered'
  if (best.accuracyAfter <= accuracy)
    return `no retraining: no configuration is predicted to beat ${points(accuracy)} % (best: ${best.configuration}, ${points(best.accuracyAfter)} %)`
  const gain = `${points(best.accuracyAfter - accuracy)} points (${best.configuration})`
  const cost = `${amount(best.gpuSeconds)} GPU-s`
  if (stream.running !== undefined)
    return `training given up: the ${cost} that ${best.configuration} still needs are worth more to others than its ${points(best.accuracyAfter - accuracy)} points`
  const fastest = Math.min(...options.map(o => completionSeconds(o.gpuSeconds, 1, problem.throughputCurve)))
  if (fastest >= problem.remainingSeconds)
    return `no retraining: best gain ${gain} needs ${cost}, and the window ends in ${Math.round(problem.remainingSeconds)} s`
  return `no retraining: best gain ${gain} is below what its ${cost} would cost others`
}

/** 0.6123 → "61.2". */
export const points = (accuracy: number): string => (accuracy * 100).toFixed(1)
/** Whole numbers from 10 on, one digit below. */
export const amount = (x: number): string => (x >= 9.95 ? x.toFixed(0) : x.toFixed(1))
