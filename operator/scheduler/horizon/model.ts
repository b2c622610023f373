/**
 * The problem as the planner works on it: pools of GPU capacity, and in each the streams whose jobs share it.
 *
 * A physical GPU is a pool of one, on the grid of its steps. An entry with a `gpuCapacity` is a pool of which a job may hold any part.
 * Accuracies are multiplied by weights here, so that sums are the objective.
 */
import { bestInference } from '../inference/inference-quality.ts'
import { assumedAccuracies, trainable } from '../objective.ts'
import type { Problem, RetrainingOption, StreamProblem } from '../problem.ts'
import { stepsPerGpu, toShare } from '../share-grid.ts'
import {
  anyPart,
  createGrid,
  type Envelope,
  type FactorPoints,
  factorPoints,
  type Grid,
  inner,
  leastShare,
  type Serving,
} from './serving.ts'

export interface Job {
  readonly option: RetrainingOption
  /** GPU-seconds, > 0. */
  readonly work: number
  /** Weight × points gained at full share, > 0. */
  readonly gain: number
  readonly after: Serving
}

export interface StreamModel {
  /** Index in the problem. */
  readonly index: number
  readonly stream: StreamProblem
  readonly accuracy: number
  readonly points: FactorPoints
  readonly before: Serving
  /** Those worth thinking of: none gains less for more work. */
  readonly jobs: readonly Job[]
  /** A training that runs is the only job: it goes on from the first moment, or is given up. */
  readonly running: boolean
  /** Share that keeps a_MIN with the model in use, on this grid; undefined: none does. */
  readonly floorShare: number | undefined
  /** The same with each job's model; 0 where none does. */
  readonly floorsAfter: readonly number[]
  /** The stream as it is in pools, by the least share and whether its floor is kept: most pools are alike to a stream. */
  readonly inPools: Map<string, StreamModel>
}

export interface PoolModel {
  readonly capacity: number
  readonly grid: Grid
  readonly seconds: number
  readonly resizeSeconds: number
  readonly curve: Problem['throughputCurve']
  readonly samples: boolean
  readonly streams: readonly StreamModel[]
  /** Whose floors are kept, by stream. */
  readonly keepsFloor: readonly boolean[]
}

/** Work below this is nothing: a training always needs some time. */
const leastWork = 1e-6

export function gridOf(problem: Problem): Grid {
  return problem.gpuCapacity === undefined
    ? createGrid(problem.step, toShare(stepsPerGpu(problem.step), problem.step))
    : anyPart(problem.step, problem.gpuCapacity)
}

/** The streams without regard to each other: floors as if each had its GPU for itself. */
export function streamModels(problem: Problem): StreamModel[] {
  const grid = gridOf(problem)
  const accuracies = assumedAccuracies(problem.streams)
  const known = new Map<StreamProblem['inference'], FactorPoints>()
  return problem.streams.map((stream, index) => {
    const points = known.get(stream.inference) ?? factorPoints(stream.inference, grid)
    known.set(stream.inference, points)
    const accuracy = accuracies[index]!
    const envelope = inner(points, 0, points.factors[0]!)
    const jobs = worthwhile(stream, accuracy, envelope)
    return {
      index,
      stream,
      accuracy,
      points,
      before: { scale: stream.weight * accuracy, envelope },
      jobs,
      running: stream.running !== undefined,
      floorShare: floorShare(stream, accuracy, grid),
      floorsAfter: jobs.map(({ option }) => floorShare(stream, option.accuracyAfter, grid) ?? 0),
      inPools: new Map(),
    }
  })
}

export function floorShare(
  { minAccuracy, inference }: StreamProblem,
  accuracy: number,
  grid: Grid,
): number | undefined {
  if (minAccuracy <= 0) return 0
  return accuracy <= 0 ? undefined : leastShare(inference, (minAccuracy - 1e-9) / accuracy, grid)
}

function worthwhile(stream: StreamProblem, accuracy: number, envelope: Envelope): Job[] {
  const byWork = trainable(stream)
    .filter(option => option.accuracyAfter > accuracy + 1e-9)
    .toSorted((a, b) => a.gpuSeconds - b.gpuSeconds || b.accuracyAfter - a.accuracyAfter)
  let best = accuracy
  return byWork.flatMap(option => {
    if (option.accuracyAfter <= best + 1e-9) return []
    best = option.accuracyAfter
    return [
      {
        option,
        work: Math.max(leastWork, option.gpuSeconds),
        gain: stream.weight * (option.accuracyAfter - accuracy),
        after: { scale: stream.weight * option.accuracyAfter, envelope },
      },
    ]
  })
}

/**
 * The streams of one pool: each starts from the share that it must have. First a step for everybody (where there are as many), then
 * the floors, as many by weight as fit; what a retrained model needs to keep its floor is held back where that fits as well.
 */
export function poolModel(
  problem: Problem,
  streams: readonly StreamModel[],
  grid: Grid = gridOf(problem),
): PoolModel {
  const capacity = problem.gpuCapacity ?? grid.most
  const least = grid.unit > 0 && streams.length * grid.unit <= capacity + 1e-9 ? grid.unit : 0
  const kept = keepableFloors(
    streams.map(({ floorShare, stream }) => ({
      need: floorShare === undefined ? Number.POSITIVE_INFINITY : Math.max(0, floorShare - least),
      weight: stream.weight,
    })),
    capacity - least * streams.length,
    grid.unit,
  )
  let free = capacity
  streams.forEach((s, i) => {
    free -= kept[i] ? Math.max(least, s.floorShare!) : least
  })
  return {
    capacity,
    grid,
    seconds: problem.remainingSeconds,
    resizeSeconds: problem.resizeSeconds ?? 0,
    curve: problem.throughputCurve,
    samples: problem.averaging === 'samples',
    keepsFloor: kept,
    streams: streams.map((model, i) => {
      const own = kept[i]!
      let reserved = 0
      const fits = model.floorsAfter.map(share => {
        const more = Math.max(0, share - least)
        const fitting = own || more <= free + 1e-9
        if (!own && fitting) reserved = Math.max(reserved, more)
        return fitting
      })
      free -= reserved
      return inPool(model, least, own, fits)
    }),
  }
}

/** @param fits by job, whether the floor of the retrained model is kept. */
function inPool(model: StreamModel, least: number, kept: boolean, fits: readonly boolean[]): StreamModel {
  const key = `${least}/${kept}/${fits.join()}`
  const known = model.inPools.get(key)
  if (known !== undefined) return known
  const envelopes = new Map<number, Envelope>()
  const from = (share: number): Envelope => {
    const { envelope } = model.before
    if (share <= envelope.shares[0]! + 1e-12) return envelope
    const made =
      envelopes.get(share) ?? inner(model.points, share, bestInference(model.stream.inference, share).factor)
    envelopes.set(share, made)
    return made
  }
  const made: StreamModel = {
    ...model,
    before: { ...model.before, envelope: from(kept ? Math.max(least, model.floorShare!) : least) },
    jobs: model.jobs.map((job, k) => ({
      ...job,
      after: { ...job.after, envelope: from(fits[k] ? Math.max(least, model.floorsAfter[k]!) : least) },
    })),
  }
  model.inPools.set(key, made)
  return made
}

/** More streams than this are not tried in every combination. */
const mostTried = 16

/**
 * Which floors to keep where not all fit: of the combinations that fit the one with most weight. Exactly on a grid of steps and for
 * few streams; else by weight per share.
 */
export function keepableFloors(
  floors: readonly { readonly need: number; readonly weight: number }[],
  room: number,
  unit: number,
): boolean[] {
  let all = 0
  for (const { need } of floors) all += need
  if (all <= room + 1e-9) return floors.map(() => true)
  const possible = floors.flatMap(({ need }, i) => (need <= room + 1e-9 ? [i] : []))
  const sum = possible.reduce((total, i) => total + floors[i]!.need, 0)
  const kept = floors.map(() => false)
  if (sum <= room + 1e-9) {
    for (const i of possible) kept[i] = true
    return kept
  }
  const free = possible.filter(i => floors[i]!.need <= 1e-12)
  for (const i of free) kept[i] = true
  const asking = possible.filter(i => !kept[i])
  const chosen =
    unit > 0
      ? knapsack(asking, floors, Math.floor(room / unit + 1e-9), unit)
      : asking.length <= mostTried
        ? bestSubset(asking, floors, room)
        : byDensity(asking, floors, room)
  for (const i of chosen) kept[i] = true
  return kept
}

type Floors = readonly { readonly need: number; readonly weight: number }[]

function knapsack(asking: readonly number[], floors: Floors, steps: number, unit: number): number[] {
  let best: { weight: number; chosen: readonly number[] }[] = Array.from({ length: steps + 1 }, () => ({
    weight: 0,
    chosen: [],
  }))
  for (const i of asking) {
    const need = Math.ceil(floors[i]!.need / unit - 1e-9)
    best = best.map((own, s) => {
      const without = best[s - need]
      return without !== undefined && without.weight + floors[i]!.weight > own.weight + 1e-12
        ? { weight: without.weight + floors[i]!.weight, chosen: [...without.chosen, i] }
        : own
    })
  }
  return [...best[steps]!.chosen]
}

function bestSubset(asking: readonly number[], floors: Floors, room: number): number[] {
  let best: { weight: number; chosen: number[] } = { weight: 0, chosen: [] }
  const extend = (k: number, left: number, weight: number, chosen: number[]): void => {
    if (weight > best.weight + 1e-12) best = { weight, chosen: [...chosen] }
    for (let next = k; next < asking.length; next++) {
      const { need, weight: own } = floors[asking[next]!]!
      if (need > left + 1e-9) continue
      chosen.push(asking[next]!)
      extend(next + 1, left - need, weight + own, chosen)
      chosen.pop()
    }
  }
  extend(0, room, 0, [])
  return best.chosen
}

function byDensity(asking: readonly number[], floors: Floors, room: number): number[] {
  let left = room
  return asking
    .toSorted((a, b) => floors[b]!.weight / floors[b]!.need - floors[a]!.weight / floors[a]!.need || a - b)
    .filter(i => {
      if (floors[i]!.need > left + 1e-9) return false
      left -= floors[i]!.need
      return true
    })
}
