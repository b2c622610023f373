/**
 * The bounds that the API server sets to a status: those of texts and lists in the CRD, and the size of an object as a whole. A status
 * that exceeds them is refused, and the window stands still.
 *
 * The plan is what the window runs by, so all its items stay. What gives way are micro-profiles and then records of streams in past windows, the oldest first,
 * and the length of reasons; the two newest windows are wanted next, for what was served and what was promised, and only where nothing else
 * helps is the older of them given up.
 */
import { truncateMessage } from '../../api/conditions.ts'
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import type { HistoryEntry, PlanStatus } from '../plan-status.ts'
import { withoutProfiled } from './history.ts'

const mostWarnings = 64
const longestText = 1024
/** Where there are hundreds of streams. */
const shortText = 160
/** Bytes of the status as JSON. An object may have 1.5 MB, spec and record of field managers included. */
export const mostBytes = 800_000
const recordsKept = 2

export function withinBounds(status: RetrainingWindowStatus): RetrainingWindowStatus {
  const { plan } = status
  const bounded = plan === undefined ? status : { ...status, plan: shortened(plan, longestText) }
  // Most sites are far from it, and measuring costs.
  const records = (status.history ?? []).reduce((sum, { streams = [] }) => sum + streams.length, 0)
  if ((plan?.items.length ?? 0) + records < manyItems) return bounded
  const fewer = withFewerRecords(bounded)
  if (plan === undefined || size(fewer) <= mostBytes) return fewer
  return withFewerRecords({ ...bounded, plan: shortened(plan, shortText) }, 1)
}

/** With longest texts so many items and records fit. */
const manyItems = 200

const size = (value: object): number => Buffer.byteLength(JSON.stringify(value))

function withFewerRecords(status: RetrainingWindowStatus, kept = recordsKept): RetrainingWindowStatus {
  const history = [...(status.history ?? [])]
  let over = size(status) - mostBytes
  const giveUp = (i: number, without: HistoryEntry): void => {
    over -= size(history[i]!) - size(without)
    history[i] = without
  }
  for (let i = history.length - 1; i >= kept && over > 0; i--) giveUp(i, withoutProfiled(history[i]!))
  for (let i = history.length - 1; i >= kept && over > 0; i--) {
    const entry = history[i]!
    if (entry.streams === undefined || entry.streams.length === 0) continue
    giveUp(i, leftOut(entry))
  }
  for (let i = Math.min(kept, history.length) - 1; i >= 0 && over > 0; i--)
    giveUp(i, withoutProfiled(history[i]!))
  return { ...status, ...(status.history === undefined ? {} : { history }) }
}

function leftOut({ streams = [], ...entry }: HistoryEntry): HistoryEntry {
  return { ...entry, streamsLeftOut: streams.length }
}

function shortened(plan: PlanStatus, longest: number): PlanStatus {
  const { warnings, items } = plan
  return {
    ...plan,
    items: items.map(item =>
      item.reason === undefined ? item : { ...item, reason: truncateMessage(item.reason, longest) },
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
