import { setTimeout as delay } from 'node:timers/promises'

/** Time as frame sources see it: wall-clock milliseconds since the epoch, so that pods agree on when a window begins. */
export interface Clock {
  now(): number
  /** Resolves at `time` or at once if that is past; rejects with the signal's reason. */
  sleepUntil(time: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleepUntil(time, signal) {
    // Timers may fire a millisecond early, and a clock that was set back must not end the wait.
    for (let left = time - Date.now(); left > 0; left = time - Date.now()) {
      await delay(Math.min(left, 60_000), undefined, { signal })
    }
  },
}
