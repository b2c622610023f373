/**
 * A Clock that stands until a test moves it.
 *
 * `advance` runs the timers that fall due, each at its own time, and lets promises settle in between, so that work which
 * waits again is woken again. The wall clock runs `skewMs` off, to show that nothing depends on it.
 */
interface Timer {
  readonly at: number
  readonly callback: () => void
}

export class ManualClock {
  #nowMs = 0
  readonly #skewMs: number
  readonly #timers = new Set<Timer>()

  constructor({ skewMs = 0 }: { skewMs?: number } = {}) {
    this.#skewMs = skewMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  now(): Date {
    return new Date(Date.UTC(2030, 0, 1) + this.#nowMs + this.#skewMs)
  }

  schedule(callback: () => void, delayMs: number): { cancel(): void } {
    const timer = { at: this.#nowMs + Math.max(delayMs, 0), callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  get timers(): number {
    return this.#timers.size
  }

  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs
    await settle()
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.at)
      next.callback()
      await settle()
    }
    this.#nowMs = endMs
  }

  /** Time passes and no timer runs, as while the process is stopped. */
  freeze(byMs: number): void {
    this.#nowMs += byMs
  }

  #next(endMs: number): Timer | undefined {
    let earliest: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= endMs && (!earliest || timer.at < earliest.at)) earliest = timer
    }
    return earliest
  }
}

/** Lets promises that can settle do so. */
export const settle = () => new Promise<void>(resolve => setImmediate(resolve))
