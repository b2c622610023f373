/** The bounds that the CRD sets to texts of a plan: a status that exceeds them is refused as a whole, and the window with it. */
import { truncateMessage } from '../../api/conditions.ts'
import type { PlanStatus } from '../plan-status.ts'

const mostWarnings = 64
const longestText = 1024

export function withinBounds(plan: PlanStatus): PlanStatus {
  const { warnings, items } = plan
  return {
    ...plan,
    items: items.map(item =>
      item.reason === undefined ? item : { ...item, reason: truncateMessage(item.reason, longestText) },
    ),
    ...(warnings === undefined
      ? {}
      : { warnings: fewer(warnings).map(text => truncateMessage(text, longestText)) }),
  }
}

const fewer = (warnings: readonly string[]): string[] =>
  warnings.length <= mostWarnings
    ? [...warnings]
    : [...warnings.slice(0, mostWarnings - 1), `and ${warnings.length - mostWarnings + 1} more`]
