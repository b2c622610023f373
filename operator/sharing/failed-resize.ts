/** The record of a resize that did not come about, on the pod that goes on instead; whether it may be tried again. Pure. */
import type { Amount } from './swap-order.ts'

export interface FailedResize extends Amount {
  /** Index of the window in which it was tried. */
  readonly window: number
  readonly tries: number
  readonly reason: string
}

/** A pod that its node refused may be let in the next time; one that does not get ready will not get ready so soon. */
const triesOf = { refused: 3, other: 1 } as const

export function recordFailure(
  before: FailedResize | undefined,
  wanted: Amount,
  window: number,
  reason: string,
): FailedResize {
  const again = before !== undefined && isAbout(before, wanted, window)
  return {
    units: wanted.units,
    memoryMiB: wanted.memoryMiB,
    window,
    tries: again ? before.tries + 1 : 1,
    reason: reason.slice(0, 500),
  }
}

/** In the same window the same is not tried without end. */
export function mayTry(before: FailedResize | undefined, wanted: Amount, window: number): boolean {
  if (before === undefined || !isAbout(before, wanted, window)) return true
  const refused = /UnexpectedAdmissionError|OutOf/.test(before.reason)
  return before.tries < (refused ? triesOf.refused : triesOf.other)
}

const isAbout = (failed: FailedResize, wanted: Amount, window: number): boolean =>
  failed.window === window && failed.units === wanted.units && failed.memoryMiB === wanted.memoryMiB

/** As it stands in an annotation; undefined where it is none. */
export function parseFailedResize(text: string | undefined): FailedResize | undefined {
  try {
    const failed = JSON.parse(text ?? '') as FailedResize
    return Number.isInteger(failed.units) && Number.isInteger(failed.window) && Number.isInteger(failed.tries)
      ? failed
      : undefined
  } catch {
    return undefined
  }
}
