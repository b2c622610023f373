/**
 * Streams onto GPUs, for plans over time: the pods of a stream stand on one GPU, so each GPU is planned for itself.
 *
 * Streams stay where they are and the others go where least is asked for; then streams are moved and swapped between the GPU where a
 * share is dearest and those where it is cheapest as long as that gains, floors first. A stream that stands somewhere moves only for
 * more than `moveSeconds`; one whose training runs does not move at all.
 */
import { allowedCurrent, allowedGpus } from '../placement.ts'
import type { Problem } from '../problem.ts'
import { construct, type Phase, type Sequence } from './construct.ts'
import { gridOf, type PoolModel, poolModel, type StreamModel } from './model.ts'
import { adapted, type Budget, type Solution, search } from './search.ts'

export interface PoolPlan {
  /** Index of the GPU. */
  readonly gpu: number
  readonly pool: PoolModel
  readonly solution: Solution
  readonly phases: readonly Phase[]
}

interface Solved {
  readonly pool: PoolModel
  readonly solution: Solution
  /** Weight of the streams whose floor is kept. */
  readonly floors: number
  readonly value: number
}

interface Site {
  readonly problem: Problem
  readonly models: readonly StreamModel[]
  readonly allowed: readonly (readonly number[])[]
  readonly current: readonly number[]
  readonly pinned: readonly boolean[]
  /** Share that each must have, as if it had a GPU for itself. */
  readonly need: readonly number[]
  readonly capacity: number
  readonly budget: Budget
  /** Constructed plans that the search of one GPU may cost, by stream. */
  readonly effort: number
  readonly solved: Map<string, Solved>
}

/** @param effort constructed plans by stream. */
export function assign(problem: Problem, models: readonly StreamModel[], effort: number): PoolPlan[] {
  const { gpus, streams } = problem
  const grid = gridOf(problem)
  const site: Site = {
    problem,
    models,
    allowed: models.map(({ stream }) => allowedGpus(gpus, stream.nodes)),
    current: models.map(({ stream }) => allowedCurrent(gpus, stream)),
    pinned: models.map(({ stream }) => stream.running !== undefined && allowedCurrent(gpus, stream) >= 0),
    need: models.map(({ floorShare }) => Math.max(grid.unit, floorShare ?? 0)),
    capacity: problem.gpuCapacity ?? grid.most,
    budget: { left: effort * streams.length },
    effort,
    solved: new Map(),
  }
  let target = gpus.length === 1 ? models.map(() => 0) : (withFloors(site) ?? byLoad(site))
  if (gpus.length > 1) target = moved(site, target)
  return gpus.flatMap((_, gpu) => {
    const members = target.flatMap((g, i) => (g === gpu ? [i] : []))
    if (members.length === 0) return []
    const { pool, solution } = solve(site, members)
    const phases: Phase[] = []
    construct(pool, solution, phases)
    return [{ gpu, pool, solution, phases }]
  })
}

function solve(site: Site, members: readonly number[]): Solved {
  const key = members.join()
  const known = site.solved.get(key)
  if (known !== undefined) return known
  const pool = poolModel(
    site.problem,
    members.map(i => site.models[i]!),
  )
  const budget = { left: site.effort * members.length }
  const granted = budget.left
  const solution = search(pool, budget)
  site.budget.left -= granted - budget.left
  const floors = floorsKept(pool)
  const solved = { pool, solution, floors, value: solution.value }
  site.solved.set(key, solved)
  return solved
}

interface Worth {
  readonly floors: number
  readonly value: number
}

/** Other streams on a GPU, by the plan of those that are there. */
function judge(site: Site, members: readonly number[], next: readonly number[]): Worth {
  const known = site.solved.get(next.join())
  if (known !== undefined) return known
  const pool = poolModel(
    site.problem,
    next.map(i => site.models[i]!),
  )
  const old: Sequence = members.length === 0 ? { order: [], lanes: 1 } : solve(site, members).solution
  const order = old.order.flatMap(({ stream, job }) => {
    const at = next.indexOf(members[stream]!)
    const own = pool.streams[at]?.jobs.find(j => j.option === job.option)
    return own === undefined ? [] : [{ stream: at, job: own }]
  })
  const newcomers = next.flatMap((i, at) => (members.includes(i) ? [] : [at]))
  const { value } = adapted(pool, { order, lanes: old.lanes }, newcomers, site.budget)
  return { floors: floorsKept(pool), value }
}

const floorsKept = (pool: PoolModel): number =>
  pool.streams.reduce((sum, s, i) => sum + (pool.keepsFloor[i] ? s.stream.weight : 0), 0)

/** A move that loses less than this part when judged quickly may gain when planned in full. */
const promising = 5e-4

/** More than any floor: that a stream is served at all. */
const starving = 1e6

/** Streams of a GPU for which there is no step. */
function starved({ problem, capacity }: Site, members: number): number {
  if (problem.gpuCapacity !== undefined) return 0
  return Math.max(0, members - Math.floor(capacity / problem.step + 1e-6))
}

/** Placements tried before the search for one that keeps all floors is given up. */
const placementsTried = 20_000

/** GPUs such that all floors that can be kept at all are kept; undefined: none was found. */
function withFloors({ models, need, allowed, current, pinned, capacity }: Site): number[] | undefined {
  if (models.every(m => m.stream.minAccuracy <= 0)) return undefined
  const order = models
    .map((_, i) => i)
    .sort((a, b) => Number(pinned[b]) - Number(pinned[a]) || need[b]! - need[a]! || a - b)
  const target = models.map(() => -1)
  const free = new Map<number, number>()
  let left = placementsTried
  const place = (k: number): boolean => {
    if (k === order.length) return true
    if (--left < 0) return false
    const i = order[k]!
    const own = current[i]! >= 0 ? [current[i]!] : []
    const seen = new Set<number>()
    const among = pinned[i]
      ? own
      : [...own, ...allowed[i]!.filter(g => g !== current[i]).sort((a, b) => room(b) - room(a) || a - b)]
    for (const g of among) {
      if (room(g) < need[i]! - 1e-9 || (g !== current[i] && seen.has(room(g)))) continue
      seen.add(room(g))
      free.set(g, room(g) - need[i]!)
      target[i] = g
      if (place(k + 1)) return true
      free.set(g, room(g) + need[i]!)
    }
    return false
  }
  const room = (g: number): number => free.get(g) ?? capacity
  return place(0) ? target : undefined
}

/** The heaviest first to where least is asked for, among the GPUs that have a share left for it. */
function byLoad({ problem, models, need, allowed, current, capacity }: Site): number[] {
  const load = models.map(
    ({ before, jobs }) =>
      before.envelope.shares.at(-1)! + Math.min(1, (jobs.at(-1)?.work ?? 0) / problem.remainingSeconds),
  )
  const asked = problem.gpus.map(() => 0)
  const needed = problem.gpus.map(() => 0)
  const target = [...current]
  const put = (i: number, g: number): void => {
    target[i] = g
    asked[g]! += load[i]!
    needed[g]! += need[i]!
  }
  target.forEach((g, i) => {
    if (g >= 0) put(i, g)
  })
  const order = models
    .map((_, i) => i)
    .sort((a, b) => allowed[a]!.length - allowed[b]!.length || load[b]! - load[a]! || a - b)
  for (const i of order) {
    if (target[i]! >= 0) continue
    const lacks = (g: number): number => Math.max(0, needed[g]! + need[i]! - capacity)
    put(
      i,
      allowed[i]!.reduce((best, g) =>
        lacks(g) < lacks(best) - 1e-9 || (lacks(g) < lacks(best) + 1e-9 && asked[g]! < asked[best]! - 1e-9)
          ? g
          : best,
      ),
    )
  }
  return target
}

/** Moves and swaps as long as they gain and the budget lasts. */
function moved(site: Site, from: readonly number[]): number[] {
  const { problem, models, current } = site
  const move = problem.moveSeconds ?? 0
  const groups = problem.gpus.map((_, g) => from.flatMap((t, i) => (t === g ? [i] : [])))
  const cost = (members: readonly number[], g: number): number =>
    members.reduce((sum, i) => sum + (current[i]! >= 0 && current[i] !== g ? move : 0), 0)
  const worth = (members: readonly number[], g: number): Worth => {
    if (members.length === 0) return { floors: 0, value: 0 }
    const { floors, value } = solve(site, members)
    return { floors: floors - starving * starved(site, members.length), value: value - cost(members, g) }
  }
  const gain = (before: readonly Worth[], after: readonly Worth[]): Worth => ({
    floors: after[0]!.floors + after[1]!.floors - before[0]!.floors - before[1]!.floors,
    value: after[0]!.value + after[1]!.value - before[0]!.value - before[1]!.value,
  })
  /** Judged quickly first, from the plans as they are; what may gain is planned in full. */
  const gains = (a: number, b: number, nextA: readonly number[], nextB: readonly number[]): boolean => {
    const before = [worth(groups[a]!, a), worth(groups[b]!, b)]
    const quick = gain(before, [judged(groups[a]!, nextA, a), judged(groups[b]!, nextB, b)])
    const slack = promising * (before[0]!.value + before[1]!.value)
    if (quick.floors < -1e-9 || (quick.floors < 1e-9 && quick.value < -slack)) return false
    const { floors, value } = gain(before, [worth(nextA, a), worth(nextB, b)])
    return floors > 1e-9 || (floors > -1e-9 && value > 1e-6)
  }
  const judged = (members: readonly number[], next: readonly number[], g: number): Worth => {
    if (next.length === 0) return { floors: 0, value: 0 }
    const { floors, value } = judge(site, members, next)
    return { floors: floors - starving * starved(site, next.length), value: value - cost(next, g) }
  }
  const pressure = (g: number): number => {
    if (groups[g]!.length === 0) return -1
    const { pool, solution } = solve(site, groups[g]!)
    const best = pool.streams.reduce((sum, { jobs }) => sum + (jobs.at(-1)?.gain ?? 0), 0)
    const all = pool.streams.reduce((sum, s) => sum + s.before.scale, 0)
    return best + all - solution.value / pool.seconds
  }
  const without = (members: readonly number[], i: number) => members.filter(m => m !== i)
  const withOne = (members: readonly number[], i: number) => [...members, i].sort((a, b) => a - b)
  const may = (i: number, g: number) => !site.pinned[i] && site.allowed[i]!.includes(g)

  for (const g of problem.gpus.keys()) worth(groups[g]!, g)
  for (let improved = true; improved && site.budget.left > 0; ) {
    improved = false
    const ranked = problem.gpus.map((_, g) => g).sort((a, b) => pressure(b) - pressure(a) || a - b)
    const tried = new Set<string>()
    for (const a of ranked)
      for (const b of ranked.toReversed()) {
        if (a === b || site.budget.left <= 0) continue
        for (const i of [...groups[a]!]) {
          if (site.budget.left <= 0 || !groups[a]!.includes(i) || !may(i, b)) continue
          const nextA = without(groups[a]!, i)
          const nextB = withOne(groups[b]!, i)
          if (gains(a, b, nextA, nextB)) {
            groups[a] = nextA
            groups[b] = nextB
            improved = true
            continue
          }
          for (const j of [...groups[b]!]) {
            if (site.budget.left <= 0 || !may(j, a)) continue
            const key = i < j ? `${i},${j}` : `${j},${i}`
            if (tried.has(key)) continue
            tried.add(key)
            const swappedA = withOne(nextA, j)
            const swappedB = withOne(without(groups[b]!, j), i)
            if (!gains(a, b, swappedA, swappedB)) continue
            groups[a] = swappedA
            groups[b] = swappedB
            improved = true
            tried.clear()
            break
          }
        }
      }
  }
  const target = models.map(() => 0)
  groups.forEach((members, g) => {
    for (const i of members) target[i] = g
  })
  return target
}
