/** For tests of what consumes frames. */
import type { Clock } from './clock.ts'

/** A clock that stands still until it is moved, or that jumps to whatever is waited for. */
export class ManualClock implements Clock {
  #now: number
  readonly #waiting: { time: number; wake: () => void }[] = []
  readonly #jumps: boolean

  /** @param jumps waiting moves the clock instead of taking time. */
  constructor(now = 0, jumps = false) {
    this.#now = now
    this.#jumps = jumps
  }

  now(): number {
    return this.#now
  }

  /** How many are waiting. */
  get waiting(): number {
    return this.#waiting.length
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      if (this.#waiting[i]!.time <= this.#now) this.#waiting.splice(i, 1)[0]!.wake()
    }
  }

  async sleepUntil(time: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#jumps) this.#now = Math.max(this.#now, time)
    if (time <= this.#now) return
    await new Promise<void>((resolve, reject) => {
      const entry = { time, wake: resolve }
      this.#waiting.push(entry)
      signal?.addEventListener('abort', () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(signal.reason)
      })
    })
  }
}
