/**
 * What a policy is: an object with Ekya's three decisions. A policy file describes one with `definePolicy`; what it leaves out is
 * the default of all policies. Policies are pure: the same question has the same answer.
 */
import { emptyPlan } from './draft.ts'
import { SchedulerError } from './errors.ts'
import { evenHandOn } from './even-hand-on.ts'
import { type Allocation, type HandOnSite, handOn } from './hand-on.ts'
import { type QuickProblem, type QuickSchedule, quickSchedule } from './inference/quick-schedule.ts'
import { checkOptions, type OptionRules, type OptionValues } from './option-rules.ts'
import { withoutUnused } from './placement.ts'
import type { Plan, PolicyOptions } from './plan.ts'
import type { Problem } from './problem.ts'

export interface Policy {
  /** What it may be told, by name. */
  readonly options: OptionRules
  /** It compares and cannot be carried out on a cluster: it plans for a pool only. */
  readonly poolOnly: boolean
  /** From more streams on the operator plans by `horizon` instead, because this policy would take too long. */
  readonly mostStreams: number
  /**
   * Shares and retraining configurations for the rest of the window.
   *
   * @throws SchedulerError `bad-options`, `bad-problem`.
   */
  readonly plan: (problem: Problem, options: PolicyOptions) => Plan
  /** Inference shares at once, until there is a plan (Ekya's `get_inference_schedule`). */
  readonly inferenceSchedule: (problem: QuickProblem) => QuickSchedule
  /** The allocations after the training of stream `ended` has ended, in the same order (Ekya's `reallocation_callback`). */
  readonly handOn: HandOn
  /**
   * Of a baseline that is chosen when all is over: the options by which it plans every window, found from the values that came
   * true in all of them. It is told nothing but true values.
   */
  readonly hindsight?: (windows: readonly Problem[], options: PolicyOptions) => PolicyOptions
}

export type HandOn = <A extends Allocation>(allocations: readonly A[], ended: string, site: HandOnSite) => A[]

export interface PolicyDefinition<Rules extends OptionRules> {
  readonly name: string
  readonly options?: Rules
  readonly poolOnly?: boolean
  /** Default: no limit. */
  readonly mostStreams?: number
  /** Asked only where there are streams and GPUs, with options that keep to the rules. */
  readonly plan: (problem: Problem, options: OptionValues<Rules>) => Plan
  readonly inferenceSchedule?: Policy['inferenceSchedule']
  readonly handOn?: HandOn
  readonly hindsight?: (windows: readonly Problem[], options: OptionValues<Rules>) => OptionValues<Rules>
}

/** The decisions of a policy that makes none of its own before and after the plan. */
export const defaultDecisions = {
  inferenceSchedule: quickSchedule,
  handOn: (allocations, ended, site) =>
    site.gpuCapacity === undefined
      ? handOn(allocations, ended, site.step)
      : evenHandOn(allocations, ended, site.gpuCapacity),
} as const satisfies Pick<Policy, 'inferenceSchedule' | 'handOn'>

export function definePolicy<const Rules extends OptionRules = Record<never, never>>(
  definition: PolicyDefinition<Rules>,
): Policy {
  const { name, hindsight, poolOnly = false, mostStreams = Number.POSITIVE_INFINITY } = definition
  const rules = definition.options ?? {}
  const checked = (options: PolicyOptions): OptionValues<Rules> => {
    checkOptions(name, options, rules)
    return options as OptionValues<Rules>
  }
  return {
    options: rules,
    poolOnly,
    mostStreams,
    plan: (problem, options) => {
      const values = checked(options)
      if (poolOnly) requirePool(name, problem)
      return emptyPlan(name, problem) ?? definition.plan(withoutUnused(problem), values)
    },
    inferenceSchedule: definition.inferenceSchedule ?? defaultDecisions.inferenceSchedule,
    handOn: definition.handOn ?? defaultDecisions.handOn,
    ...(hindsight === undefined
      ? {}
      : { hindsight: (windows, options) => hindsight(windows, checked(options)) as PolicyOptions }),
  }
}

/** @throws SchedulerError `bad-problem` where the GPUs are physical ones. */
function requirePool(policy: string, { gpuCapacity, gpus }: Problem): void {
  if (gpuCapacity !== undefined && gpus.length === 1) return
  throw new SchedulerError(
    'bad-problem',
    `policy ${policy} is for comparisons in the simulator, where all GPUs are one pool; it cannot plan for ${gpus.length} physical GPUs`,
  )
}
