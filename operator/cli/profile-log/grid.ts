/**
 * What a profile log tries on each window of a camera: Ekya's own six configurations (its hyperparameter sets 0 to 5: the head or all layers,
 * on a tenth, half or all of the data), each for 5, 15 and 30 epochs.
 *
 * The schedule looks back only, so a training of 30 epochs has the shorter ones in it: they are its states after 5 and 15 epochs.
 */
import type { ProfiledConfiguration } from '../../../workers/profile/micro-profiler.ts'

export const epochs = [5, 15, 30] as const
export const longest = 30

/** Without their epochs. */
export interface BaseConfiguration extends Omit<ProfiledConfiguration, 'epochs'> {}

const layers = [
  { trainableLayers: 'head', learningRate: 0.05 },
  { trainableLayers: 'all', learningRate: 0.02 },
] as const
const fractions = [0.1, 0.5, 1] as const

export const baseConfigurations: readonly BaseConfiguration[] = layers.flatMap(knobs =>
  fractions.map(dataFraction => ({
    ...knobs,
    name: `${knobs.trainableLayers}-${100 * dataFraction}pct`,
    batchSize: 32,
    dataFraction,
    schedule: 'plateau' as const,
  })),
)

export const nameOf = ({ name }: BaseConfiguration, trained: number): string => `${name}-${trained}`

/** All, one for each number of epochs. */
export const configurations: readonly ProfiledConfiguration[] = baseConfigurations.flatMap(base =>
  epochs.map(trained => ({ ...base, name: nameOf(base, trained), epochs: trained })),
)

/**
 * More images than a RetrainingWindow's default, for fewer epochs: at the same cost a tenth of 200 images tells less. Chosen on the sampled
 * cameras, so that micro-profiles cost less than a twentieth of the trainings.
 */
export const microProfiler = { epochs: 3, sampleFraction: 0.4 } as const

/** The student's pretraining. */
export const pretraining = {
  epochs: 25,
  batchSize: 64,
  learningRate: 0.05,
  momentum: 0.9,
  trainableLayers: 'all',
  dataFraction: 1,
  photometric: 0,
  seed: 0,
  threads: 1,
} as const

/** Part of a window's images, its first ones, that is trained on; the others are validated on. */
export const trainedPart = 2 / 3
