/** What a training pod said of itself in the last minutes, every few seconds: by it one that stands still is known from one that is slow. */
import type { TrainingStatus } from '../api/worker.ts'

export interface TrailMark {
  /** Milliseconds since the epoch, by the operator's clock. */
  readonly at: number
  readonly phase: TrainingStatus['phase']
  readonly epoch: number
  /** Absent: the worker does not tell. */
  readonly workSeconds?: number
}

const everyMs = 5000
export const trailMs = 660_000

/** With what it says now as the last mark. */
export function withMark(
  trail: readonly TrailMark[],
  { phase, epoch, workSeconds }: Pick<TrainingStatus, 'phase' | 'epoch' | 'workSeconds'>,
  at: number,
): readonly TrailMark[] {
  const mark = { at, phase, epoch, ...(workSeconds === undefined ? {} : { workSeconds }) }
  const kept = trail.filter(each => each.at >= at - trailMs)
  const [before, last] = kept.slice(-2)
  // The last mark moves on until it is far enough from the one before it.
  return last !== undefined && before !== undefined && last.at - before.at < everyMs
    ? [...kept.slice(0, -1), mark]
    : [...kept, mark]
}
