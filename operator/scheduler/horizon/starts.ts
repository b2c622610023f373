/** Where the search for a placement begins: with all floors kept, and the heaviest streams first by several notions of heavy. */
import type { Problem } from '../problem.ts'
import type { Site } from './groups.ts'
import type { StreamModel } from './model.ts'

/** GPU by stream. Each keeps streams where they stand; the first, if there is one, keeps all floors. */
export const startsOf = (site: Site): number[][] =>
  [withFloors(site), ...loads.map(load => byLoad(site, load))].filter(start => start !== undefined)

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
