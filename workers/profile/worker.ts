/**
 * The profile worker: labels the last window's sample, measures what was served, and micro-profiles the retraining configurations.
 * What has been kept of the running window by then is labelled and validated on as well: it tells where a drifting scene has got to, and
 * at the end what the micro-profiles' models are worth there.
 *
 *   loading ──▶ labeling ──▶ profiling ──▶ done
 *      └──────────┴────────────┴──▶ failed: the result carries the error, and all that was measured before it
 */
import { join } from 'node:path'
import { samplesFolder } from '../../operator/api/storage.ts'
import type { ProfileResult, ProfileStatus, ProfileWorkerConfig } from '../../operator/api/worker.ts'
import { loadImages } from '../frames/images.ts'
import { concatImages, type ImageSet, selectImages } from '../learning/image-set.ts'
import { accuracyOf } from '../learning/matches.ts'
import type { Trainer } from '../learning/trainer.ts'
import { type Classifier, loadClassifier, openClassifier } from '../models/classifier.ts'
import { random } from '../models/random.ts'
import { resolveModel } from '../models/store.ts'
import { failureOf, WorkerFailure } from '../runtime/failure.ts'
import { deviceSeconds } from '../runtime/gpu-meter.ts'
import { readHistory, type Split, splitAtPresent, withoutRepeated } from '../runtime/labelled-data.ts'
import type { Outcome, Worker, WorkerContext } from '../runtime/run-worker.ts'
import { type KeptFrame, pruneSamples, readFrames, readSummary } from '../runtime/sample-folder.ts'
import { checkShare } from '../runtime/share-check.ts'
import { loadStudent, trainingThreads } from '../runtime/student.ts'
import { classMix, coherence } from './coherence.ts'
import { independentLabels } from './independent-labels.ts'
import {
  type LabelingRequest,
  type LabelledFrame,
  type LabelledFrames,
  labelFrames,
  writeLabels,
} from './labeling.ts'
import { microProfile, sampleSize } from './micro-profiler.ts'
import { encodeProfileResult } from './result.ts'

/** Fewer labels say nothing about accuracy. */
const fewestLabels = 20
/** What is assumed of a class weighs as much as so many labels of it. */
const assumedLabels = 4
/** Windows of samples that are kept beyond those trained on. */
const spareWindows = 2

interface ProfileData {
  readonly split: Split<LabelledFrame>
  /** The images of its validation part. */
  readonly validation: ImageSet
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

export class ProfileWorker implements Worker {
  readonly #context: WorkerContext<ProfileWorkerConfig>
  readonly #result: Mutable<ProfileResult>
  /** Of the micro-profiles, with the configurations that they were for. */
  readonly #profiled: { readonly configurations: readonly string[]; readonly model: Uint8Array }[] = []
  #phase: ProfileStatus['phase'] = 'loading'
  #progress = 0

  constructor(context: WorkerContext<ProfileWorkerConfig>) {
    this.#context = context
    const { window, samplesWindow } = context.config
    this.#result = {
      kind: 'profile',
      window,
      samplesWindow,
      labelled: 0,
      refused: 0,
      gpuSeconds: 0,
      profiles: [],
    }
    context.metrics.gauge('ekya_profile_progress_ratio', 'How far the profiling is.', [], () => [
      [{}, this.#progress],
    ])
  }

  status(): ProfileStatus {
    const { stream, window } = this.#context.config
    const { error } = this.#result
    return {
      role: 'profile',
      stream,
      window,
      phase: this.#phase,
      progress: this.#progress,
      ...(error ? { error } : {}),
    }
  }

  awaiting(): readonly string[] {
    return this.#phase === 'loading' ? ['models and samples are loaded'] : []
  }

  async run(signal: AbortSignal): Promise<Outcome> {
    const { log, meter } = this.#context
    const result = this.#result
    try {
      await this.#profile(signal)
      this.#enter('done', 1)
    } catch (error) {
      result.error = failureOf(signal.aborted ? signal.reason : error)
      this.#enter('failed', this.#progress)
      log.error({ code: result.error.code, err: error }, result.error.message)
    }
    // Also where nothing could be profiled: samples of windows long ago must not fill the disk.
    const { storage, samplesWindow, historyWindows } = this.#context.config
    const oldest = samplesWindow - historyWindows - spareWindows
    // A result is worth more than a tidy disk.
    await pruneSamples(storage, this.#context.config, oldest).catch((error: unknown) =>
      log.warn({ err: error }, `samples before window ${oldest} cannot be cleared away`),
    )
    result.gpuSeconds = meter.gpuSeconds()
    const code = result.error?.code
    // Too few samples is an answer, and being stopped no failure.
    return {
      message: encodeProfileResult(result),
      failed: code !== undefined && code !== 'TooFewSamples' && code !== 'Cancelled',
    }
  }

  async #profile(signal: AbortSignal): Promise<void> {
    const { config, meter } = this.#context
    await checkShare(process.env, signal)
    const { samplesWindow, window } = config
    const folder = this.#folder(samplesWindow)
    const summary = await readSummary(folder)
    if (summary !== null) {
      this.#result.frames = summary.frames
      if (summary.gpuSecondsPerFrame !== null) this.#result.gpuSecondsPerFrame = summary.gpuSecondsPerFrame
    }
    const trainer = await loadStudent(config.model, config)
    try {
      // What a training pod spends before it reads its first image.
      const startGpuSeconds = meter.gpuSeconds()
      const golden = config.goldenModel && (await this.#load(config.goldenModel))
      try {
        const labelled = await this.#label(folder, golden, trainer, signal)
        const gpuSecondsPerImage = labelled.readingGpuSeconds / Math.max(1, labelled.frames.length)
        const fresh = await this.#labelKept(this.#folder(window), golden, trainer, signal)
        if (fresh.frames.length > 0) await writeLabels(this.#folder(window), fresh, config.classes)
        const data = this.#split(labelled, fresh)
        await this.#measure(labelled, data.validation, trainer)
        await this.#microProfile(labelled, data, trainer, { startGpuSeconds, gpuSecondsPerImage }, signal)
        await this.#measureSoFar(labelled, await this.#upToNow(fresh, golden, trainer, signal), trainer)
      } finally {
        await golden?.close()
      }
    } finally {
      await trainer.close()
    }
  }

  #folder(window: number): string {
    const { storage, namespace, stream } = this.#context.config
    return join(storage, samplesFolder(namespace, stream, window))
  }

  async #label(
    folder: string,
    golden: Classifier | undefined,
    { shape }: Trainer,
    signal: AbortSignal,
  ): Promise<LabelledFrames> {
    const { config, log } = this.#context
    this.#enter('labeling', 0)
    const kept = thin(await readKept(folder), config.maxSamples)
    const labelled = await labelFrames(
      this.#labelingOf(folder, kept, golden, shape),
      done => this.#enter('labeling', (0.5 * done) / kept.length),
      signal,
    )
    const { frames, refused } = labelled
    for (const { file, reason } of refused.slice(0, 5)) log.warn({ file }, `an image was left out: ${reason}`)
    this.#result.labelled = frames.length
    this.#result.refused = refused.length
    if (frames.length > 0) await writeLabels(folder, labelled, config.classes)
    return labelled
  }

  /** The frames of a window that lasts, but for those that are known; a corrupt one is counted once the window is over. */
  async #labelKept(
    folder: string,
    golden: Classifier | undefined,
    { shape }: Trainer,
    signal: AbortSignal,
    known: ReadonlySet<number> = new Set(),
  ): Promise<LabelledFrames> {
    const kept = await readFrames(folder).catch((error: { code?: string }) => {
      if (error.code === 'SourceNotFound') return []
      throw error
    })
    const unknown = kept.filter(({ frame }) => !known.has(frame))
    const wanted = thin(unknown, this.#context.config.maxSamples)
    return labelFrames(this.#labelingOf(folder, wanted, golden, shape), () => {}, signal)
  }

  /** With what was kept since, where there is time to label it. */
  async #upToNow(
    fresh: LabelledFrames,
    golden: Classifier | undefined,
    trainer: Trainer,
    signal: AbortSignal,
  ): Promise<Pick<LabelledFrames, 'frames' | 'images'>> {
    if (this.#secondsLeft() <= 0) return fresh
    const known = new Set(fresh.frames.map(({ frame }) => frame))
    const folder = this.#folder(this.#context.config.window)
    return joinedFrames(fresh, await this.#labelKept(folder, golden, trainer, signal, known))
  }

  async #measureSoFar(
    last: LabelledFrames,
    soFar: Pick<LabelledFrames, 'frames' | 'images'>,
    trainer: Trainer,
  ): Promise<void> {
    if (soFar.frames.length === 0) return
    const byClass = await this.#accuracyByClass(last, trainer)
    const classes = this.#context.config.classes.length
    this.#result.soFar = {
      labelled: soFar.frames.length,
      measured: servedRightly(soFar.frames),
      current: await trainer.accuracy(soFar.images),
      expected: soFar.frames.reduce((sum, { label }) => sum + byClass[label]!, 0) / soFar.frames.length,
      independent: rounded(independentLabels(soFar.frames, classes)),
    }
    await this.#measureProfiled(soFar.images)
  }

  /** The micro-profiles' models on the same frames. */
  async #measureProfiled(images: ImageSet): Promise<void> {
    const accuracies = new Map<string, number>()
    const { device } = this.#context.config
    for (const { configurations, model } of this.#profiled) {
      const classifier = await openClassifier(model, 'a micro-profiled model', { device: device.kind })
      try {
        const accuracy = await accuracyOf(classifier, images)
        for (const name of configurations) accuracies.set(name, accuracy)
      } finally {
        await classifier.close()
      }
    }
    this.#result.profiles = this.#result.profiles.map(profile => {
      const soFar = accuracies.get(profile.configuration)
      return soFar === undefined ? profile : { ...profile, soFar }
    })
  }

  /** Of the model in use; a class with few labels is taken to be much like all. */
  async #accuracyByClass({ frames, images }: LabelledFrames, trainer: Trainer): Promise<number[]> {
    const overall = this.#result.accuracy!.current
    const accuracies: number[] = []
    for (const label of this.#context.config.classes.keys()) {
      const positions = frames.flatMap((each, i) => (each.label === label ? [i] : []))
      const own = positions.length === 0 ? 0 : await trainer.accuracy(selectImages(images, positions))
      accuracies.push((own * positions.length + overall * assumedLabels) / (positions.length + assumedLabels))
    }
    return accuracies
  }

  #labelingOf(
    folder: string,
    kept: readonly KeptFrame[],
    golden: Classifier | undefined,
    shape: Trainer['shape'],
  ): LabelingRequest {
    const { config, meter } = this.#context
    return {
      folder,
      kept,
      classes: config.classes,
      shape,
      gpuSeconds: () => meter.gpuSeconds(),
      ...(golden ? { golden } : {}),
    }
  }

  /** What was served, and the models on the same frames. */
  async #measure({ frames, images }: LabelledFrames, validation: ImageSet, trainer: Trainer): Promise<void> {
    if (frames.length === 0) return
    const { config } = this.#context
    const classes = config.classes.length
    const current = await trainer.accuracy(images)
    this.#result.accuracy = {
      measured: servedRightly(frames),
      current,
      initial: await this.#initialAccuracy(images, trainer, current),
      validation: validation.count === 0 ? current : await trainer.accuracy(validation),
      independent: rounded(independentLabels(frames, classes)),
    }
    this.#result.classMix = classMix(frames, classes)
    const held = coherence(frames, classes)
    if (held !== null) this.#result.coherence = held
  }

  async #microProfile(
    { frames, images }: LabelledFrames,
    { split, validation }: ProfileData,
    trainer: Trainer,
    costs: { readonly startGpuSeconds: number; readonly gpuSecondsPerImage: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { config, log, meter } = this.#context
    const { configurations, microProfiler, samplesWindow, historyWindows, historyWeight, seed, device } =
      config
    this.#requireEnough(frames.length)
    if (configurations.length === 0 || this.#secondsLeft() <= 0) return
    this.#enter('profiling', 0.5)
    const older = Array.from({ length: historyWindows }, (_, i) => samplesWindow - 1 - i).filter(w => w >= 0)
    const { samples: history, leftOut } = await readHistory(config, older, historyWeight, signal)
    if (leftOut > 0)
      log.warn({ leftOut }, 'labels of earlier windows are of classes that the stream no longer has')
    const fresh = await withoutRepeated(split.train, split.validation, signal)
    const trainCount = fresh.length + history.length
    const order = random(seed, 'micro-profile', config.stream, samplesWindow).permutation(trainCount)
    const sampled = sampleSize(trainCount, microProfiler.sampleFraction)
    const drawn = order.subarray(0, sampled)
    const recent = fresh.filter((_, i) => drawn.includes(i))
    const past = await withoutRepeated(
      history.filter((_, i) => drawn.includes(fresh.length + i)),
      split.validation,
      signal,
    )
    const drawnOnes = await joined(selectImages(images, positionsOf(frames, recent)), past, trainer, signal)
    // What is in memory anyway, for configurations that can take more of it, in random order as well.
    const others = [...order.subarray(sampled)].filter(i => i < fresh.length).map(i => fresh[i]!)
    const sample = concatImages([drawnOnes, selectImages(images, inOrder(frames, others))])
    this.#result.profiles = await microProfile(
      {
        ...costs,
        trainer,
        configurations,
        microProfiler,
        sample,
        sampled: recent.length + past.length,
        trainCount,
        validation,
        cores: device.cores ?? 1,
        seed,
        threads: trainingThreads(device.cores),
        gpuSeconds: () => meter.gpuSeconds(),
        deviceSeconds: deviceSeconds(meter, device),
        secondsLeft: () => this.#secondsLeft(),
        onTrained: (names, model) => this.#profiled.push({ configurations: names, model }),
      },
      (done, of) => this.#enter('profiling', 0.5 + (0.5 * done) / of),
      signal,
    )
  }

  /** Until the result is to be there. */
  #secondsLeft(): number {
    const { endsBy } = this.#context.config
    return endsBy === undefined ? Number.POSITIVE_INFINITY : (Date.parse(endsBy) - Date.now()) / 1000
  }

  #requireEnough(labelled: number): void {
    const { configurations, samplesWindow } = this.#context.config
    const smallest = Math.min(...configurations.map(({ batchSize }) => batchSize))
    const needed = Math.max(fewestLabels, configurations.length === 0 ? 0 : 2 * smallest)
    if (labelled < needed)
      throw new WorkerFailure(
        'TooFewSamples',
        `window ${samplesWindow} has ${labelled} labelled frames; needed are ${needed} (at least ${fewestLabels}, and two batches of the smallest batchSize)`,
      )
  }

  #split(labelled: LabelledFrames, fresh: LabelledFrames): ProfileData {
    const { config } = this.#context
    const split = splitAtPresent(labelled.frames, fresh.frames, config.samplesWindow, config)
    const validation = concatImages([
      selectImages(labelled.images, positionsOf(labelled.frames, split.validation)),
      fresh.images,
    ])
    return { split, validation }
  }

  #load(reference: ProfileWorkerConfig['model']): Promise<Classifier> {
    const { storage, classes, device } = this.#context.config
    return loadClassifier(resolveModel(storage, reference), {
      device: device.kind,
      expectedClasses: classes.length,
      ...(reference.digest === undefined ? {} : { expectedDigest: reference.digest }),
    })
  }

  async #initialAccuracy(images: ImageSet, trainer: Trainer, current: number): Promise<number> {
    const { config } = this.#context
    if (config.initialModel.digest === trainer.digest) return current
    const initial = await loadStudent(config.initialModel, config)
    try {
      return await initial.accuracy(images)
    } finally {
      await initial.close()
    }
  }

  #enter(phase: ProfileStatus['phase'], progress: number): void {
    this.#phase = phase
    this.#progress = progress
  }
}

const joinedFrames = (a: LabelledFrames, b: LabelledFrames): Pick<LabelledFrames, 'frames' | 'images'> => ({
  frames: [...a.frames, ...b.frames],
  images: concatImages([a.images, b.images]),
})

const servedRightly = (frames: readonly LabelledFrame[]): number =>
  frames.filter(({ label, served }) => label === served).length / frames.length

const rounded = (value: number): number => Number(value.toFixed(1))

async function readKept(folder: string) {
  try {
    return await readFrames(folder)
  } catch (error) {
    if ((error as { code?: string }).code !== 'SourceNotFound') throw error
    throw new WorkerFailure('TooFewSamples', (error as Error).message, { cause: error })
  }
}

/** At most `limit` of them, evenly. */
function thin<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items]
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)]!)
}

/** Positions of some, in the order of these. */
function inOrder<T>(all: readonly T[], some: readonly T[]): number[] {
  const positions = new Map(all.map((item, position) => [item, position]))
  return some.map(item => positions.get(item)!)
}

function positionsOf<T>(all: readonly T[], some: readonly T[]): number[] {
  const wanted = new Set(some)
  return all.flatMap((item, position) => (wanted.has(item) ? [position] : []))
}

async function joined(
  recent: ImageSet,
  past: readonly { readonly image: string; readonly label: number; readonly weight?: number }[],
  { shape }: Trainer,
  signal: AbortSignal,
): Promise<ImageSet> {
  if (past.length === 0) return recent
  const { images } = await loadImages(past, shape, signal)
  return concatImages([recent, images])
}
