/** The policies by name: one file each, listed here and nowhere else. */
import { SchedulerError } from '../errors.ts'
import { checkOptions } from '../option-rules.ts'
import type { Plan, PolicyOptions } from '../plan.ts'
import type { Policy } from '../policy.ts'
import type { Problem } from '../problem.ts'
import { cloud } from './cloud.ts'
import { fair } from './fair.ts'
import { fairDumb } from './fair-dumb.ts'
import { fairNaive } from './fair-naive.ts'
import { fairRandom } from './fair-random.ts'
import { fairSco } from './fair-sco.ts'
import { fixedConfiguration } from './fixed-configuration.ts'
import { fixedResources } from './fixed-resources.ts'
import { horizon } from './horizon.ts'
import { none } from './none.ts'
import { oracleBestFixed } from './oracle-best-fixed.ts'
import { replay } from './replay.ts'
import { thief } from './thief.ts'

export const policies: Readonly<Record<string, Policy>> = {
  thief,
  horizon,
  fair,
  none,
  'fair-dumb': fairDumb,
  'fair-naive': fairNaive,
  'fair-sco': fairSco,
  'fair-random': fairRandom,
  'fixed-resources': fixedResources,
  'fixed-configuration': fixedConfiguration,
  cloud,
  replay,
  'oracle-best-fixed': oracleBestFixed,
}

/** @throws SchedulerError `unknown-policy`, naming the known ones. */
export function policy(name: string): Policy {
  const found = Object.hasOwn(policies, name) ? policies[name] : undefined
  if (found === undefined)
    throw new SchedulerError(
      'unknown-policy',
      `no policy ${JSON.stringify(name)}, accepted: ${Object.keys(policies).join(', ')}`,
    )
  return found
}

/**
 * The plan of a policy; that of `horizon` where the policy would take too long, which the plan's warnings say.
 *
 * @throws SchedulerError
 */
export function planBy(name: string, problem: Problem, options: PolicyOptions): Plan {
  const { plan, mostStreams, options: rules } = policy(name)
  if (problem.streams.length <= mostStreams) return plan(problem, options)
  checkOptions(name, options, rules)
  const instead = horizon.plan(problem, {})
  const warning = `policy ${name} is for up to ${mostStreams} streams, because its time grows with their square: ${problem.streams.length} are planned by horizon`
  return { ...instead, warnings: [warning, ...instead.warnings] }
}
