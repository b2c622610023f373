/**
 * Trainings that stand still: their pods answer, and for long neither end an epoch nor do any work, as where storage hangs or a GPU's context is
 * dead. Work is what processor and GPU have done, and no cost: that of a GPU goes on by the clock. One that gets less than its share is slow and not stuck, and one that does not answer may be doing well: both are left
 * to the end of the window. Pure.
 */
import type { PodSnapshot } from '../../cluster/snapshot.ts'
import type { TrailMark } from '../../cluster/training-trail.ts'
import { completionSeconds, type ThroughputCurve } from '../../scheduler/training-speed.ts'
import type { PlanItem } from '../plan-status.ts'

/** So many epochs' time, within these bounds. */
const epochs = 3
const leastSeconds = 60
const mostSeconds = 600
/** Who does less than this a second stands still: answering alone costs something, too, and the smallest share of a core is not much more. */
const idleRate = 0.01

/** Why a training is given up, as a sentence; undefined: it is not. */
export function stuckFor(
  item: PlanItem,
  { trail = [], status }: Pick<PodSnapshot, 'trail' | 'status'>,
  curve?: ThroughputCurve,
): string | undefined {
  const share = item.trainingShare ?? 0
  const last = trail.at(-1)
  if (share <= 0 || last === undefined || status?.role !== 'training') return undefined
  const left = status.epochs - status.epoch
  const epochCost =
    status.remainingGpuSeconds !== null && left > 0
      ? status.remainingGpuSeconds / left
      : (item.gpuSeconds ?? 0) / Math.max(1, status.epochs)
  const epochSeconds = completionSeconds(epochCost, share, curve)
  const seconds = Math.min(mostSeconds, Math.max(leastSeconds, epochs * epochSeconds))
  const since = trail.findLast(({ at }) => at <= last.at - seconds * 1000)
  if (since === undefined || !standsStill(since, last)) return undefined
  const stood = Math.round((last.at - since.at) / 1000)
  const where = last.phase === 'loading' ? 'while it loads its data' : `after ${last.epoch} epochs`
  return `it has stood still for ${stood} s ${where}, where an epoch takes about ${epochSeconds.toFixed(0)} s`
}

function standsStill(since: TrailMark, last: TrailMark): boolean {
  if (last.phase !== since.phase || last.epoch !== since.epoch) return false
  if (last.phase !== 'loading' && last.phase !== 'training') return false
  const seconds = (last.at - since.at) / 1000
  if (since.workSeconds === undefined || last.workSeconds === undefined) return false
  return last.workSeconds - since.workSeconds < idleRate * seconds
}
