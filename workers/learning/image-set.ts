/** Labelled images in memory, as bytes: N × C × H × W, RGB. */
import type { ImageShape } from '../models/build.ts'

export type { ImageShape }

export interface ImageSet {
  readonly count: number
  readonly shape: ImageShape
  /** count × channels × height × width. */
  readonly pixels: Uint8Array
  /** Class of each image, in [0, classes). */
  readonly labels: Int32Array
  /** How much each image counts in training, above 0. Absent: all alike. */
  readonly weights?: Float32Array
}

export const imageBytes = ({ channels, height, width }: ImageShape): number => channels * height * width

/** The images at `indexes`, copied. */
export function selectImages(set: ImageSet, indexes: ArrayLike<number>): ImageSet {
  const size = imageBytes(set.shape)
  const pixels = new Uint8Array(indexes.length * size)
  const labels = new Int32Array(indexes.length)
  for (let i = 0; i < indexes.length; i++) {
    const from = indexes[i]!
    pixels.set(set.pixels.subarray(from * size, (from + 1) * size), i * size)
    labels[i] = set.labels[from]!
  }
  const weights = set.weights && Float32Array.from(indexes, from => set.weights![from]!)
  return { count: indexes.length, shape: set.shape, pixels, labels, ...(weights ? { weights } : {}) }
}

/** All sets one after the other. Their shapes are equal. */
export function concatImages(sets: readonly [ImageSet, ...ImageSet[]]): ImageSet {
  const size = imageBytes(sets[0].shape)
  const count = sets.reduce((sum, set) => sum + set.count, 0)
  const pixels = new Uint8Array(count * size)
  const labels = new Int32Array(count)
  let at = 0
  for (const set of sets) {
    if (imageBytes(set.shape) !== size)
      throw new RangeError('image sets of different shapes cannot be joined')
    pixels.set(set.pixels.subarray(0, set.count * size), at * size)
    labels.set(set.labels.subarray(0, set.count), at)
    at += set.count
  }
  const joined = { count, shape: sets[0].shape, pixels, labels }
  if (sets.every(set => set.weights === undefined)) return joined
  return { ...joined, weights: Float32Array.from(sets.flatMap(weightsOf)) }
}

/** Each image counting so much, whatever it did before. */
export const weighted = (set: ImageSet, weight: number): ImageSet => ({
  ...set,
  weights: new Float32Array(set.count).fill(weight),
})

const weightsOf = (set: ImageSet): number[] => Array.from(set.weights ?? new Float32Array(set.count).fill(1))
