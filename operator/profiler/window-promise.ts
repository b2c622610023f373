/**
 * What is promised of a window's accuracy: what the plan comes to, less what such plans have been off by at this site.
 *
 * A plan is made of the best of several estimates, and the best is often the luckiest; scenes go on drifting after they were measured.
 * Both make plans promise too much, by how much depends on the scenes, and the windows that are over tell. Policies do not see it: it is
 * the same for all their choices.
 */
import { meanTowardsZero } from './shrunken-mean.ts'

/** A stream's window that is over. */
export interface PastPromise {
  /** In [0, 1], as it was promised. */
  readonly predicted: number
  readonly realised: number
}

/**
 * Promises that count as much as the assumption that they are right on average: one window is off by some three times of what a whole site
 * is. How far streams of one site differ in it does not show beside that, so they are not told apart. Promises of the past held the
 * correction of their day, so a constant error is made good in part, never overshot.
 */
const assumed = 8
const mostCorrection = 0.1

/** @returns in [0, 1] */
export function windowPromise(predicted: number, past: readonly PastPromise[]): number {
  const error = meanTowardsZero(
    past.map(each => each.realised - each.predicted),
    assumed,
  )
  const correction = Math.min(mostCorrection, Math.max(-mostCorrection, error))
  return Math.min(1, Math.max(0, predicted + correction))
}
