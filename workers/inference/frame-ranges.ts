/** Numbers of frames as ranges, first and last included: what a window's analysed frames take little room as. */
export type FrameRange = readonly [first: number, last: number]

/** Where a share hardly suffices nearly every frame is a range of its own; so many are not worth keeping. */
const mostRanges = 500

export class FrameRanges {
  readonly #ranges: [number, number][]
  #tooMany: boolean

  /** @param ranges to go on from; undefined: of an unknown past, which cannot be told any more. */
  constructor(ranges: readonly FrameRange[] | undefined) {
    this.#ranges = (ranges ?? []).map(([first, last]) => [first, last])
    this.#tooMany = ranges === undefined
  }

  /** In the order in which frames come. */
  add(frame: number): void {
    const last = this.#ranges.at(-1)
    if (last !== undefined && frame === last[1] + 1) last[1] = frame
    else if (this.#ranges.length < mostRanges) this.#ranges.push([frame, frame])
    else this.#tooMany = true
  }

  /** undefined: there are too many. */
  get list(): readonly FrameRange[] | undefined {
    return this.#tooMany ? undefined : this.#ranges.map(([first, last]) => [first, last] as const)
  }
}
