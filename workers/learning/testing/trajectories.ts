/**
 * Small trainings of whole networks, of which an independent implementation has the losses (hack/reference/loss_trajectories.py).
 * One step an epoch, over all images, so that an epoch's loss is that of the step.
 *
 * Rates are low because batch statistics of so few places amplify rounding. The last maps of mobilenetv2 are one place where images have 32
 * pixels a side: PyTorch's own float32 is then 1.7 % off its float64 in the seventh step, even at 2e-6. With 64 it is 4e-5.
 */
import { architectures } from '../../models/architectures/registry.ts'
import { random } from '../../models/random.ts'
import type { ImageSet } from '../image-set.ts'
import type { TrainingConfiguration } from '../training.ts'

export interface Trajectory {
  readonly name: string
  readonly model: Uint8Array
  readonly images: ImageSet
  readonly configuration: TrainingConfiguration
}

const [classes, count, steps, width] = [4, 12, 7, 0.25]

const networks = [
  { name: 'small-cnn', network: 'small-cnn', learningRate: 0.02 },
  { name: 'resnet18', network: 'resnet18', learningRate: 5e-4 },
  { name: 'mobilenetv2', network: 'mobilenetv2', learningRate: 4e-6, side: 64 },
  { name: 'shufflenetv2', network: 'shufflenetv2', learningRate: 8e-6 },
  { name: 'resnet18, frozen statistics', network: 'resnet18', learningRate: 1e-3, freezeBatchNorm: true },
]

export function trajectories(): Trajectory[] {
  return networks.map(({ name, network, learningRate, freezeBatchNorm = false, side = 32 }, seed) => ({
    name,
    model: architectures[network]!({
      classes,
      seed,
      width,
      shape: { channels: 3, height: side, width: side },
    }),
    images: noise(seed, side),
    configuration: {
      ...{ learningRate, freezeBatchNorm, seed, momentum: 0.9, weightDecay: 5e-4, schedule: 'constant' },
      ...{ epochs: steps, batchSize: count, trainableLayers: 'all', dataFraction: 1 },
      ...{ augment: false, threads: 1 },
    },
  }))
}

function noise(seed: number, side: number): ImageSet {
  const draw = random(seed, 'trajectory')
  return {
    count,
    shape: { channels: 3, height: side, width: side },
    pixels: Uint8Array.from({ length: count * 3 * side * side }, () => draw.integer(256)),
    labels: Int32Array.from({ length: count }, () => draw.integer(classes)),
  }
}
