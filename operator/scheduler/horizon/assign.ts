/**
 * Streams onto GPUs, for plans over time: the pods of a stream stand on one GPU, so each GPU is planned for itself.
 *
 * From several placements to start from (`starts.ts`) streams are moved as long as that gains (`moves.ts`), which ends in a local optimum
 * each; the best of them is planned with what effort is left. A stream that stands somewhere moves only for more than `moveSeconds`; one
 * whose training runs does not move at all.
 */
import { allowedCurrent, placesOf } from '../placement.ts'
import type { Problem } from '../problem.ts'
import { stepsPerEntry } from '../share-grid.ts'
import { type Phase, phasesOf } from './construct.ts'
import { type Group, groupOf, poolOf, type Site, solve } from './groups.ts'
import { createExactMarket } from './market.ts'
import { gridOf, type PoolModel, type StreamModel } from './model.ts'
import { isBetter, moved, type Placement } from './moves.ts'
import { type Solution, search } from './search.ts'
import { startsOf } from './starts.ts'

export interface PoolPlan {
  /** Index of the GPU. */
  readonly gpu: number
  readonly pool: PoolModel
  readonly solution: Solution
  readonly phases: readonly Phase[]
}

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
    allowed: placesOf(
      models.map(({ stream }) => stream),
      gpus,
      stepsPerEntry(problem),
    ),
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

/** The plan of a GPU whose streams are decided. */
function settled(site: Site, group: Group, pool: PoolModel): Solution {
  const { solution } =
    site.thorough && site.problem.gpus.length === 1 ? { solution: undefined } : solve(site, group)
  if (!site.thorough) return solution!
  const found = search(pool, { left: moreEffort * site.effort * group.members.length }, true)
  return solution === undefined || found.value > solution.value ? found : solution
}

/** The best of the local optima that are reached from some starts. */
function placed(site: Site): readonly number[] {
  let best: Placement | undefined
  const seen = new Set<string>()
  for (const start of startsOf(site)) {
    if (best !== undefined && site.budget.left <= 0) break
    if (seen.has(start.join())) continue
    seen.add(start.join())
    const own = moved(site, start)
    if (best === undefined || isBetter(own, best)) best = own
  }
  return best!.target
}
