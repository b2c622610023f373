/** The built-in models of the generated street: where they lie, and how they are made. */
import { fileURLToPath } from 'node:url'
import type { TrainingConfiguration } from '../../workers/learning/training.ts'
import type { SmallCnnOptions } from '../../workers/models/architectures/small-cnn.ts'
import type { Glimpse } from './scene-images.ts'
import { manyStreets } from './scene-images.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export const studentFile = here('scene-student.onnx')
export const goldenFile = here('scene-golden.onnx')
export const manifestFile = here('manifest.json')

export interface Recipe {
  readonly file: string
  readonly about: string
  readonly network: Omit<SmallCnnOptions, 'classes'> & {
    readonly shape: { channels: number; height: number; width: number }
  }
  readonly training: TrainingConfiguration
  readonly train: () => Glimpse[]
  readonly validation: () => Glimpse[]
}

/** Demo and test cameras have small seeds; what the models learn from has seeds of its own. */
const studentSeeds = 100_000
const goldenSeeds = 200_000
export const testSeeds = 300_000

/** Knows the plain day and nothing else, as a model that was trained once in a laboratory. */
export const student: Recipe = {
  file: studentFile,
  about: 'student: pretrained on plain streets',
  network: { seed: 1, widths: [32, 64, 128], shape: { channels: 3, height: 32, width: 32 } },
  training: {
    epochs: 8,
    batchSize: 64,
    learningRate: 0.05,
    momentum: 0.9,
    trainableLayers: 'all',
    photometric: 0,
    dataFraction: 1,
    seed: 1,
    threads: 1,
  },
  train: () => manyStreets('plain', studentSeeds, { streets: 60, perStreet: 100, horizonSeconds: 600 }),
  validation: () =>
    manyStreets('plain', studentSeeds + 5000, { streets: 20, perStreet: 30, horizonSeconds: 600 }),
}

/** Has seen every light, weather and view. */
export const golden: Recipe = {
  file: goldenFile,
  about: 'golden model: trained on drifting streets',
  network: { seed: 2, widths: [16, 32, 64, 96], shape: { channels: 3, height: 64, width: 64 } },
  training: {
    epochs: 12,
    batchSize: 64,
    learningRate: 0.05,
    momentum: 0.9,
    trainableLayers: 'all',
    photometric: 0.2,
    dataFraction: 1,
    seed: 2,
    threads: 1,
  },
  train: () => manyStreets('street', goldenSeeds, { streets: 400, perStreet: 40, horizonSeconds: 1800 }),
  validation: () =>
    manyStreets('street', goldenSeeds + 5000, { streets: 60, perStreet: 15, horizonSeconds: 1800 }),
}
