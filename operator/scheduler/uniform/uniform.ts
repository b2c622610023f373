/**
 * The uniform baselines' common part: jobs of a kind get equal shares, each stream trains what a rule picks for it, and what is freed
 * is handed on as by all policies.
 */
import { type Draft, toPlan } from '../draft.ts'
import { evenShares } from '../even-hand-on.ts'
import { expectedTimeline } from '../expected-timeline.ts'
import { assumedAccuracies, promising } from '../objective.ts'
import { fixedChoice, type StreamShares } from '../pick-configurations.ts'
import { spread } from '../placement.ts'
import type { Plan } from '../plan.ts'
import type { Problem, RetrainingOption, StreamProblem } from '../problem.ts'
import { toShare } from '../share-grid.ts'
import { type InferencePart, splitGpus } from './split.ts'

export interface UniformRule {
  readonly policy: string
  readonly inferencePart: InferencePart
  /**
   * Of the configurations that are not predicted to lose accuracy, the one to train. A training that runs goes on without
   * being asked about.
   */
  readonly pick: (
    options: readonly RetrainingOption[],
    stream: StreamProblem,
    index: number,
  ) => RetrainingOption | undefined
  /** Why a stream that could train something does not; absent: made from the numbers. */
  readonly because?: (stream: StreamProblem) => string
}

export function uniformPlan(problem: Problem, rule: UniformRule): Plan {
  const accuracies = assumedAccuracies(problem.streams)
  const picked = problem.streams.map((stream, i) => {
    const options = promising(stream, accuracies[i]!)
    return stream.running === undefined ? rule.pick(options, stream, i) : options[0]
  })
  const gpus = spread(problem)
  const shares = splitGpus(problem, gpus, rule.inferencePart, i => picked[i] !== undefined)
  return toPlan(problem, {
    policy: rule.policy,
    gpus,
    shares,
    ...withTrainings(problem, accuracies, shares, picked),
    reasons: problem.streams.map((stream, i) => {
      if (stream.noRetrainingBecause !== undefined) return undefined
      if (picked[i] === undefined) return rule.because?.(stream)
      return shares[i]!.training > 0 ? undefined : 'no retraining: no GPU share is left for it'
    }),
    warnings: [],
  })
}

/** What comes of trainings that are chosen; in a pool with what is handed on when they end. */
export function withTrainings(
  problem: Problem,
  accuracies: readonly number[],
  steps: readonly StreamShares[],
  picked: readonly (RetrainingOption | undefined)[],
): Pick<Draft, 'choices' | 'expected'> {
  const { gpuCapacity, step } = problem
  const shares = steps.map(({ inference, training }) => ({
    inference: toShare(inference, step),
    training: toShare(training, step),
  }))
  const choices = problem.streams.map((stream, i) =>
    fixedChoice(problem, stream, accuracies[i]!, shares[i]!, picked[i]),
  )
  if (gpuCapacity === undefined || problem.gpus.length > 1) return { choices }
  const trainings = choices.map(choice => choice.retraining)
  const held = shares.map((own, i) => (trainings[i] === null ? { ...own, training: 0 } : own))
  return {
    choices,
    expected: expectedTimeline(problem, held, trainings, (now, ended) => evenShares(now, ended, gpuCapacity)),
  }
}
