/** Which images make up a training step, in what order, and altered how. Everything follows from seed and epoch. */
import { type Random, random } from '../models/random.ts'
import { type Alteration, randomAlteration, unaltered } from './alterations.ts'

export interface Batch {
  /** Positions in the training set. */
  readonly indexes: Int32Array
  readonly alterations: readonly Alteration[]
}

/** Batches of nearly equal size (a batch of a few images would upset BatchNormalization), the larger ones first. */
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
  /** Labels of the training set where every class shall come up alike; absent: every image once. */
  readonly balance?: Int32Array
}

export function epochBatches(plan: EpochPlan): readonly Batch[] {
  const { seed, epoch, count, batchSize, augment, photometric } = plan
  const draw = random(seed, 'epoch', epoch)
  const order = plan.balance === undefined ? draw.permutation(count) : balancedOrder(draw, plan.balance)
  const steps = stepsPerEpoch(count, batchSize)
  const [size, larger] = [Math.floor(count / steps), count % steps]
  return Array.from({ length: steps }, (_, step) => {
    const from = step * size + Math.min(step, larger)
    const indexes = order.subarray(from, from + size + (step < larger ? 1 : 0))
    return {
      indexes,
      alterations: Array.from(indexes, () => (augment ? randomAlteration(draw, photometric) : unaltered)),
    }
  })
}

/** As many images as there are, the classes in turn, each class's images in a random order again and again; shuffled. */
function balancedOrder(draw: Random, labels: Int32Array): Int32Array {
  const classes = [...Map.groupBy(labels.keys(), i => labels[i]!).values()].map(members => {
    const order = draw.permutation(members.length)
    return Array.from(order, i => members[i]!)
  })
  const taken = Int32Array.from(labels, (_, i) => {
    const members = classes[i % classes.length]!
    return members[Math.floor(i / classes.length) % members.length]!
  })
  return draw.permutation(labels.length).map(i => taken[i]!)
}

/** The part of the training set that is used: `fraction` of it, at least one image, drawn by seed. Smaller fractions are subsets of larger ones. */
export function drawFraction(seed: number, count: number, fraction: number): Int32Array {
  return random(seed, 'fraction')
    .permutation(count)
    .subarray(0, Math.max(1, Math.round(count * fraction)))
}
