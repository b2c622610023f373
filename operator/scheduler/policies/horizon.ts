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
import { assign } from '../horizon/assign.ts'
import { believed } from '../horizon/belief.ts'
import { streamModels } from '../horizon/model.ts'
import { report } from '../horizon/report.ts'
import { definePolicy } from '../policy.ts'
import { stepsPerGpu } from '../share-grid.ts'

/** Plans looked at, by stream; eight times as many at sites of up to 16 streams, where that takes some milliseconds (`horizon/assign.ts`). */
const defaultEffort = (streams: number): number => Math.round(Math.max(40, Math.min(100, 1000 / streams)))

export const horizon = definePolicy({
  name: 'horizon',
  options: { effort: { type: 'integer', minimum: 1, maximum: 1_000_000 } },
  plan: (given, { effort }) => {
    const problem = believed(given)
    stepsPerGpu(problem.step)
    // In an order of their own, so that the order of the question does not change the answer.
    const models = streamModels(problem).toSorted((a, b) => (a.stream.name < b.stream.name ? -1 : 1))
    return report('horizon', problem, assign(problem, models, effort ?? defaultEffort(models.length)), [])
  },
})
