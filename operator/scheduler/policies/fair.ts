/**
 * Fair: Ekya's uniform baseline. A fixed part of each GPU serves, the rest trains, each split evenly, with one fixed
 * retraining configuration for all streams, whether it ends within the window or not.
 */
import { emptyPlan, toPlan } from '../draft.ts'
import { assumedAccuracies, predict, trainable } from '../objective.ts'
import type { Choice } from '../pick-configurations.ts'
import { spread } from '../placement.ts'
import type { Plan, PolicyOptions } from '../plan.ts'
import type { Problem, RetrainingOption, StreamProblem } from '../problem.ts'
import { toShare } from '../share-grid.ts'
import { checkOptions } from './options.ts'
import { splitGpus } from './split.ts'

const rules = {
  inferenceWeight: { type: 'number', minimum: 0, maximum: 1 },
  configuration: { type: 'string' },
} as const

const defaultInferenceWeight = 0.5

/**
 * Options: `inferenceWeight`, the part of each GPU for inference (default 0.5, in whole steps, at least one a stream);
 * `configuration`, the retraining configuration (default: of those on offer the middle one by mean GPU-seconds, the cheaper
 * of two). A stream to which it is not on offer does not retrain.
 */
export function fair(problem: Problem, options: PolicyOptions): Plan {
  checkOptions('fair', options, rules)
  const empty = emptyPlan('fair', problem)
  if (empty !== undefined) return empty
  const weight = (options.inferenceWeight as number | undefined) ?? defaultInferenceWeight
  const name = (options.configuration as string | undefined) ?? middleConfiguration(problem.streams)
  const fixed = problem.streams.map(stream =>
    trainable(stream).find(option => stream.running !== undefined || option.configuration === name),
  )
  const gpus = spread(problem.streams, problem.gpus)
  const shares = splitGpus(
    problem,
    gpus,
    perGpu => Math.round(perGpu * weight),
    i => fixed[i] !== undefined,
  )
  const accuracies = assumedAccuracies(problem.streams)
  const choices = problem.streams.map((stream, i): Choice => {
    const share = toShare(shares[i]!.training, problem.step)
    const option = share > 0 ? fixed[i] : undefined
    const outcome = predict(
      stream,
      accuracies[i]!,
      problem,
      toShare(shares[i]!.inference, problem.step),
      option === undefined ? null : { option, share },
    )
    return {
      retraining: option ?? null,
      outcome,
      keepsFloor: outcome.before >= stream.minAccuracy - 1e-9,
    }
  })
  return toPlan(problem, {
    policy: 'fair',
    gpus,
    shares,
    choices,
    reasons: problem.streams.map((stream, i) => reason(stream, fixed[i], choices[i]!, name)),
    warnings: [],
  })
}

function reason(
  stream: StreamProblem,
  fixed: RetrainingOption | undefined,
  choice: Choice,
  name: string | undefined,
): string | undefined {
  if (choice.retraining !== null || stream.noRetrainingBecause !== undefined || name === undefined)
    return undefined
  return fixed === undefined
    ? `no retraining: policy fair uses ${name}, which is not on offer to this stream`
    : 'no retraining: no GPU share is left for it'
}

/** The middle one by mean GPU-seconds of all configurations on offer, so that all streams use the same. */
export function middleConfiguration(streams: readonly StreamProblem[]): string | undefined {
  const costs = new Map<string, number[]>()
  for (const stream of streams)
    for (const { configuration, gpuSeconds } of stream.retraining)
      costs.set(configuration, [...(costs.get(configuration) ?? []), gpuSeconds])
  const byCost = [...costs]
    .map(([name, all]) => ({ name, mean: all.reduce((a, b) => a + b, 0) / all.length }))
    .sort((a, b) => a.mean - b.mean || (a.name < b.name ? -1 : 1))
  return byCost[Math.floor((byCost.length - 1) / 2)]?.name
}
