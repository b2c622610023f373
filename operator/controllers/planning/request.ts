/** What a planning thread is asked and what it answers. Plain data, so that both can pass between threads. */
import { SchedulerError } from '../../scheduler/errors.ts'
import type { Plan, PolicyOptions } from '../../scheduler/plan.ts'
import { planBy } from '../../scheduler/policies/registry.ts'
import type { Problem } from '../../scheduler/problem.ts'

export interface PlanRequest {
  readonly policy: string
  readonly problem: Problem
  readonly options: PolicyOptions
}

export type PlanAnswer =
  | { readonly plan: Plan; readonly seconds: number }
  /** The policy refuses its options or the problem. */
  | { readonly refused: { readonly code: SchedulerError['code']; readonly message: string } }

/** @throws whatever else goes wrong in a policy. @param monotonicMs a stopwatch; no decision depends on it. */
export function answer({ policy, problem, options }: PlanRequest, monotonicMs: () => number): PlanAnswer {
  const started = monotonicMs()
  try {
    const plan = planBy(policy, problem, options)
    return { plan, seconds: (monotonicMs() - started) / 1000 }
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error
    return { refused: { code: error.code, message: error.message } }
  }
}

/** @throws SchedulerError as the policy did. */
export function planOf(given: PlanAnswer): Plan {
  if ('plan' in given) return given.plan
  throw new SchedulerError(given.refused.code, given.refused.message)
}
