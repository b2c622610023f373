/**
 * Lets the pure state machine wait for plans and estimates that are made elsewhere. It is run on one snapshot until it needs one that is not
 * there yet; that is made, and it is run again on the same snapshot, which asks for the same ones in the same order. So nothing in it
 * knows of waiting. The question to a policy is prepared once, or twice where it needs estimates first.
 */
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { SchedulerError } from '../../scheduler/errors.ts'
import {
  type EstimateAnswer,
  type EstimateRequest,
  type PlanAnswer,
  type PlanRequest,
  planOf,
} from '../planning/request.ts'
import { PlanningFailed } from '../planning/thread.ts'
import { advance } from './phases.ts'
import { createPlanner } from './planner.ts'
import type { Step } from './step.ts'

export interface PlanSolver {
  solve(request: PlanRequest): Promise<PlanAnswer>
  estimate(request: EstimateRequest): Promise<EstimateAnswer>
}

/** @param onScheduled told of each plan that was made: its policy and how long it took. */
export async function advanceAside(
  site: SiteSnapshot,
  solver: PlanSolver,
  onScheduled: (policy: string, seconds: number) => void = () => {},
): Promise<Step> {
  const answers: { readonly request: PlanRequest; readonly given: PlanAnswer }[] = []
  /** By the plan that they are for. */
  const estimates = new Map<number, EstimateAnswer | PlanningFailed>()
  for (;;) {
    let asked = 0
    const planner = createPlanner(prepare => {
      const at = asked++
      const known = answers[at]
      if (known === undefined)
        throw new PlanNeeded(
          prepare(records => {
            const estimated = estimates.get(at)
            if (estimated === undefined) throw new EstimateNeeded(at, { records })
            if (estimated instanceof PlanningFailed) throw new SchedulerError('no-plan', estimated.message)
            return estimated
          }),
        )
      return { request: known.request, plan: planOf(known.given) }
    })
    try {
      return advance(site, planner)
    } catch (error) {
      if (error instanceof EstimateNeeded) {
        estimates.set(error.plan, await solver.estimate(error.request).catch(failed))
        continue
      }
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

function failed(error: unknown): PlanningFailed {
  if (!(error instanceof PlanningFailed)) throw error
  return error
}

class EstimateNeeded extends Error {
  readonly plan: number
  readonly request: EstimateRequest

  constructor(plan: number, request: EstimateRequest) {
    super('estimates are needed')
    this.plan = plan
    this.request = request
  }
}

class PlanNeeded extends Error {
  readonly request: PlanRequest

  constructor(request: PlanRequest) {
    super('a plan is needed')
    this.request = request
  }
}
