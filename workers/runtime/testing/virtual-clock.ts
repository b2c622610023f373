import type { Clock } from '../../frames/clock.ts'

/** Time that passes only where someone sleeps or `spend`s it: a window of minutes is over in milliseconds. */
export class VirtualClock implements Clock {
  #now: number

  constructor(start = Date.parse('2030-01-01T00:00:00Z')) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  spend(milliseconds: number): void {
    this.#now += milliseconds
  }

  async sleepUntil(time: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.#now = Math.max(this.#now, time)
    await new Promise(resolve => setImmediate(resolve))
    signal?.throwIfAborted()
  }
}
