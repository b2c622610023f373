/** What the phases of a window have in common: what they look at, and what they answer with. */
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import type { PlanStatus } from '../plan-status.ts'

/** The algorithms that the phases call on; each answers with a plan ready for status. */
export interface Planner {
  /** Shares at once, before there is a plan; `labeling` reserves room for profile pods. */
  quick(site: SiteSnapshot, labeling: boolean): PlanStatus
  plan(site: SiteSnapshot): PlanStatus
  /** Plans the rest of the window again, keeping trainings that run and outcomes that are there. */
  replan(site: SiteSnapshot): PlanStatus
  /** The plan in force, changed for streams and GPUs that came or went only: for when the policy makes no plan of it. */
  patch(site: SiteSnapshot): PlanStatus
  /** Hands the share of a training that ended to the others. */
  handOn(site: SiteSnapshot, plan: PlanStatus, ended: string): PlanStatus
}

export interface Note {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  /** The stream it is about; absent: the window. */
  readonly stream?: string
}

export interface Step {
  readonly status: RetrainingWindowStatus
  readonly notes: readonly Note[]
  /** When to look again though nothing happens, milliseconds from the snapshot's time. */
  readonly wakeAfterMs?: number
}

export interface Context {
  readonly site: SiteSnapshot
  readonly planner: Planner
  readonly status: RetrainingWindowStatus
  readonly durationMs: number
}

export function over({ site, status }: Context): boolean {
  return site.now >= time(status.current?.endsAt)
}

export function step(
  status: RetrainingWindowStatus,
  notes: readonly Note[] = [],
  wakeAfterMs?: number,
): Step {
  return { status, notes, ...(wakeAfterMs === undefined ? {} : { wakeAfterMs }) }
}

export const iso = (ms: number): string => new Date(ms).toISOString()
export const time = (stamp: string | undefined): number =>
  stamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(stamp)
