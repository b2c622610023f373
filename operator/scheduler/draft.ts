/** From placed steps and chosen configurations to a Plan. Every policy ends here, so every plan predicts in the same way. */
import { explain, points } from './explain.ts'
import { bestInference } from './inference/inference-quality.ts'
import { assumedAccuracies, wholeWindow } from './objective.ts'
import type { Choice, StreamShares } from './pick-configurations.ts'
import type { Plan, PlanItem } from './plan.ts'
import type { Problem, StreamProblem } from './problem.ts'
import { toShare } from './share-grid.ts'
import { evaluate, type Timeline } from './timeline.ts'

export interface Draft {
  readonly policy: string
  /** By stream: index of its GPU, steps, configurations. */
  readonly gpus: readonly number[]
  readonly shares: readonly StreamShares[]
  readonly choices: readonly Choice[]
  /** Replaces the reason made from the numbers, by stream. */
  readonly reasons?: readonly (string | undefined)[]
  readonly warnings: readonly string[]
  /** What is expected until the window's end, hand-ons included. Predictions are made from it; absent: as if the shares stayed. */
  readonly expected?: Timeline
  /** How the plan is to be carried out; it is what is expected, too. */
  readonly timeline?: Timeline
}

export function toPlan(problem: Problem, given: Draft): Plan {
  const accuracies = assumedAccuracies(problem.streams)
  const draft = asExpected(problem, accuracies, given)
  const items = problem.streams.map((stream, i) => toItem(problem, stream, accuracies[i]!, draft, i))
  return {
    policy: draft.policy,
    predictedAccuracy: weightedMean(items, problem.streams),
    items,
    warnings: [...draft.warnings, ...starved(problem, items), ...brokenFloors(problem, draft, items)],
    ...(draft.timeline === undefined ? {} : { timeline: draft.timeline }),
  }
}

/** The choices' outcomes as they follow from what is expected. */
function asExpected(problem: Problem, accuracies: readonly number[], draft: Draft): Draft {
  const expected = draft.timeline ?? draft.expected
  if (expected === undefined) return draft
  const results = evaluate(problem, accuracies, expected)
  const choices = draft.choices.map((choice, i): Choice => {
    const { mean, completesAt } = results[i]!
    const { outcome } = choice
    const late = outcome.completesAt !== null && outcome.completesAt >= problem.remainingSeconds
    return {
      ...choice,
      outcome: {
        ...outcome,
        mean,
        completesAt: completesAt ?? (late ? outcome.completesAt : null),
        inTime: completesAt !== null,
      },
    }
  })
  return { ...draft, choices }
}

/** When the training first holds a share; null: never. */
function startsAt(timeline: Timeline | undefined, stream: number): number | null {
  if (timeline === undefined) return 0
  return timeline.intervals.find(({ shares }) => shares[stream]!.training > 0)?.from ?? null
}

/** The plan where there is nothing to plan with or for; undefined where there is. */
export function emptyPlan(policy: string, problem: Problem): Plan | undefined {
  if (problem.streams.length > 0 && problem.gpus.length > 0) return undefined
  const warnings =
    problem.streams.length === 0 ? [] : ['no GPU: none of the streams can be served until a node offers one']
  return { policy, predictedAccuracy: null, items: [], warnings }
}

function toItem(
  problem: Problem,
  stream: StreamProblem,
  accuracy: number,
  draft: Draft,
  i: number,
): PlanItem {
  const choice = draft.choices[i]!
  const { outcome, retraining } = choice
  const gpu = problem.gpus[draft.gpus[i]!]!
  const known = stream.accuracyNow !== null
  return {
    stream: stream.name,
    node: gpu.node,
    gpu: gpu.gpu,
    inferenceShare: toShare(draft.shares[i]!.inference, problem.step),
    inferenceConfiguration: outcome.inferenceConfiguration,
    trainingShare: retraining === null ? 0 : toShare(draft.shares[i]!.training, problem.step),
    retrainingConfiguration: retraining?.configuration ?? null,
    accuracyAfter: retraining?.accuracyAfter ?? null,
    predictedBefore: known ? outcome.before : null,
    predictedAfter: known || retraining !== null ? outcome.after : null,
    predictedWindow: known
      ? wholeWindow(problem, stream.accuracySoFar, servedNow(stream, accuracy, outcome.before), outcome.mean)
      : null,
    gpuSeconds: retraining?.gpuSeconds ?? 0,
    startsAtSeconds: retraining === null ? null : startsAt(draft.timeline, i),
    completesAtSeconds: outcome.completesAt,
    reason: draft.reasons?.[i] ?? explain(problem, stream, accuracy, choice),
  }
}

/** Accuracy at the share held at the moment of planning, where that is known. */
function servedNow(stream: StreamProblem, accuracy: number, planned: number): number {
  return stream.current === undefined
    ? planned
    : accuracy * bestInference(stream.inference, stream.current.inferenceShare).factor
}

function weightedMean(items: readonly PlanItem[], streams: readonly StreamProblem[]): number | null {
  let [sum, weight] = [0, 0]
  items.forEach((item, i) => {
    if (item.predictedWindow === null) return
    sum += streams[i]!.weight * item.predictedWindow
    weight += streams[i]!.weight
  })
  return weight > 0 ? sum / weight : null
}

function starved(problem: Problem, items: readonly PlanItem[]): string[] {
  const names = items.filter(item => item.inferenceShare === 0).map(item => item.stream)
  if (names.length === 0) return []
  const gpus = problem.gpus.length * (problem.gpuCapacity ?? 1)
  return [
    `no GPU share is left for ${names.join(', ')}: ${items.length} streams on ${gpus} GPU${gpus === 1 ? '' : 's'} in steps of ${problem.step}; use smaller steps, more GPUs or fewer streams`,
  ]
}

function brokenFloors(problem: Problem, draft: Draft, items: readonly PlanItem[]): string[] {
  return problem.streams.flatMap((stream, i) => {
    const { keepsFloor, outcome } = draft.choices[i]!
    if (keepsFloor || stream.accuracyNow === null) return []
    return [
      `${stream.name}: the accuracy floor of ${points(stream.minAccuracy)} % cannot be kept: ${points(outcome.before)} % at share ${items[i]!.inferenceShare} (${outcome.inferenceConfiguration})`,
    ]
  })
}
