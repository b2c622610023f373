/**
 * What one analysed frame costs, in GPU-seconds: all that the process used over a block of frames, divided by the frames of the block
 * that were analysed. So it includes rendering or decoding, keeping samples and answering requests: what the pod really needs.
 */

const blockFrames = 32
/** The first block, so that there is a value soon; the code is not warm then, and the second block replaces it. */
const firstBlockFrames = 8
/** Weight of a new block in the moving average. */
const blend = 0.25

export class FrameCost {
  readonly #gpuSeconds: () => number
  #blocks = 0
  #frames = 0
  #since: number
  #value: number | null = null

  constructor(gpuSeconds: () => number) {
    this.#gpuSeconds = gpuSeconds
    this.#since = gpuSeconds()
  }

  /** GPU-seconds for one analysed frame; null before the first block is full. */
  get value(): number | null {
    return this.#value
  }

  analysed(): void {
    if (++this.#frames < (this.#blocks === 0 ? firstBlockFrames : blockFrames)) return
    const now = this.#gpuSeconds()
    const cost = (now - this.#since) / this.#frames
    this.#value =
      this.#value === null || this.#blocks === 1 ? cost : this.#value + blend * (cost - this.#value)
    this.#blocks++
    this.#frames = 0
    this.#since = now
  }

  /** Something that no frame needs used the processor (a model was loaded): the block begins again. */
  interrupt(): void {
    this.#frames = 0
    this.#since = this.#gpuSeconds()
  }
}
