/**
 * Micro-profiles (Ekya §4.3): each retraining configuration is trained for a few epochs on a small part of the training data and
 * validated after each, on all validation data; what it would cost on its own data follows from what these few epochs cost.
 *
 * Configurations that differ only in their epochs and their part of the data would train the same few epochs on the same few images, so
 * they share one training. They come in the order that the request gives, else cheap ones first. When budget or time do not suffice for
 * another one the rest is left out: of a configuration without a profile nothing new is known in this window. The first is profiled whatever the budget, unless the time is over.
 */

import { sharedKnobs, sharedTraining } from '../../operator/api/shared-training.ts'
import type { MicroProfile, ProfileWorkerConfig, RetrainingConfiguration } from '../../operator/api/worker.ts'
import { type ImageSet, selectImages } from '../learning/image-set.ts'
import type { Trainer } from '../learning/trainer.ts'
import type { EpochReport, TrainingConfiguration } from '../learning/training.ts'

/** What a training may be told beyond the API's knobs is told its micro-profile as well. */
export type ProfiledConfiguration = RetrainingConfiguration &
  Partial<Omit<TrainingConfiguration, keyof RetrainingConfiguration | 'seed' | 'threads'>>

export interface MicroProfileRequest {
  readonly trainer: Trainer
  readonly configurations: readonly ProfiledConfiguration[]
  readonly microProfiler: ProfileWorkerConfig['microProfiler']
  /** Of the training data, in random order; `trainCount` is the size of the whole. */
  readonly sample: ImageSet
  /**
   * Images of the sample, its first ones, that a training of all layers takes. Where layers are frozen images cost less, so more of the
   * sample is taken for the same GPU-seconds.
   */
  readonly sampled: number
  readonly trainCount: number
  readonly validation: ImageSet
  /** Of a training pod before it comes to its graph: start and model, and each image that it reads. */
  readonly startGpuSeconds: number
  readonly gpuSecondsPerImage: number
  readonly cores: number
  readonly seed: number
  readonly threads: number
  readonly gpuSeconds: () => number
  /** Seconds of what trains, of all its cores where it is a processor. Default: cpu seconds of the process. */
  readonly deviceSeconds?: () => number
  /** Until the profiles are to be there. Absent: there is time for all. */
  readonly secondsLeft?: () => number
  /** Given the best model of each training, with the names of the configurations that it was for. */
  readonly onTrained?: (configurations: readonly string[], model: Uint8Array) => void
}

/** Smallest sample that a micro-profile trains on, whatever its fraction: BatchNormalization needs a batch to speak of. */
const fewestTrained = 32

/** How many of so many training images a micro-profile trains on. */
export const sampleSize = (trainCount: number, fraction: number): number =>
  Math.min(trainCount, Math.max(fewestTrained, Math.round(trainCount * fraction)))

/** What the cheapest micro-profile takes, where a training of all layers takes so many. */
export const largestSample = (sampled: number, trainCount: number): number =>
  Math.min(trainCount, Math.ceil(sampled / trainedPart('head')))

/** What a request says of training data that is in memory as a whole. @param order of its images, at random */
export function sampleOf(
  train: ImageSet,
  order: Int32Array,
  fraction: number,
): Pick<MicroProfileRequest, 'sample' | 'sampled' | 'trainCount'> {
  const sampled = sampleSize(train.count, fraction)
  const sample = selectImages(train, order.subarray(0, largestSample(sampled, train.count)))
  return { sample, sampled, trainCount: train.count }
}

/** @throws LearningError other than LossDiverged, which only rules its configurations out. */
export async function microProfile(
  request: MicroProfileRequest,
  onProgress: (done: number, of: number) => void,
  signal?: AbortSignal,
): Promise<MicroProfile[]> {
  const { configurations, microProfiler, gpuSeconds, secondsLeft = () => Number.POSITIVE_INFINITY } = request
  const { budgetGpuSeconds = Number.POSITIVE_INFINITY } = microProfiler
  const begun = gpuSeconds()
  // Known from here on, so that it is in no group's set-up.
  await request.trainer.accuracy(request.validation)
  const profiles: MicroProfile[] = []
  const setups = new Map<string, number>()
  const inTurn = inOrder(configurations, microProfiler.order ?? [])
  const shared = [...Map.groupBy(inTurn, sharedTraining).values()]
  let [dearest, longest, done] = [0, 0, 0]
  for (const group of shared) {
    onProgress(done, configurations.length)
    const used = gpuSeconds() - begun
    const left = secondsLeft()
    if (left <= longest || (done > 0 && used + dearest > budgetGpuSeconds)) break
    try {
      profiles.push(...(await profileTogether(request, group, setups, signal)))
    } catch (error) {
      if ((error as { code?: string }).code !== 'LossDiverged') throw error
    }
    dearest = Math.max(dearest, gpuSeconds() - begun - used)
    longest = Math.max(longest, left - secondsLeft())
    done += group.length
  }
  return profiles
}

/** By their place in an order of names, those without one last, the cheapest first. */
function inOrder(configurations: readonly ProfiledConfiguration[], order: readonly string[]) {
  const place = ({ name }: ProfiledConfiguration): number => {
    const at = order.indexOf(name)
    return at < 0 ? order.length : at
  }
  return [...configurations].sort((a, b) => place(a) - place(b) || effort(a) - effort(b))
}

/** @param group configurations of the same knobs, at least one. */
async function profileTogether(
  request: MicroProfileRequest,
  group: readonly ProfiledConfiguration[],
  setups: Map<string, number>,
  signal?: AbortSignal,
): Promise<MicroProfile[]> {
  const { trainer, microProfiler, sample, trainCount, validation, seed, threads, cores, deviceSeconds } =
    request
  const knobs = sharedKnobs(group[0]!)
  const taken = Math.min(sample.count, Math.ceil(request.sampled / trainedPart(knobs.trainableLayers)))
  const outcome = await trainer.train(
    {
      train: firstImages(sample, taken),
      validation,
      configuration: { ...knobs, epochs: microProfiler.epochs, dataFraction: 1, seed, threads },
    },
    deviceSeconds === undefined ? {} : { cpuSeconds: deviceSeconds },
    signal,
  )
  request.onTrained?.(
    group.map(({ name }) => name),
    outcome.model,
  )
  // Configurations with the same graph share it here; a training pod builds its own.
  const graph = JSON.stringify([knobs.trainableLayers, knobs.hiddenUnits, knobs.freezeBatchNorm])
  const graphSetup = setups.get(graph) ?? outcome.setupCpuSeconds - outcome.featureCpuSeconds
  setups.set(graph, graphSetup)
  const { stepCpuSeconds, validationCpuSeconds } = epochCost(outcome.epochs)
  const trainedOn = (dataFraction: number): number => Math.max(1, Math.round(trainCount * dataFraction))
  return group.map(({ name, dataFraction }) => ({
    configuration: name,
    points: outcome.epochs.map(
      ({ epoch, validationAccuracy }) => [(epoch * taken) / trainCount, validationAccuracy] as const,
    ),
    gpuSecondsPerEpoch: ((stepCpuSeconds * trainedOn(dataFraction)) / taken + validationCpuSeconds) / cores,
    setupGpuSeconds:
      request.startGpuSeconds +
      (trainCount + validation.count) * request.gpuSecondsPerImage +
      // A training validates the model in use first.
      (graphSetup + (outcome.featureCpuSeconds * trainedOn(dataFraction)) / taken + validationCpuSeconds) /
        cores,
  }))
}

/** Steps go with the data, validation costs the same whatever the data. The first epoch warms up. */
function epochCost(reports: readonly EpochReport[]) {
  const warm = reports.length > 1 ? reports.slice(1) : reports
  return {
    stepCpuSeconds: median(warm.map(report => report.stepCpuSeconds)),
    validationCpuSeconds: median(warm.map(report => report.cpuSeconds - report.stepCpuSeconds)),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** What a configuration costs relative to others, before anything is measured. */
const effort = ({ epochs, dataFraction, trainableLayers }: RetrainingConfiguration): number =>
  epochs * dataFraction * trainedPart(trainableLayers)

/** Of what training all layers costs. */
const trainedPart = (layers: RetrainingConfiguration['trainableLayers']): number =>
  layers === 'all' ? 1 : layers === 'head' ? 0.2 : 0.6

const firstImages = (images: ImageSet, count: number): ImageSet =>
  count === images.count
    ? images
    : selectImages(
        images,
        Array.from({ length: count }, (_, i) => i),
      )
