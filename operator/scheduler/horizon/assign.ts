/**
 * Streams onto GPUs, for plans over time: the pods of a stream stand on one GPU, so each GPU is planned for itself.
 *
 * Streams stay where they are and the others go where least is asked for, or where all floors are kept. From there streams are moved,
 * swapped and moved on in chains (one goes to a second GPU, from which another goes to a third) as long as that gains, floors first.
 * That ends in a local optimum, so it is done from more than one start. A stream that stands somewhere moves only for more than
 * `moveSeconds`; one whose training runs does not move at all.
 *
 * Most moves are not worth planning for: a stream adds to a GPU at most what it is worth alone on one, and what comes of a GPU's present
 * plan with the stream put in or left out tells well enough what a full search would find.
 */
import { allowedCurrent, allowedGpus } from '../placement.ts'
import type { Problem } from '../problem.ts'
import { type Phase, phasesOf, type Sequence } from './construct.ts'
import { createExactMarket } from './market.ts'
import { gridOf, type PoolModel, poolModel, type StreamModel } from './model.ts'
import { adapted, type Budget, type Solution, search } from './search.ts'
import type { Grid } from './serving.ts'

export interface PoolPlan {
  /** Index of the GPU. */
  readonly gpu: number
  readonly pool: PoolModel
  readonly solution: Solution
  readonly phases: readonly Phase[]
}

interface Worth {
  /** Weight of the streams whose floor is kept. */
  readonly floors: number
  readonly value: number
}

/** Streams that may share a GPU, by index. */
interface Group {
  readonly members: readonly number[]
  /** Those with another stream, and without one of theirs, as far as they were asked for. */
  more?: Map<number, Group>
  less?: Map<number, Group>
  /** What a full search finds, once it was made. */
  solved?: Worth & { readonly solution: Solution }
  judged?: Worth
}

interface Site {
  readonly problem: Problem
  readonly grid: Grid
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
  readonly thorough: boolean
  readonly groups: Map<string, Group>
}

/** GPU by stream, and what that is worth. */
interface Placement extends Worth {
  readonly target: readonly number[]
}

/** A pool of more streams is searched as if it had so many: each plan costs more there, and prices find most of what there is. */
const mostSearched = 16

/** Sites of so many streams are searched with more effort than their GPUs, from several starts. */
const wellSearched = 16
const moreEffort = 8

/** @param effort constructed plans by stream, `moreEffort` times as many at small sites. */
export function assign(problem: Problem, models: readonly StreamModel[], effort: number): PoolPlan[] {
  const { gpus, streams } = problem
  const grid = gridOf(problem)
  // In a pool with linear speed trainings go one by one, and the first search finds what there is.
  const easy = problem.gpuCapacity !== undefined && problem.throughputCurve === undefined
  const thorough = streams.length <= wellSearched && !easy
  const site: Site = {
    problem,
    grid,
    models,
    allowed: models.map(({ stream }) => allowedGpus(gpus, stream.nodes)),
    current: models.map(({ stream }) => allowedCurrent(gpus, stream)),
    pinned: models.map(({ stream }) => stream.running !== undefined && allowedCurrent(gpus, stream) >= 0),
    need: models.map(({ floorShare }) => Math.max(grid.unit, floorShare ?? 0)),
    capacity: problem.gpuCapacity ?? grid.most,
    budget: { left: (thorough ? moreEffort : 1) * effort * streams.length },
    effort,
    thorough,
    groups: new Map(),
  }
  const target = gpus.length === 1 ? models.map(() => 0) : placed(site)
  return gpus.flatMap((_, gpu) => {
    const members = target.flatMap((g, i) => (g === gpu ? [i] : []))
    if (members.length === 0) return []
    const pool = poolOf(site, members)
    const solution = settled(site, groupOf(site, members), pool)
    return [{ gpu, pool, solution, phases: phasesOf(pool, solution, createExactMarket(pool)) }]
  })
}

function poolOf({ problem, models, grid }: Site, members: readonly number[]): PoolModel {
  return poolModel(
    problem,
    members.map(i => models[i]!),
    grid,
  )
}

function groupOf({ groups }: Site, members: readonly number[]): Group {
  const key = members.join()
  const known = groups.get(key)
  if (known !== undefined) return known
  const made: Group = { members }
  groups.set(key, made)
  return made
}

function withOne(site: Site, group: Group, i: number): Group {
  const known = group.more?.get(i)
  if (known !== undefined) return known
  const at = group.members.findIndex(m => m > i)
  const made = groupOf(site, at < 0 ? [...group.members, i] : group.members.toSpliced(at, 0, i))
  group.more ??= new Map()
  group.more.set(i, made)
  return made
}

function without(site: Site, group: Group, i: number): Group {
  const known = group.less?.get(i)
  if (known !== undefined) return known
  const made = groupOf(
    site,
    group.members.filter(m => m !== i),
  )
  group.less ??= new Map()
  group.less.set(i, made)
  return made
}

function solve(site: Site, group: Group): NonNullable<Group['solved']> {
  if (group.solved !== undefined) return group.solved
  const { members } = group
  const pool = poolOf(site, members)
  const granted = site.effort * Math.min(members.length, mostSearched)
  const budget = { left: granted }
  const solution = search(pool, budget, false)
  site.budget.left -= granted - budget.left
  group.solved = { solution, floors: floorsKept(pool), value: solution.value }
  return group.solved
}

/** Trainings that a quick judgement tries for each stream that comes. */
const jobsTried = 4

/** The plan of a GPU whose streams are decided. */
function settled(site: Site, group: Group, pool: PoolModel): Solution {
  const { solution } =
    site.thorough && site.problem.gpus.length === 1 ? { solution: undefined } : solve(site, group)
  if (!site.thorough) return solution!
  const found = search(pool, { left: moreEffort * site.effort * group.members.length }, true)
  return solution === undefined || found.value > solution.value ? found : solution
}

/** Other streams on a GPU, by the plan of those that are there. */
function judge(site: Site, here: Group, next: Group): Worth {
  const known = next.solved ?? next.judged
  if (known !== undefined) return known
  const pool = poolOf(site, next.members)
  const old: Sequence = here.members.length === 0 ? { order: [], lanes: 1 } : solve(site, here).solution
  const order = old.order.flatMap(({ stream, job }) => {
    const at = next.members.indexOf(here.members[stream]!)
    const own = pool.streams[at]?.jobs.find(j => j.option === job.option)
    return own === undefined ? [] : [{ stream: at, job: own }]
  })
  const newcomers = next.members.flatMap((i, stream) => {
    if (here.members.includes(i)) return []
    // Beside others it trains what it would train alone, or something cheaper.
    const alone = solve(site, groupOf(site, [i])).solution.order[0]?.job.option
    const { jobs } = pool.streams[stream]!
    const dearest = jobs.findIndex(job => job.option === alone)
    return [{ stream, jobs: jobs.slice(Math.max(0, dearest + 1 - jobsTried), dearest + 1).toReversed() }]
  })
  const { value } = adapted(pool, { order, lanes: old.lanes }, newcomers, site.budget)
  next.judged = { floors: floorsKept(pool), value }
  return next.judged
}

const floorsKept = (pool: PoolModel): number =>
  pool.streams.reduce((sum, s, i) => sum + (pool.keepsFloor[i] ? s.stream.weight : 0), 0)

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
function byLoad(
  { problem, models, need, allowed, current, capacity }: Site,
  loadOf: (model: StreamModel, problem: Problem) => number,
): number[] {
  const load = models.map(model => loadOf(model, problem))
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

/** What a stream may ask for: inference and the dearest training, inference alone, what it could gain. */
const loads: readonly ((model: StreamModel, problem: Problem) => number)[] = [
  ({ before, jobs }, { remainingSeconds }) =>
    before.envelope.shares.at(-1)! + Math.min(1, (jobs.at(-1)?.work ?? 0) / remainingSeconds),
  ({ before }) => before.envelope.shares.at(-1)!,
  ({ jobs }) => jobs.at(-1)?.gain ?? 0,
]

/** The best of the local optima that are reached from some starts. */
function placed(site: Site): readonly number[] {
  const starts = [withFloors(site), ...loads.map(load => byLoad(site, load))].filter(
    start => start !== undefined,
  )
  let best: Placement | undefined
  const seen = new Set<string>()
  for (const start of starts) {
    if (best !== undefined && site.budget.left <= 0) break
    if (seen.has(start.join())) continue
    seen.add(start.join())
    const own = moved(site, start)
    if (best === undefined || isBetter(own, best)) best = own
  }
  return best!.target
}

/** More than any floor: that a stream is served at all. */
const starving = 1e6
/** A move that loses less than this part when judged quickly may gain when planned in full. */
const promising = 5e-4
const epsilon = 1e-6

const isBetter = (a: Worth, b: Worth): boolean =>
  a.floors > b.floors + 1e-9 || (a.floors > b.floors - 1e-9 && a.value > b.value + epsilon)

/** The streams of a GPU as they would be. */
interface Change {
  readonly gpu: number
  readonly next: Group
}

/** Moves, swaps and chains as long as they gain and the budget lasts. */
function moved(site: Site, from: readonly number[]): Placement {
  const { problem, models, current, pinned, allowed, budget } = site
  const move = problem.moveSeconds ?? 0
  const groups = problem.gpus.map((_, g) =>
    groupOf(
      site,
      from.flatMap((t, i) => (t === g ? [i] : [])),
    ),
  )
  const allFloors = models.reduce((sum, { stream }) => sum + stream.weight, 0)

  const charged = ({ floors, value }: Worth, { members }: Group, g: number): Worth => {
    const empty = starved(site, members.length)
    let cost = 0
    if (move > 0) for (const i of members) if (current[i]! >= 0 && current[i] !== g) cost += move
    return cost === 0 && empty === 0
      ? { floors, value }
      : { floors: floors - starving * empty, value: value - cost }
  }
  const worth = (group: Group, g: number): Worth =>
    group.members.length === 0 ? nothing : charged(solve(site, group), group, g)
  const quick = ({ gpu, next }: Change): Worth =>
    next.members.length === 0 ? nothing : charged(judge(site, groups[gpu]!, next), next, gpu)
  const alone = (i: number): number => solve(site, groupOf(site, [i])).value
  const planned = (group: Group): number => (group.members.length === 0 ? 0 : solve(site, group).value)
  /** What streams lose by each other on a GPU: one that leaves it can gain no more. */
  const contention = (group: Group): number => {
    if (group.members.length < 2) return 0
    let sum = -planned(group)
    for (const i of group.members) sum += alone(i)
    return sum
  }
  const atMost = ({ gpu, next }: Change): number => {
    if (next.solved !== undefined) return next.solved.value
    const here = groups[gpu]!
    let value = planned(here)
    for (const i of next.members) if (!here.members.includes(i)) value += alone(i)
    return value
  }
  const everyFloor = (): boolean => total(groups.map((group, g) => worth(group, g))).floors > allFloors - 1e-9
  let floorsKept = everyFloor()
  let lost = groups.map(contention)
  /** Whether there is anything to gain when streams leave these GPUs. */
  const worthwhile = (...gpus: readonly number[]): boolean => {
    let sum = 0
    for (const g of gpus) sum += lost[g]!
    return sum > epsilon || !floorsKept || move > 0
  }

  /** By bounds, then from the plans as they are, then planned in full. */
  const gains = (changes: readonly Change[]): boolean => {
    const before = total(changes.map(({ gpu }) => worth(groups[gpu]!, gpu)))
    if (floorsKept && move === 0 && changes.reduce((sum, c) => sum + atMost(c), 0) <= before.value + epsilon)
      return false
    const judged = total(changes.map(quick))
    if (judged.floors < before.floors - 1e-9) return false
    if (judged.floors < before.floors + 1e-9 && judged.value < before.value * (1 - promising)) return false
    return isBetter(total(changes.map(({ gpu, next }) => worth(next, gpu))), before)
  }
  const tried = (changes: readonly Change[]): boolean => {
    if (!gains(changes)) return false
    for (const { gpu, next } of changes) {
      groups[gpu] = next
      lost = lost.with(gpu, contention(next))
    }
    floorsKept ||= everyFloor()
    return true
  }

  const plus = (group: Group, i: number): Group => withOne(site, group, i)
  const minus = (group: Group, i: number): Group => without(site, group, i)
  const may = (i: number, g: number) => !pinned[i] && allowed[i]!.includes(g)
  const pressure = (g: number): number => {
    if (groups[g]!.members.length === 0) return -1
    let free = 0
    for (const i of groups[g]!.members) free += (models[i]!.jobs.at(-1)?.gain ?? 0) + models[i]!.before.scale
    return free - planned(groups[g]!) / problem.remainingSeconds
  }
  const ranked = (): number[] => {
    const by = problem.gpus.map((_, g) => pressure(g))
    return problem.gpus.map((_, g) => g).sort((a, b) => by[b]! - by[a]! || a - b)
  }

  const movesAndSwaps = (): boolean => {
    let improved = false
    const swapped = new Set<string>()
    const order = ranked()
    for (const a of order)
      for (const b of order.toReversed()) {
        if (a === b || budget.left <= 0 || !worthwhile(a, b)) continue
        for (const i of groups[a]!.members) {
          if (budget.left <= 0 || !groups[a]!.members.includes(i) || !may(i, b)) continue
          const left = minus(groups[a]!, i)
          if (
            worthwhile(a) &&
            tried([
              { gpu: a, next: left },
              { gpu: b, next: plus(groups[b]!, i) },
            ])
          ) {
            improved = true
            continue
          }
          for (const j of groups[b]!.members) {
            if (budget.left <= 0 || !may(j, a)) continue
            const key = i < j ? `${i},${j}` : `${j},${i}`
            if (swapped.has(key)) continue
            swapped.add(key)
            const swap = [
              { gpu: a, next: plus(left, j) },
              { gpu: b, next: plus(minus(groups[b]!, j), i) },
            ]
            if (!tried(swap)) continue
            improved = true
            swapped.clear()
            break
          }
        }
      }
    return improved
  }

  /** The first one that gains. */
  const chain = (): boolean => {
    const order = ranked()
    for (const a of order)
      for (const b of order.toReversed())
        for (const c of order.toReversed()) {
          if (a === b || a === c || b === c || !worthwhile(a, b)) continue
          for (const i of groups[a]!.members)
            for (const j of groups[b]!.members) {
              if (budget.left <= 0) return false
              if (!may(i, b) || !may(j, c)) continue
              const changes = [
                { gpu: a, next: minus(groups[a]!, i) },
                { gpu: b, next: plus(minus(groups[b]!, j), i) },
                { gpu: c, next: plus(groups[c]!, j) },
              ]
              if (tried(changes)) return true
            }
        }
    return false
  }

  while (budget.left > 0 && (movesAndSwaps() || chain()));
  const target = models.map(() => 0)
  groups.forEach(({ members }, g) => {
    for (const i of members) target[i] = g
  })
  return { target, ...total(groups.map((group, g) => worth(group, g))) }
}

const nothing: Worth = { floors: 0, value: 0 }

function total(worths: readonly Worth[]): Worth {
  let [floors, value] = [0, 0]
  for (const worth of worths) {
    floors += worth.floors
    value += worth.value
  }
  return { floors, value }
}
