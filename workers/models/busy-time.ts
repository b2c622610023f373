/** How long anything was at work: pieces of work that overlap count once. */
export class BusyTime {
  readonly #now: () => number
  #under = 0
  #since = 0
  #total = 0

  /** @param now monotonic seconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Work under way included. */
  seconds(): number {
    return this.#total + (this.#under > 0 ? this.#now() - this.#since : 0)
  }

  /** Of pieces that have come to an end; a piece that hangs does not count. */
  endedSeconds(): number {
    return this.#total
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#under++ === 0) this.#since = this.#now()
    try {
      return await work()
    } finally {
      if (--this.#under === 0) this.#total += this.#now() - this.#since
    }
  }
}
