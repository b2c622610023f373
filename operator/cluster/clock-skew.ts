/** How far clocks of nodes are from the operator's, by what their workers say the time is. Pure. */
import { nodeOf } from './pod.ts'
import type { PodSnapshot } from './snapshot.ts'

/** From here on people are told: frames are handed over a second ahead, and windows begin by each node's own clock. */
const toldSkewMs = 1000
/** An answer that took longer says nothing of a second. */
const longestAnswerMs = 1000

/**
 * Milliseconds by which a worker's clock is ahead; negative: behind. At least so many: what the answer took is given to the clock. Undefined:
 * it cannot be told.
 *
 * @param said RFC 3339, by the worker's clock.
 * @param asked when it was asked and had answered, by the operator's, in milliseconds since the epoch.
 */
export function skewOf(
  said: string | undefined,
  asked: { readonly from: number; readonly to: number },
): number | undefined {
  const time = Date.parse(said ?? '')
  if (Number.isNaN(time) || asked.to - asked.from > longestAnswerMs) return undefined
  if (time > asked.to) return time - asked.to
  return time < asked.from ? time - asked.from : 0
}

/** Answers take now longer, now shorter: a clock that did not change would be told in other words again and again. */
const jitterMs = 200

/** What is known of a clock after another answer. @param said what that answer tells of it; undefined: nothing. */
export function steadySkew(before: number | undefined, said: number | undefined): number | undefined {
  if (said === undefined) return before
  return before !== undefined && Math.abs(said - before) <= jitterMs ? before : said
}

/** Of the pods' clocks of which it is known, that which is furthest ahead; most often all are one node's. 0: it is known of none. */
export function furthestAhead(pods: readonly (Pick<PodSnapshot, 'clockAheadMs'> | undefined)[]): number {
  const known = pods.flatMap(pod => pod?.clockAheadMs ?? [])
  return known.length === 0 ? 0 : Math.max(...known)
}

export const isSkewed = (aheadMs: number | undefined): boolean => Math.abs(aheadMs ?? 0) >= toldSkewMs

/** A sentence for each node whose clock is off by a second or more, in the order of their names. */
export function skewedClocks(pods: readonly PodSnapshot[]): readonly string[] {
  const off = new Map<string, number>()
  for (const pod of pods) {
    const { clockAheadMs: ahead = 0, finished } = pod
    const node = nodeOf(pod)
    if (node === undefined || finished || !isSkewed(ahead)) continue
    if (Math.abs(ahead) > Math.abs(off.get(node) ?? 0)) off.set(node, ahead)
  }
  return [...off].sort(([a], [b]) => (a < b ? -1 : 1)).map(([node, ahead]) => skewSentence(node, ahead))
}

export const skewSentence = (node: string, aheadMs: number): string =>
  `the clock of node ${node} is ${span(Math.abs(aheadMs) / 1000)} ${aheadMs > 0 ? 'ahead of' : 'behind'} the operator's`

/** In few digits, so that it stays the same from one look to the next. */
function span(seconds: number): string {
  if (seconds < 120) return `about ${Math.round(seconds)} s`
  return seconds < 7200 ? `about ${Math.round(seconds / 60)} min` : `about ${Math.round(seconds / 3600)} h`
}
