/** From pools planned over time to a Plan: intervals, predictions by the exact evaluator, and reasons. */
import { toPlan } from '../draft.ts'
import { explain } from '../explain.ts'
import { bestInference } from '../inference/inference-quality.ts'
import { assumedAccuracies, type Outcome } from '../objective.ts'
import type { Choice } from '../pick-configurations.ts'
import type { Plan } from '../plan.ts'
import type { Problem, RetrainingOption } from '../problem.ts'
import { toShare } from '../share-grid.ts'
import { evaluate, type JobShares, type StreamResult, type Timeline } from '../timeline.ts'
import type { PoolPlan } from './assign.ts'

export function report(
  policy: string,
  problem: Problem,
  pools: readonly PoolPlan[],
  warnings: readonly string[],
): Plan {
  const timeline = toTimeline(problem, pools)
  const accuracies = assumedAccuracies(problem.streams)
  const results = evaluate(problem, accuracies, timeline)
  const gpus = problem.streams.map(() => 0)
  const keepsFloor = problem.streams.map(() => true)
  for (const { gpu, pool } of pools)
    pool.streams.forEach(({ index }, i) => {
      gpus[index] = gpu
      keepsFloor[index] = pool.keepsFloor[i]!
    })
  const choices = problem.streams.map((_, i) =>
    choice(problem, accuracies[i]!, timeline, results[i]!, i, keepsFloor[i]!),
  )
  const starts = problem.streams.map((_, i) => startOf(timeline, i))
  const first = timeline.intervals[0]!.shares
  const plan = toPlan(problem, {
    policy,
    gpus,
    shares: first.map(({ inference, training }) => ({
      inference: inference / problem.step,
      training: training / problem.step,
    })),
    choices,
    reasons: problem.streams.map((stream, i) => {
      const sentence = explain(problem, stream, accuracies[i]!, choices[i]!)
      const start = starts[i]!
      return start === null || start === 0
        ? undefined
        : `${waiting(problem, results, gpus, start, i)}, then ${sentence}`
    }),
    warnings,
  })
  return {
    ...plan,
    items: plan.items.map((item, i) => ({ ...item, startsAtSeconds: starts[i]! })),
    timeline,
  }
}

/** The phases of all pools in one row of intervals; what is free on a grid goes to inference as room for bursts. */
function toTimeline(problem: Problem, pools: readonly PoolPlan[]): Timeline {
  const times = [...new Set([0, ...pools.flatMap(({ phases }) => phases.map(p => p.from))])]
    .filter(t => t < problem.remainingSeconds)
    .sort((a, b) => a - b)
  const trainings: (RetrainingOption | null)[] = problem.streams.map(() => null)
  const rows: JobShares[][] = times.map(() => problem.streams.map(() => ({ inference: 0, training: 0 })))
  for (const { pool, phases, solution } of pools) {
    for (const { stream, job } of solution.order) trainings[pool.streams[stream]!.index] = job.option
    let k = 0
    let shares = spread(pool, phases[0]!)
    times.forEach((from, t) => {
      while (k + 1 < phases.length && phases[k + 1]!.from <= from) shares = spread(pool, phases[++k]!)
      pool.streams.forEach(({ index }, i) => {
        rows[t]![index] = shares[i]!
      })
    })
  }
  // What never holds a share is not planned.
  const held = (i: number): boolean => rows.some(row => row[i]!.training > 0)
  return {
    intervals: times.map((from, t) => ({ from, shares: rows[t]! })),
    trainings: trainings.map((option, i) => (held(i) ? option : null)),
  }
}

function spread(
  { grid, capacity }: PoolPlan['pool'],
  { inference, training }: PoolPlan['phases'][number],
): JobShares[] {
  const shares = inference.map((share, i) => ({ inference: share, training: training[i]! }))
  if (grid.unit === 0) return shares
  const steps = shares.map(s => Math.round(s.inference / grid.unit))
  const all = Math.floor(capacity / grid.unit + 1e-6)
  let free = all - shares.reduce((sum, s, i) => sum + steps[i]! + Math.round(s.training / grid.unit), 0)
  for (; free > 0; free--) {
    let least = 0
    for (let i = 1; i < steps.length; i++) if (steps[i]! < steps[least]!) least = i
    steps[least]!++
  }
  return shares.map((s, i) => ({ ...s, inference: toShare(steps[i]!, grid.unit) }))
}

function choice(
  problem: Problem,
  accuracy: number,
  { intervals, trainings }: Timeline,
  { mean, completesAt }: StreamResult,
  i: number,
  keepsFloor: boolean,
): Choice {
  const stream = problem.streams[i]!
  const retraining = trainings[i]!
  const at = (share: number) => bestInference(stream.inference, share)
  const first = at(intervals[0]!.shares[i]!.inference)
  const last = at(intervals.at(-1)!.shares[i]!.inference)
  const outcome: Outcome = {
    inferenceConfiguration: first.configuration,
    before: accuracy * first.factor,
    after: (completesAt === null ? accuracy : retraining!.accuracyAfter) * last.factor,
    completesAt,
    inTime: completesAt !== null,
    mean,
  }
  return {
    retraining,
    outcome,
    keepsFloor: keepsFloor || accuracy * first.factor >= stream.minAccuracy - 1e-9,
  }
}

function startOf({ intervals, trainings }: Timeline, i: number): number | null {
  if (trainings[i] === null) return null
  return intervals.find(({ shares }) => shares[i]!.training > 0)?.from ?? null
}

/** "waits for cam-2 until 34 s": for the training on the same GPU whose end lets this one begin. */
function waiting(
  problem: Problem,
  results: readonly StreamResult[],
  gpus: readonly number[],
  start: number,
  i: number,
): string {
  const elapsed = Math.max(0, problem.windowSeconds - problem.remainingSeconds)
  const ended = problem.streams.findIndex(
    (_, k) => k !== i && gpus[k] === gpus[i] && Math.abs((results[k]!.completesAt ?? -1) - start) < 1e-3,
  )
  const whom = ended < 0 ? 'the trainings before it' : problem.streams[ended]!.name
  return `waits for ${whom} until ${Math.round(elapsed + start)} s`
}
