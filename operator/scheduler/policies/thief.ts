/**
 * Thief (Ekya §4.2): start from fair shares, let jobs steal from each other, pick configurations after every steal.
 *
 * Jobs are the inference job of each stream and the training job of each stream that has something to train. With one GPU
 * this is Algorithms 1 and 2 on its steps. With several, shares are found on the sum of all GPUs, the streams are placed, and
 * the stealing goes on between the streams of each GPU, because what placement left over can only be used there.
 *
 * Hill climbs end where they begin to descend, so more than one start is tried: the fair shares, the fair shares as placed,
 * and the shares in force, which are kept when nothing beats them (no needless resizes).
 */
import { type Draft, toPlan } from '../draft.ts'
import { assumedAccuracies, trainable } from '../objective.ts'
import {
  type Choice,
  createPicker,
  isBetter,
  type Picker,
  type StreamShares,
} from '../pick-configurations.ts'
import { allowedCurrent, type Bundle, place } from '../placement.ts'
import type { Plan } from '../plan.ts'
import { definePolicy } from '../policy.ts'
import type { Problem } from '../problem.ts'
import { splitEvenly, stepsPerEntry, toSteps } from '../share-grid.ts'
import { releasedThief } from '../thief/released.ts'
import {
  climb,
  type PooledSteps,
  releaseTrainings,
  type StealingRules,
  spreadFree,
} from '../thief/stealing.ts'
import { withTrainings } from '../uniform/uniform.ts'

/** As many rounds as Ekya's released code makes; 1 is the paper's listing. */
const defaultIterations = 3
/** Turn to the next victim at the first steal that does not help, as in the paper's listing. */
const defaultPatience = 0

/**
 * Options: `variant`, `listing` (the paper's, as above; default on physical GPUs) or `released` (of Ekya's released code, see
 * `thief/released.ts`; default in a pool, where that code's simulator works); `iterations`, default 3; `patience` of the listing.
 */
export const thief = definePolicy({
  name: 'thief',
  // Its time grows with the square of the jobs: a quarter of a second at 100 streams, a second at 300.
  mostStreams: 100,
  options: {
    variant: { type: 'choice', values: ['listing', 'released'] },
    iterations: { type: 'integer', minimum: 1, maximum: 100 },
    patience: { type: 'integer', minimum: 0, maximum: 1000 },
  },
  plan: (
    problem,
    {
      variant = problem.gpuCapacity === undefined ? 'listing' : 'released',
      iterations = defaultIterations,
      patience = defaultPatience,
    },
  ) =>
    variant === 'released'
      ? toPlan(problem, { policy: 'thief', ...releasedThief(problem, iterations) })
      : listedThief(problem, iterations, patience),
})

function listedThief(problem: Problem, iterations: number, patience: number): Plan {
  const perGpu = stepsPerEntry(problem)
  const site: Site = {
    problem,
    perGpu,
    picker: createPicker(problem),
    trains: problem.streams.map(stream => trainable(stream).length > 0),
    rules: {
      leastInference: problem.streams.length > perGpu * problem.gpus.length ? 0 : 1,
      streamLimit: perGpu,
      iterations,
      patience,
    },
  }

  const fair = fairShares(problem, perGpu * problem.gpus.length, perGpu)
  const pooled = climb(pool(site, fair), site.trains, site.picker, site.rules)
  const candidates = [
    ...inForce(site),
    settled(site, pooled.shares),
    problem.gpus.length > 1 ? settled(site, fair) : undefined,
  ].filter(candidate => candidate !== undefined)
  const best = candidates.reduce((a, b) =>
    isBetter(site.picker.total(b.shares), site.picker.total(a.shares)) ? b : a,
  )

  const { shares, pools } = spreadFree(releaseTrainings(best, site.picker), perGpu)
  const choices = shares.map((own, i) => site.picker.pick(i, own))
  return toPlan(problem, {
    policy: 'thief',
    gpus: pools,
    shares,
    choices,
    ...handedOn(problem, shares, choices),
    warnings: best.notes,
  })
}

/** The listing does not look at what is handed on, but in a pool the prediction can. */
function handedOn(
  problem: Problem,
  shares: readonly StreamShares[],
  choices: readonly Choice[],
): Partial<Draft> {
  if (problem.gpuCapacity === undefined) return {}
  const picked = choices.map(choice => choice.retraining ?? undefined)
  return withTrainings(problem, assumedAccuracies(problem.streams), shares, picked)
}

interface Site {
  readonly problem: Problem
  readonly perGpu: number
  readonly picker: Picker
  readonly trains: readonly boolean[]
  readonly rules: StealingRules
}

type Candidate = PooledSteps & { readonly notes: readonly string[] }

/**
 * Total / number of jobs each, what does not divide to inference first; heavier streams first where there is not a step for
 * everybody. No stream gets more than one GPU.
 */
export function fairShares(problem: Problem, total: number, perGpu: number): StreamShares[] {
  const trains = problem.streams.map(stream => trainable(stream).length > 0)
  const byWeight = problem.streams
    .map((_, i) => i)
    .sort((a, b) => problem.streams[b]!.weight - problem.streams[a]!.weight || a - b)
  const training = byWeight.filter(i => trains[i])
  const parts = splitEvenly(total, byWeight.length + training.length)
  const shares: StreamShares[] = problem.streams.map(() => ({ inference: 0, training: 0 }))
  byWeight.forEach((i, k) => {
    shares[i] = { inference: Math.min(parts[k]!, perGpu), training: 0 }
  })
  training.forEach((i, k) => {
    const inference = Math.min(shares[i]!.inference, Math.ceil(perGpu / 2))
    shares[i] = { inference, training: Math.min(parts[byWeight.length + k]!, perGpu - inference) }
  })
  return shares
}

function pool(site: Site, shares: readonly StreamShares[]): PooledSteps {
  const used = shares.reduce((sum, s) => sum + s.inference + s.training, 0)
  return { shares, pools: shares.map(() => 0), free: [site.perGpu * site.problem.gpus.length - used] }
}

/** Placed, and climbed on within each GPU. */
function settled(site: Site, shares: readonly StreamShares[]): Candidate {
  const { problem, perGpu } = site
  const bundles: Bundle[] = problem.streams.map((stream, i) => ({
    stream: stream.name,
    ...shares[i]!,
    current: stream.current,
    nodes: stream.nodes,
    pinned: stream.running !== undefined && shares[i]!.training > 0,
  }))
  const placed = place(bundles, problem.gpus, perGpu, problem.step)
  const start = {
    shares: placed.bundles.map(({ inference, training }) => ({ inference, training })),
    pools: placed.gpus,
  }
  const free = freeSteps(site, start.shares, start.pools)
  return { ...climb({ ...start, free }, site.trains, site.picker, site.rules), notes: placed.notes }
}

/** The shares in force as they are, and climbed on; none unless every stream has some and they fit. */
function inForce(site: Site): Candidate[] {
  const { problem, rules } = site
  const pools = problem.streams.map(stream => allowedCurrent(problem.gpus, stream))
  const shares = problem.streams.map(({ current }, i) => ({
    inference: toSteps(current?.inferenceShare ?? 0, problem.step),
    training: site.trains[i] ? toSteps(current?.trainingShare ?? 0, problem.step) : 0,
  }))
  if (pools.some(g => g < 0) || shares.some(s => s.inference < rules.leastInference)) return []
  const start = { shares, pools, free: freeSteps(site, shares, pools) }
  if (start.free.some(steps => steps < 0)) return []
  return [
    { ...start, notes: [] },
    { ...climb(start, site.trains, site.picker, rules), notes: [] },
  ]
}

function freeSteps(site: Site, shares: readonly StreamShares[], pools: readonly number[]): number[] {
  const free = site.problem.gpus.map(() => site.perGpu)
  shares.forEach((s, i) => {
    free[pools[i]!]! -= s.inference + s.training
  })
  return free
}
