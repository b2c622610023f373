/** All windows of a trace under a policy: the record that `ekya simulate` prints. */
import { upperBound } from '../scheduler/horizon/bound.ts'
import type { Plan, PolicyOptions } from '../scheduler/plan.ts'
import type { Policy } from '../scheduler/policy.ts'
import type { Problem, TrainingOutcome } from '../scheduler/problem.ts'
import type { Timeline } from '../scheduler/timeline.ts'
import type { Trace } from './trace.ts'
import { type Sees, type Site, traceProblem } from './trace-problem.ts'
import { runWindow } from './window-run.ts'

export interface SimulationOptions extends Site {
  /** What the policy is called in the record. */
  readonly policy: string
  readonly policyOptions?: PolicyOptions
  /** A policy that is chosen in hindsight sees the actual values whatever is asked. */
  readonly sees: Sees
  /** What trainings came to before the first window. Those of the windows are added as they complete. */
  readonly record?: readonly TrainingOutcome[]
  /** Whether to compute `bound`, which takes longer than planning. Default false. */
  readonly bound?: boolean
  /** Seconds until the golden labels are there and the window can be planned, default 0. */
  readonly delaySeconds?: number
  /** A stopwatch for `schedulerSeconds`; absent: 0 is recorded. */
  readonly monotonicMs?: () => number
}

export interface SimulationResult {
  readonly policy: string
  readonly sees: Sees
  readonly gpus: number
  readonly windowSeconds: number
  /** Over the streams of a window, then over the windows; streams count equally. */
  readonly meanAccuracy: number
  /** Upper bound on `meanAccuracy` under any policy that changes inference shares at whole seconds, whatever the floors. */
  readonly bound?: number
  readonly windows: readonly WindowResult[]
}

export interface WindowResult {
  /** From 0. */
  readonly index: number
  readonly meanAccuracy: number
  readonly schedulerSeconds: number
  readonly streams: readonly StreamWindow[]
  readonly plan: Plan
  /** What was held and trained. */
  readonly timeline: Timeline
}

export interface StreamWindow {
  readonly name: string
  /** Mean over the window's samples. */
  readonly accuracy: number
  /** What is retrained, whether it ends in time or not; null: nothing. */
  readonly configuration: string | null
  /** Seconds from the window's begin at which the retrained model serves, null: not within the window. */
  readonly completesAt: number | null
  /** As first planned, when the plan begins. */
  readonly inferenceShare: number
  readonly trainingShare: number
  readonly reason: string
}

export function simulate(trace: Trace, policy: Policy, options: SimulationOptions): SimulationResult {
  const sees = policy.hindsight === undefined ? options.sees : 'actual'
  const count = Math.max(...trace.streams.map(stream => stream.windows.length))
  const actual = Array.from({ length: count }, (_, index) => traceProblem(trace, index, 'actual', options))
  const given = options.policyOptions ?? {}
  const replayOptions = {
    policyOptions: policy.hindsight?.(actual, given) ?? given,
    delaySeconds: options.delaySeconds ?? 0,
    monotonicMs: options.monotonicMs ?? (() => 0),
  }
  const outcomes = [...(options.record ?? [])]
  const windows = actual.map((problem, index): WindowResult => {
    const seen = { ...traceProblem(trace, index, sees, options), outcomes: [...outcomes] }
    const { plan, timeline, results, schedulerSeconds } = runWindow(problem, seen, policy, replayOptions)
    results.forEach(({ completesAt }, i) => {
      const training = timeline.trainings[i]
      if (completesAt === null || training == null) return
      const { configuration, accuracyAfter: accuracy, gpuSeconds } = training
      outcomes.push({ configuration, accuracy, gpuSeconds })
    })
    return {
      index,
      meanAccuracy: mean(results.map(result => result.mean)),
      schedulerSeconds,
      streams: plan.items.map((item, i) => ({
        name: item.stream,
        accuracy: results[i]!.mean,
        configuration: timeline.trainings[i]?.configuration ?? null,
        completesAt: results[i]!.completesAt,
        inferenceShare: item.inferenceShare,
        trainingShare: item.trainingShare,
        reason: item.reason,
      })),
      plan,
      timeline,
    }
  })
  return {
    policy: options.policy,
    sees,
    gpus: options.gpus,
    windowSeconds: options.windowSeconds,
    meanAccuracy: mean(windows.map(window => window.meanAccuracy)),
    ...(options.bound === true ? { bound: mean(actual.map(equalBound)) } : {}),
    windows,
  }
}

/** Streams count equally in the result, and a plan may break floors. */
const equalBound = (problem: Problem): number =>
  upperBound({ ...problem, streams: problem.streams.map(s => ({ ...s, weight: 1, minAccuracy: 0 })) })

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
