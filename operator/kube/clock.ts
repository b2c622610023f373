/**
 * Time as an argument: whatever waits or measures here takes a Clock, so that tests decide what time it is.
 *
 * Delays beyond 2^31 − 1 ms, which setTimeout would fire at once, are waited for in pieces.
 */
export interface Clock {
  /** Milliseconds on a clock that never steps back or jumps; only differences mean anything. */
  monotonicMs(): number
  /** The wall clock, for stamps that people and other programs read. Nothing is decided by it. */
  now(): Date
  /** Calls back once, after `delayMs`. A background timer does not keep the process alive. */
  schedule(callback: () => void, delayMs: number, options?: { background?: boolean }): Scheduled
}

export interface Scheduled {
  /** Has no effect after the callback ran. */
  cancel(): void
}

const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  now: () => new Date(),
  schedule(callback, delayMs, { background = false } = {}) {
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number) => {
      const pieceMs = Math.min(Math.max(remainingMs, 0), longestTimerMs)
      timer = setTimeout(() => (remainingMs > pieceMs ? arm(remainingMs - pieceMs) : callback()), pieceMs)
      if (background) timer.unref()
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Resolves after `delayMs`; rejects with the signal's reason as soon as that aborts. Leaves no listener behind. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.schedule(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
