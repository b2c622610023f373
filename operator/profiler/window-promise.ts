/**
 * What is promised of a window's accuracy: what the plan comes to, less what such plans have been off by at this site.
 *
 * A plan is made of the best of several estimates, and the best is often the luckiest; scenes go on drifting after they were measured.
 * Both make plans promise too much, by how much depends on the scenes, and the windows that are over tell. Policies do not see it: it is
 * the same for all their choices.
 */
import { shrunkenMean } from './shrunken-mean.ts'

/** A stream's window that is over. */
export interface PastPromise {
  /** Of the stream that is asked about, and not of another one. */
  readonly own: boolean
  /** In [0, 1], as it was promised. */
  readonly predicted: number
  readonly realised: number
}

/** Promises of the past held the correction of their day, so a constant error is made good in part, never overshot. */
const shrinkage = { all: 4, own: 8 } as const
const mostCorrection = 0.1

/** @returns in [0, 1] */
export function windowPromise(predicted: number, past: readonly PastPromise[]): number {
  const errors = past.map(each => ({ own: each.own, error: each.realised - each.predicted }))
  const correction = Math.min(mostCorrection, Math.max(-mostCorrection, shrunkenMean(errors, shrinkage)))
  return Math.min(1, Math.max(0, predicted + correction))
}
