/**
 * What becomes of a frame, in the order in which they are due.
 *
 *   skipped   fewer than frameInterval frames since the last one analysed
 *   dropped   its turn, but it is too late: newer frames are due already, and analysing every late frame would only fall behind further
 *   analysed  otherwise
 *
 * "Too late" is one frame period, but at least `patienceMs`: a cpu limit stops a process for up to a scheduler period (100 ms) at a
 * time even where the share suffices on average, and what piles up in such a pause is worked off before the next.
 */
export type FrameResult = 'analysed' | 'skipped' | 'dropped'

export const patienceMs = 200

export interface FrameDecisionInput {
  /** How far behind its due time the frame is, in milliseconds. */
  readonly lateMs: number
  readonly frameRate: number
  readonly frameInterval: number
  /** Frames offered since the last analysed one, this one included; infinite before the first. */
  readonly sinceAnalysed: number
}

export function decideFrame({
  lateMs,
  frameRate,
  frameInterval,
  sinceAnalysed,
}: FrameDecisionInput): FrameResult {
  if (sinceAnalysed < frameInterval) return 'skipped'
  return lateMs > Math.max(1000 / frameRate, patienceMs) ? 'dropped' : 'analysed'
}
