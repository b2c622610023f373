/**
 * Lets the pure state machine wait for plans that are made elsewhere. It is run on one snapshot until it needs a plan that is not there
 * yet; the plan is made, and it is run again on the same snapshot, which asks for the same plans in the same order. So nothing in it
 * knows of waiting, and a question is prepared once.
 */
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { type PlanAnswer, type PlanRequest, planOf } from '../planning/request.ts'
import { PlanningFailed } from '../planning/thread.ts'
import { advance } from './phases.ts'
import { createPlanner } from './planner.ts'
import type { Step } from './step.ts'

export interface PlanSolver {
  solve(request: PlanRequest): Promise<PlanAnswer>
}

/** @param onScheduled told of each plan that was made: its policy and how long it took. */
export async function advanceAside(
  site: SiteSnapshot,
  solver: PlanSolver,
  onScheduled: (policy: string, seconds: number) => void = () => {},
): Promise<Step> {
  const answers: { readonly request: PlanRequest; readonly given: PlanAnswer }[] = []
  for (;;) {
    let asked = 0
    const planner = createPlanner(prepare => {
      const known = answers[asked++]
      if (known === undefined) throw new PlanNeeded(prepare())
      return { request: known.request, plan: planOf(known.given) }
    })
    try {
      return advance(site, planner)
    } catch (error) {
      if (!(error instanceof PlanNeeded)) throw error
      const given = await solver.solve(error.request).catch(refusedBy)
      if ('plan' in given) onScheduled(given.plan.policy, given.seconds)
      answers.push({ request: error.request, given })
    }
  }
}

/** A plan that cannot be made is as one that is refused: the window goes on without it. Anything else is the caller's. */
function refusedBy(error: unknown): PlanAnswer {
  if (!(error instanceof PlanningFailed)) throw error
  return { refused: { code: 'no-plan', message: error.message } }
}

class PlanNeeded extends Error {
  readonly request: PlanRequest

  constructor(request: PlanRequest) {
    super('a plan is needed')
    this.request = request
  }
}
