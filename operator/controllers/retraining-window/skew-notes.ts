/** Clocks of nodes that are off, as notes. */
import { findCondition, windowConditions } from '../../api/conditions.ts'
import type { RetrainingWindow, RetrainingWindowStatus } from '../../api/generated/types.ts'
import { skewedClocks } from '../../cluster/clock-skew.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import type { Note } from './step.ts'

/** Those that the window's Ready names and did not name before, so that each is told once. */
export function skewNotes(
  before: RetrainingWindow,
  after: RetrainingWindowStatus,
  site: SiteSnapshot,
): readonly Note[] {
  const told = (conditions: RetrainingWindowStatus['conditions']) =>
    findCondition(conditions, windowConditions.Ready)?.message ?? ''
  const [was, is] = [told(before.status?.conditions), told(after.conditions)]
  return skewedClocks(site.pods)
    .filter(sentence => is.includes(sentence) && !was.includes(sentence))
    .map(sentence => ({ type: 'Warning', reason: 'ClockSkew', message: `${sentence}: have both set by NTP` }))
}
