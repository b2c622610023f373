/**
 * Horizon: plans the whole window instead of its first moment. Which streams retrain with which configuration, in which order and with
 * what share over time, and what inference gets meanwhile.
 *
 * Streams are put onto GPUs (`horizon/assign.ts`); on each, the trainings and their order are searched for (`horizon/search.ts`); an
 * order becomes shares over time by the price of a share in each phase (`horizon/construct.ts`). How far from the best of all plans the
 * result is at most, `horizon/bound.ts` tells.
 *
 * Anytime: the plan that it starts from is good, and `effort` says how much is spent on a better one. Counted in plans looked at, not in
 * seconds, so the same problem gives the same plan on every machine.
 */
import { emptyPlan } from '../draft.ts'
import { assign } from '../horizon/assign.ts'
import { believed } from '../horizon/belief.ts'
import { streamModels } from '../horizon/model.ts'
import { report } from '../horizon/report.ts'
import type { Plan, PolicyOptions } from '../plan.ts'
import type { Problem } from '../problem.ts'
import { stepsPerGpu } from '../share-grid.ts'
import { checkOptions } from './options.ts'

const rules = {
  effort: { type: 'integer', minimum: 1, maximum: 1_000_000 },
} as const

/** Plans looked at, by stream: 1,000 in all at small sites, where that takes some milliseconds, and at large ones what still helps. */
const defaultEffort = (streams: number): number => Math.round(Math.max(40, Math.min(100, 1000 / streams)))

export function horizon(given: Problem, options: PolicyOptions): Plan {
  checkOptions('horizon', options, rules)
  const problem = believed(given)
  const empty = emptyPlan('horizon', problem)
  if (empty !== undefined) return empty
  stepsPerGpu(problem.step)
  // In an order of their own, so that the order of the question does not change the answer.
  const models = streamModels(problem).toSorted((a, b) => (a.stream.name < b.stream.name ? -1 : 1))
  const pools = assign(
    problem,
    models,
    (options.effort as number | undefined) ?? defaultEffort(models.length),
  )
  return report('horizon', problem, pools, [])
}
