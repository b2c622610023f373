/** The record of a resize that did not come about, on the pod that goes on instead; when it may be tried again. Pure. */
import type { Amount } from './swap-order.ts'

export interface FailedResize extends Amount {
  /** Index of the window in which it was tried. */
  readonly window: number
  readonly tries: number
  /** `<node>/<index>` of the GPU on which it was tried; absent: the pod's own. */
  readonly gpu?: string
  /** When it was given up last; ISO 8601. */
  readonly at: string
  readonly reason: string
}

/** After the first try, doubled by each further one: a node lets a pod in the next moment; what keeps one from being ready lasts longer. */
const firstPauseMs = { refused: 2_000, other: 15_000 } as const
const longestPauseMs = 600_000

export function recordFailure(
  before: FailedResize | undefined,
  wanted: Amount,
  {
    window,
    now,
    reason,
    gpu,
  }: { readonly window: number; readonly now: number; readonly reason: string; readonly gpu?: string },
): FailedResize {
  const again = before !== undefined && isAbout(before, wanted, window, gpu)
  return {
    units: wanted.units,
    memoryMiB: wanted.memoryMiB,
    window,
    ...(gpu === undefined ? {} : { gpu }),
    tries: again ? before.tries + 1 : 1,
    at: new Date(now).toISOString(),
    reason: reason.slice(0, 500),
  }
}

/** Milliseconds until it may be tried; 0: now. Another share, window or GPU is another matter. */
export function pauseBefore(
  failed: FailedResize | undefined,
  wanted: Amount,
  window: number,
  now: number,
  gpu?: string,
): number {
  if (failed === undefined || !isAbout(failed, wanted, window, gpu)) return 0
  const refused = /UnexpectedAdmissionError|OutOf/.test(failed.reason)
  const pause = firstPauseMs[refused ? 'refused' : 'other'] * 2 ** (failed.tries - 1)
  return Math.max(0, Date.parse(failed.at) + Math.min(pause, longestPauseMs) - now)
}

const isAbout = (failed: FailedResize, wanted: Amount, window: number, gpu: string | undefined): boolean =>
  failed.window === window &&
  failed.gpu === gpu &&
  failed.units === wanted.units &&
  failed.memoryMiB === wanted.memoryMiB

/** As it stands in an annotation; undefined where it is none. */
export function parseFailedResize(text: string | undefined): FailedResize | undefined {
  try {
    const failed = JSON.parse(text ?? '') as FailedResize
    return Number.isInteger(failed.units) &&
      Number.isInteger(failed.window) &&
      Number.isInteger(failed.tries) &&
      Number.isFinite(Date.parse(failed.at))
      ? failed
      : undefined
  } catch {
    return undefined
  }
}
