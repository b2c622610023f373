/**
 * What the streams that may share a GPU are worth there, each set of them planned once: in full (`solve`), or as the plan of those
 * that are there already would take the others in (`judge`), which costs a small part of that.
 */
import type { Problem } from '../problem.ts'
import type { Sequence } from './construct.ts'
import { type PoolModel, poolModel, type StreamModel } from './model.ts'
import { adapted, type Budget, type Solution, search } from './search.ts'
import type { Grid } from './serving.ts'

export interface Worth {
  /** Weight of the streams whose floor is kept. */
  readonly floors: number
  readonly value: number
}

/** Streams that may share a GPU, by index. */
export interface Group {
  readonly members: readonly number[]
  /** Those with another stream, and without one of theirs, as far as they were asked for. */
  more?: Map<number, Group>
  less?: Map<number, Group>
  /** What a full search finds, once it was made. */
  solved?: Worth & { readonly solution: Solution }
  judged?: Worth
}

export interface Site {
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

/** A pool of more streams is searched as if it had so many: each plan costs more there, and prices find most of what there is. */
const mostSearched = 16

export function poolOf({ problem, models, grid }: Site, members: readonly number[]): PoolModel {
  return poolModel(
    problem,
    members.map(i => models[i]!),
    grid,
  )
}

export function groupOf({ groups }: Site, members: readonly number[]): Group {
  const key = members.join()
  const known = groups.get(key)
  if (known !== undefined) return known
  const made: Group = { members }
  groups.set(key, made)
  return made
}

export function withOne(site: Site, group: Group, i: number): Group {
  const known = group.more?.get(i)
  if (known !== undefined) return known
  const at = group.members.findIndex(m => m > i)
  const made = groupOf(site, at < 0 ? [...group.members, i] : group.members.toSpliced(at, 0, i))
  group.more ??= new Map()
  group.more.set(i, made)
  return made
}

export function without(site: Site, group: Group, i: number): Group {
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

export function solve(site: Site, group: Group): NonNullable<Group['solved']> {
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

/** Other streams on a GPU, by the plan of those that are there. */
export function judge(site: Site, here: Group, next: Group): Worth {
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
