/** The plan as it stands in a RetrainingWindow's status. */
import type { CameraStream, RetrainingWindowStatus } from '../api/generated/types.ts'
import { rollbackOf } from '../api/requests.ts'

export type PlanStatus = NonNullable<RetrainingWindowStatus['plan']>
export type PlanItem = PlanStatus['items'][number]
export type HistoryEntry = NonNullable<RetrainingWindowStatus['history']>[number]

/** Whether a planned training starts from the model that the stream's spec asks for; it may name another one since. */
export const startedFromSpec = ({ initialUri }: PlanItem, { spec }: CameraStream): boolean =>
  initialUri === undefined || initialUri === spec.model.uri

/** Whether people have gone back to an earlier model since a training was planned. */
export function rolledBackSince(item: PlanItem, stream: CameraStream): boolean {
  const rollback = rollbackOf(stream)
  return rollback !== undefined && item.rollback !== rollback.value
}

/** True for items whose retraining is planned or runs. */
export function trains(item: PlanItem): boolean {
  return item.retrainingConfiguration !== undefined && (item.state === 'Planned' || item.state === 'Training')
}
