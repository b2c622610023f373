/** Time from a frame's due moment to its result: quantiles over the last frames that were analysed. */
export class Latencies {
  readonly #seconds: Float64Array
  #count = 0

  constructor(size = 512) {
    this.#seconds = new Float64Array(size)
  }

  add(seconds: number): void {
    this.#seconds[this.#count++ % this.#seconds.length] = seconds
  }

  quantiles(): { readonly p50: number; readonly p95: number } | null {
    const count = Math.min(this.#count, this.#seconds.length)
    if (count === 0) return null
    const sorted = this.#seconds.slice(0, count).sort()
    const at = (q: number): number => sorted[Math.min(count - 1, Math.floor(q * count))]!
    return { p50: at(0.5), p95: at(0.95) }
  }
}
