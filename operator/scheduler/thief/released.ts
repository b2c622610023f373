/**
 * The thief as Ekya's released code runs it, which differs from the paper's listing:
 *
 *   from the fair split, `iterations` times:
 *     each stream's configuration := the best for it alone at the shares it holds (single-camera optimiser)
 *     from the fair split again, for each ordered pair (thief, victim) of jobs, trainings before inference:
 *       try every amount 0, Δ, 2Δ … up to all that the victim holds
 *       each is scored by the whole window, what ended trainings hold handed on
 *       the best allocation so far becomes the present one
 *   and of all iterations the best by the score
 *
 * In a pool shares start from exactly equal parts and inference may lose everything, as in Ekya's simulator. On physical GPUs all is
 * in whole steps, steals stay on a GPU, inference keeps a step, and a hand-on reaches only the GPU on which it is.
 */
import type { Draft } from '../draft.ts'
import { evenShares } from '../even-hand-on.ts'
import { expectedTimeline, type HandOnShares } from '../expected-timeline.ts'
import { allocationsOf, handOn } from '../hand-on.ts'
import { bestInference } from '../inference/inference-quality.ts'
import { assumedAccuracies, promising } from '../objective.ts'
import { type Choice, fixedChoice, isBetter, type Score, type StreamShares } from '../pick-configurations.ts'
import { spread } from '../placement.ts'
import type { Problem, RetrainingOption } from '../problem.ts'
import { toShare } from '../share-grid.ts'
import { evaluate, type JobShares, type Timeline } from '../timeline.ts'
import { singleCameraOptimum } from '../uniform/single-camera.ts'
import { equalJobs, splitGpus } from '../uniform/split.ts'

type Trainings = readonly (RetrainingOption | null)[]

interface Job {
  readonly stream: number
  readonly kind: keyof StreamShares
}

export function releasedThief(problem: Problem, iterations: number): Omit<Draft, 'policy'> {
  const accuracies = assumedAccuracies(problem.streams)
  const options = problem.streams.map((stream, i) => promising(stream, accuracies[i]!))
  const gpus = spread(problem)
  const fair = splitGpus(problem, gpus, equalJobs, i => options[i]!.length > 0)
  const jobs: Job[] = (['training', 'inference'] as const).flatMap(kind =>
    problem.streams.flatMap((_, stream) =>
      kind === 'inference' || options[stream]!.length > 0 ? [{ stream, kind }] : [],
    ),
  )
  const handOnShares = handsOn(problem, gpus)
  let shares = fair
  let best:
    | { readonly score: Score; readonly shares: readonly StreamShares[]; readonly trainings: Trainings }
    | undefined
  for (let iteration = 0; iteration < iterations; iteration++) {
    const held = sharesOf(shares, problem)
    const trainings = problem.streams.map(
      (stream, i) => singleCameraOptimum(problem, stream, accuracies[i]!, options[i]!, held[i]!) ?? null,
    )
    const expected = (at: readonly StreamShares[]): Timeline =>
      expectedTimeline(problem, sharesOf(at, problem), trainings, handOnShares)
    const scored = (at: readonly StreamShares[]): Score => scoreOf(problem, accuracies, expected(at))
    shares = steal(problem, gpus, jobs, fair, scored)
    const score = scored(shares)
    if (best === undefined || isBetter(score, best.score)) best = { score, shares, trainings }
  }
  const found = best!
  const held = sharesOf(found.shares, problem)
  const choices = problem.streams.map((stream, i) =>
    fixedChoice(problem, stream, accuracies[i]!, held[i]!, found.trainings[i] ?? undefined),
  )
  const chosen = choices.map(choice => choice.retraining)
  const expected = expectedTimeline(problem, held, chosen, handOnShares)
  return { gpus, shares: withoutIdle(found.shares, choices), choices, expected, warnings: [] }
}

/** A training's steps stand in the plan only where something is trained. */
function withoutIdle(shares: readonly StreamShares[], choices: readonly Choice[]): StreamShares[] {
  return shares.map((own, i) => (choices[i]!.retraining === null ? { ...own, training: 0 } : own))
}

function steal(
  { gpuCapacity }: Problem,
  gpus: readonly number[],
  jobs: readonly Job[],
  start: readonly StreamShares[],
  scored: (shares: readonly StreamShares[]) => Score,
): StreamShares[] {
  const least = (job: Job): number => (gpuCapacity === undefined && job.kind === 'inference' ? 1 : 0)
  let current = [...start]
  let best = scored(current)
  for (const thief of jobs)
    for (const victim of jobs) {
      if (thief === victim || gpus[thief.stream] !== gpus[victim.stream]) continue
      const most = current[victim.stream]![victim.kind] - least(victim)
      let found = current
      for (const amount of amounts(most)) {
        const shares = moved(moved(current, victim, -amount), thief, amount)
        const score = scored(shares)
        if (isBetter(score, best)) [best, found] = [score, shares]
      }
      current = found
    }
  return current
}

/** 1, 2, … steps, and at last all. */
function amounts(most: number): number[] {
  const whole = Math.floor(most + 1e-9)
  const steps = Array.from({ length: Math.max(0, whole) }, (_, i) => i + 1)
  return most - whole > 1e-9 ? [...steps, most] : steps
}

function moved(shares: readonly StreamShares[], { stream, kind }: Job, by: number): StreamShares[] {
  return shares.map((own, i) => {
    if (i !== stream) return own
    const steps = own[kind] + by
    return { ...own, [kind]: steps < 1e-9 ? 0 : steps }
  })
}

/** Weighted floors that are kept at the window's begin first, then the weighted sum of the means. */
function scoreOf(problem: Problem, accuracies: readonly number[], expected: Timeline): Score {
  let [floors, accuracy] = [0, 0]
  const results = evaluate(problem, accuracies, expected)
  const { shares } = expected.intervals[0]!
  problem.streams.forEach(({ inference, weight, minAccuracy }, i) => {
    accuracy += weight * results[i]!.mean
    if (
      minAccuracy === 0 ||
      accuracies[i]! * bestInference(inference, shares[i]!.inference).factor >= minAccuracy - 1e-9
    )
      floors += weight
  })
  return { floors, accuracy }
}

function sharesOf(steps: readonly StreamShares[], { step }: Problem): JobShares[] {
  return steps.map(({ inference, training }) => ({
    inference: toShare(inference, step),
    training: toShare(training, step),
  }))
}

function handsOn(problem: Problem, gpus: readonly number[]): HandOnShares {
  const { gpuCapacity, step, streams } = problem
  if (gpuCapacity !== undefined && problem.gpus.length === 1)
    return (shares, ended) => evenShares(shares, ended, gpuCapacity)
  return (shares, ended) => {
    const allocations = allocationsOf(streams, shares, i => problem.gpus[gpus[i]!]!)
    return handOn(allocations, streams[ended]!.name, step).map(a => ({
      inference: a.inferenceShare,
      training: a.trainingShare,
    }))
  }
}
