/** Which images make up a training step, in what order, and how each is altered. Everything follows from seed and epoch. */
import { type Random, random } from '../models/random.ts'
import type { ImageShape } from './image-set.ts'

export interface Batch {
  /** Positions in the training set. */
  readonly indexes: Int32Array
  readonly alterations: readonly Alteration[]
}

export interface Alteration {
  readonly flip: boolean
  /** Pixels by which the image moves to the right and down; the edge is repeated. */
  readonly right: number
  readonly down: number
}

export const unaltered: Alteration = { flip: false, right: 0, down: 0 }
const largestShift = 2

/** Batches of nearly equal size (a batch of a few images would upset BatchNormalization). */
export function stepsPerEpoch(count: number, batchSize: number): number {
  return Math.max(1, Math.ceil(count / batchSize))
}

export interface EpochPlan {
  readonly seed: number
  /** From 1. */
  readonly epoch: number
  readonly count: number
  readonly batchSize: number
  readonly augment: boolean
}

export function epochBatches({ seed, epoch, count, batchSize, augment }: EpochPlan): readonly Batch[] {
  const draw = random(seed, 'epoch', epoch)
  const order = draw.permutation(count)
  const steps = stepsPerEpoch(count, batchSize)
  return Array.from({ length: steps }, (_, step) => {
    const indexes = order.subarray(
      Math.floor((step * count) / steps),
      Math.floor(((step + 1) * count) / steps),
    )
    return { indexes, alterations: Array.from(indexes, () => (augment ? alteration(draw) : unaltered)) }
  })
}

function alteration(draw: Random): Alteration {
  const shift = (): number => draw.integer(2 * largestShift + 1) - largestShift
  return { flip: draw.next() < 0.5, right: shift(), down: shift() }
}

/** The part of the training set that is used: `fraction` of it, at least one image, drawn by seed. Smaller fractions are subsets of larger ones. */
export function drawFraction(seed: number, count: number, fraction: number): Int32Array {
  return random(seed, 'fraction')
    .permutation(count)
    .subarray(0, Math.max(1, Math.round(count * fraction)))
}

/** Copies one image, altered, as floats. `scale` maps bytes to floats. */
export function alterImage(
  from: Uint8Array,
  { channels, height, width }: ImageShape,
  { flip, right, down }: Alteration,
  scale: Float32Array,
  into: Float32Array,
  offset: number,
): void {
  let at = offset
  for (let channel = 0; channel < channels; channel++)
    for (let y = 0; y < height; y++) {
      const row = (channel * height + clamp(y - down, height)) * width
      for (let x = 0; x < width; x++) {
        const column = clamp(x - right, width)
        into[at++] = scale[from[row + (flip ? width - 1 - column : column)]!]!
      }
    }
}

const clamp = (place: number, size: number): number => (place < 0 ? 0 : place >= size ? size - 1 : place)
