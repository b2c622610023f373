/** The plan as it stands in a RetrainingWindow's status. */
import type { CameraStream, RetrainingWindowStatus } from '../api/generated/types.ts'
import { rollbackOf } from '../api/requests.ts'
import type { PodSnapshot } from '../cluster/snapshot.ts'

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

export const hasEndedWell = (training: PodSnapshot | undefined): boolean =>
  training?.result?.kind === 'training' && training.result.error === undefined

/** Whether a pod is what a fault of its GPU has left of a training, for which another pod is to be made. */
export const beginsAgain = ({ state, faults = 0 }: PlanItem, training: PodSnapshot): boolean =>
  state === 'Planned' &&
  faults > 0 &&
  (training.terminating || (training.finished && !hasEndedWell(training)))
