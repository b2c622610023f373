/** The plan as it stands in a RetrainingWindow's status. */
import type { RetrainingWindowStatus } from '../api/generated/types.ts'

export type PlanStatus = NonNullable<RetrainingWindowStatus['plan']>
export type PlanItem = PlanStatus['items'][number]
export type HistoryEntry = NonNullable<RetrainingWindowStatus['history']>[number]
