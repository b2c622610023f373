/** Shares that move at random from one stream to another, so that each change is a shrink and a grow. */
import type { Random } from '../../workers/models/random.ts'
import type { ResizingSite } from './resizes.ts'

/** Units that tests and benchmarks move at once, or a multiple. */
export const sharesMoveBy = 5

export interface MoveOptions {
  readonly streams: readonly string[]
  readonly draw: Random
  /** Units that are moved at once, or a multiple. */
  readonly moved: number
  /** Units that each stream keeps. */
  readonly least: number
}

export class ShareMoves {
  readonly #gpu: ResizingSite
  readonly #options: MoveOptions
  readonly #shares: Record<string, number>

  constructor(gpu: ResizingSite, options: MoveOptions) {
    const { streams, moved } = options
    this.#gpu = gpu
    this.#options = options
    const part = Math.floor(100 / streams.length / moved) * moved
    this.#shares = Object.fromEntries(streams.map(stream => [stream, part]))
  }

  /** Brings all streams to equal shares. */
  async begin(): Promise<void> {
    await this.#gpu.setShares(this.#shares)
    await this.#gpu.settles(this.#shares, 'the first shares')
  }

  /** Resolves once the node holds both new shares. @returns seconds that took. */
  async next(): Promise<number> {
    const { streams, draw, moved, least } = this.#options
    const shares = this.#shares
    const givers = streams.filter(stream => shares[stream]! - moved >= least)
    const giver = givers[draw.integer(givers.length)]!
    const others = streams.filter(stream => stream !== giver)
    const taker = others[draw.integer(others.length)]!
    const amount = moved * (1 + draw.integer(Math.floor((shares[giver]! - least) / moved)))
    shares[giver]! -= amount
    shares[taker]! += amount
    const begun = performance.now()
    await this.#gpu.setShares(shares)
    await this.#gpu.settles(shares, `${amount} units from ${giver} to ${taker}`)
    return (performance.now() - begun) / 1000
  }
}
