/**
 * One piece of work a turn of the event loop. Pages that are asked for at once would otherwise all be made in one turn, and probes, the
 * renewal of the lease and answers of workers would wait for all of them.
 */

/** Resolves when it is the caller's turn, in the order of the calls; what it does without waiting is its turn's work. */
export type Turn = () => Promise<void>

export function createTurns(): Turn {
  const waiting: (() => void)[] = []
  const next = (): void => {
    waiting.shift()!()
    // An immediate that is made in one runs in the next turn, behind timers and what has arrived.
    if (waiting.length > 0) setImmediate(next)
  }
  return () =>
    new Promise(resolve => {
      if (waiting.push(resolve) === 1) setImmediate(next)
    })
}
