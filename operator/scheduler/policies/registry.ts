/** The policies by name: one file each, listed here and nowhere else. */
import { SchedulerError } from '../errors.ts'
import type { Policy } from '../plan.ts'
import { fair } from './fair.ts'
import { horizon } from './horizon.ts'
import { none } from './none.ts'
import { thief } from './thief.ts'

export const policies: Readonly<Record<string, Policy>> = { thief, horizon, fair, none }

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
