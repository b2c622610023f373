/**
 * One window of a camera: what each training comes to, and what micro-profiles measure.
 *
 * Every training starts from the same student, as in Ekya's logs, and both trainings and micro-profiles are validated on the same images:
 * what is foretold is what a training does, not what other images bring. Costs are cpu seconds with one thread, from the model's bytes to
 * the last validation; reading images is left out on both sides.
 */
import { type ImageSet, selectImages } from '../../../workers/learning/image-set.ts'
import { createTrainer } from '../../../workers/learning/trainer.ts'
import { random } from '../../../workers/models/random.ts'
import { microProfile, sampleOf } from '../../../workers/profile/micro-profiler.ts'
import type { MicroProfile } from '../../api/worker.ts'
import type { TraceRetraining } from '../../simulate/trace.ts'
import {
  type BaseConfiguration,
  baseConfigurations,
  configurations,
  epochs,
  longest,
  microProfiler,
  nameOf,
  trainedPart,
} from './grid.ts'

export interface TrainedWindow {
  readonly outcomes: readonly TraceRetraining[]
  /** Of the longest training of each configuration, which have the shorter ones in them. */
  readonly sharedGpuSeconds: number
}

export interface WindowImages {
  readonly train: ImageSet
  readonly validation: ImageSet
}

export function splitWindow(images: ImageSet): WindowImages {
  const trained = Math.round(images.count * trainedPart)
  const positions = Array.from({ length: images.count }, (_, i) => i)
  return {
    train: selectImages(images, positions.slice(0, trained)),
    validation: selectImages(images, positions.slice(trained)),
  }
}

export async function trainWindow(
  student: Uint8Array,
  images: WindowImages,
  seed: number,
): Promise<TrainedWindow> {
  const trained = []
  for (const base of baseConfigurations) trained.push(await trainFully(student, images, base, seed))
  return {
    outcomes: trained.flatMap(({ outcomes }) => outcomes),
    sharedGpuSeconds: trained.reduce((sum, { outcomes }) => sum + outcomes.at(-1)!.gpuSeconds, 0),
  }
}

export interface ProfiledWindow {
  readonly profiles: readonly MicroProfile[]
  readonly accuracyBefore: number
  /** Spent on it all. */
  readonly gpuSeconds: number
}

export async function profileWindow(
  student: Uint8Array,
  { train, validation }: WindowImages,
  seed: number,
): Promise<ProfiledWindow> {
  const begun = cpuSeconds()
  const trainer = await createTrainer(student)
  try {
    const startGpuSeconds = cpuSeconds() - begun
    const drawn = random(seed, 'micro-profile').permutation(train.count)
    const profiles = await microProfile(
      {
        trainer,
        configurations,
        microProfiler,
        ...sampleOf(train, drawn, microProfiler.sampleFraction),
        validation,
        startGpuSeconds,
        gpuSecondsPerImage: 0,
        cores: 1,
        seed,
        threads: 1,
        gpuSeconds: cpuSeconds,
      },
      () => {},
    )
    return { profiles, accuracyBefore: await trainer.accuracy(validation), gpuSeconds: cpuSeconds() - begun }
  } finally {
    await trainer.close()
  }
}

interface FullTraining {
  readonly name: string
  readonly outcomes: readonly TraceRetraining[]
}

/** The longest training of a configuration, told after each number of epochs. */
async function trainFully(
  student: Uint8Array,
  { train, validation }: WindowImages,
  { name, ...base }: BaseConfiguration,
  seed: number,
): Promise<FullTraining> {
  const begun = cpuSeconds()
  const trainer = await createTrainer(student)
  try {
    const startGpuSeconds = cpuSeconds() - begun
    const configuration = { ...base, epochs: longest, seed, threads: 1 }
    const outcome = await trainer.train({ train, validation, configuration })
    const outcomes = epochs.map(trained => ({
      configuration: nameOf({ ...base, name }, trained),
      // A training keeps its best weights.
      accuracyAfter: Math.max(...outcome.epochs.slice(0, trained).map(epoch => epoch.validationAccuracy)),
      gpuSeconds: outcome.epochs
        .slice(0, trained)
        .reduce((sum, epoch) => sum + epoch.cpuSeconds, startGpuSeconds + outcome.setupCpuSeconds),
    }))
    return { name, outcomes }
  } finally {
    await trainer.close()
  }
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
