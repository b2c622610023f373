/** What a planning thread is asked and what it answers. Plain data, so that both can pass between threads. */
import type { AccuracyDistribution } from '../../profiler/pooled/angle.ts'
import type { WindowRecord } from '../../profiler/pooled/outcome-model.ts'
import { predictPresent } from '../../profiler/pooled/present-windows.ts'
import { type SiteProfilingQuestion, siteProfiling } from '../../profiler/pooled/site-profiling.ts'
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

/** Names of configurations for each stream, in the order in which they are to be micro-profiled. */
export type ProfilingAnswer = readonly (readonly string[])[]

export type EstimateAnswer = readonly (readonly AccuracyDistribution[])[]

interface Tasks {
  readonly plan: { readonly request: PlanRequest; readonly answer: PlanAnswer }
  readonly estimate: { readonly request: EstimateRequest; readonly answer: EstimateAnswer }
  readonly profiling: { readonly request: SiteProfilingQuestion; readonly answer: ProfilingAnswer }
}

/** A message to the thread. */
export type Assignment = {
  readonly [Name in keyof Tasks]: { readonly task: Name; readonly request: Tasks[Name]['request'] }
}[keyof Tasks]

/** For messages. */
export function describe({ task, request }: Assignment): string {
  switch (task) {
    case 'plan':
      return `policy ${request.policy}, ${request.problem.streams.length} streams`
    case 'estimate':
      return `estimates of ${request.records.length} streams`
    case 'profiling':
      return `what to micro-profile of ${request.streams.length} streams`
  }
}

/** What the thread answers. */
export function done({ task, request }: Assignment, monotonicMs: () => number): Tasks[keyof Tasks]['answer'] {
  switch (task) {
    case 'plan':
      return answer(request, monotonicMs)
    case 'estimate':
      return predictPresent(request.records)
    case 'profiling':
      return siteProfiling(request)
  }
}

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
