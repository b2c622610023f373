/** What a planning thread is asked and what it answers. Plain data, so that both can pass between threads. */
import type { AccuracyDistribution } from '../../profiler/pooled/angle.ts'
import type { WindowRecord } from '../../profiler/pooled/outcome-model.ts'
import { predictPresent } from '../../profiler/pooled/present-windows.ts'
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

/** Windows of each stream, of which the last is to be predicted. */
export interface EstimateRequest {
  readonly records: readonly (readonly WindowRecord[])[]
}

export type EstimateAnswer = readonly (readonly AccuracyDistribution[])[]

export interface Tasks {
  readonly plan: { readonly request: PlanRequest; readonly answer: PlanAnswer }
  readonly estimate: { readonly request: EstimateRequest; readonly answer: EstimateAnswer }
}

/** What is done in the thread, by name. */
export const tasks: {
  readonly [Name in keyof Tasks]: (
    request: Tasks[Name]['request'],
    monotonicMs: () => number,
  ) => Tasks[Name]['answer']
} = {
  plan: answer,
  estimate: ({ records }) => predictPresent(records),
}

/** A message to the thread. */
export type Assignment = {
  readonly [Name in keyof Tasks]: { readonly task: Name; readonly request: Tasks[Name]['request'] }
}[keyof Tasks]

/** For messages. */
export const describe = (given: Assignment): string =>
  given.task === 'plan'
    ? `policy ${given.request.policy}, ${given.request.problem.streams.length} streams`
    : `estimates of ${given.request.records.length} streams`

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
