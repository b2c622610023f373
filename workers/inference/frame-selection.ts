/**
 * Which frames of a window are kept for labelling: decided beforehand from seed, stream and window alone, so that it depends on
 * nothing that happens meanwhile (load, drops, a restart) and the sample stands for the whole window.
 *
 * The window is cut into equal strata of some ten samples each and the frames are drawn at random, without replacement, within each:
 * evenly spread, and still with pairs at every small distance, from which the labels' coherence in time is estimated.
 */
import { random } from '../models/random.ts'

export interface SelectionRequest {
  readonly seed: number
  readonly stream: string
  /** Index of the window. */
  readonly window: number
  /** Frames in the window. */
  readonly frames: number
  readonly maxSamples: number
}

const samplesPerStratum = 10

/** Frame numbers. All of them if there are no more than `maxSamples`. */
export function selectFrames({
  seed,
  stream,
  window,
  frames,
  maxSamples,
}: SelectionRequest): ReadonlySet<number> {
  const count = Math.min(frames, maxSamples)
  const strata = Math.ceil(count / samplesPerStratum)
  const draw = random(seed, 'samples', stream, window)
  const selected = new Set<number>()
  for (let stratum = 0; stratum < strata; stratum++) {
    const [from, to] = [
      Math.round((stratum * frames) / strata),
      Math.round(((stratum + 1) * frames) / strata),
    ]
    const size = to - from
    // In proportion to the frames, so that no stratum is to give more than it has.
    const wanted = Math.round((to * count) / frames) - Math.round((from * count) / frames)
    // Floyd's sampling: no permutation of a long window.
    const chosen = new Set<number>()
    for (let i = size - wanted; i < size; i++) {
      const candidate = draw.integer(i + 1)
      chosen.add(chosen.has(candidate) ? i : candidate)
    }
    for (const offset of chosen) selected.add(from + offset)
  }
  return selected
}
