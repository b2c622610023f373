/**
 * Small trainings of whole networks, of which an independent implementation has the losses (hack/reference/loss_trajectories.py).
 * One step an epoch, over all images, so that an epoch's loss is that of the step.
 *
 * Rates are low because batch statistics of so few places amplify rounding: at 3e-5 PyTorch's own float32 is 0.4 % off its float64 in
 * mobilenetv2's fourth step and 35 % in the tenth.
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

const [classes, count, steps, side, width] = [4, 12, 7, 32, 0.25]

const networks = [
  { name: 'small-cnn', network: 'small-cnn', learningRate: 0.02 },
  { name: 'resnet18', network: 'resnet18', learningRate: 5e-4 },
  { name: 'mobilenetv2', network: 'mobilenetv2', learningRate: 4e-6 },
  { name: 'shufflenetv2', network: 'shufflenetv2', learningRate: 8e-6 },
  { name: 'resnet18, frozen statistics', network: 'resnet18', learningRate: 1e-3, freezeBatchNorm: true },
]

export function trajectories(): Trajectory[] {
  return networks.map(({ name, network, learningRate, freezeBatchNorm = false }, seed) => ({
    name,
    model: architectures[network]!({ classes, seed, width }),
    images: noise(seed),
    configuration: {
      ...{ learningRate, freezeBatchNorm, seed, momentum: 0.9, weightDecay: 5e-4, schedule: 'constant' },
      ...{ epochs: steps, batchSize: count, trainableLayers: 'all', dataFraction: 1 },
      ...{ augment: false, threads: 1 },
    },
  }))
}

function noise(seed: number): ImageSet {
  const draw = random(seed, 'trajectory')
  return {
    count,
    shape: { channels: 3, height: side, width: side },
    pixels: Uint8Array.from({ length: count * 3 * side * side }, () => draw.integer(256)),
    labels: Int32Array.from({ length: count }, () => draw.integer(classes)),
  }
}
