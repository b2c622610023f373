/** Which images make up a training step, in what order, and altered how. Everything follows from seed and epoch. */
import { random } from '../models/random.ts'
import { type Alteration, randomAlteration, unaltered } from './alterations.ts'

export interface Batch {
  /** Positions in the training set. */
  readonly indexes: Int32Array
  readonly alterations: readonly Alteration[]
}

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
  /** Strength of changes of light, 0 for none. */
  readonly photometric: number
}

export function epochBatches(plan: EpochPlan): readonly Batch[] {
  const { seed, epoch, count, batchSize, augment, photometric } = plan
  const draw = random(seed, 'epoch', epoch)
  const order = draw.permutation(count)
  const steps = stepsPerEpoch(count, batchSize)
  return Array.from({ length: steps }, (_, step) => {
    const indexes = order.subarray(
      Math.floor((step * count) / steps),
      Math.floor(((step + 1) * count) / steps),
    )
    return {
      indexes,
      alterations: Array.from(indexes, () => (augment ? randomAlteration(draw, photometric) : unaltered)),
    }
  })
}

/** The part of the training set that is used: `fraction` of it, at least one image, drawn by seed. Smaller fractions are subsets of larger ones. */
export function drawFraction(seed: number, count: number, fraction: number): Int32Array {
  return random(seed, 'fraction')
    .permutation(count)
    .subarray(0, Math.max(1, Math.round(count * fraction)))
}
