/**
 * The training worker: fine-tunes the model in use on the labelled samples and leaves the best one in the model store.
 *
 *   loading ──▶ training ──▶ done
 *      └───────────┴──▶ failed: the result carries the error; the model in use stays what it is
 *
 * Asked to end, it writes a checkpoint and reports Cancelled, or Interrupted where another pod is to go on with it; a later pod with the
 * same model, data and configuration goes on from there and reaches the same result.
 */
import type { TrainingResult, TrainingStatus, TrainingWorkerConfig } from '../../operator/api/worker.ts'
import { loadImages } from '../frames/images.ts'
import type { ImageSet } from '../learning/image-set.ts'
import type { Trainer } from '../learning/trainer.ts'
import type { Checkpoint, TrainingOutcome } from '../learning/training.ts'
import { storeModel } from '../models/store.ts'
import { failureOf, WorkerFailure } from '../runtime/failure.ts'
import { deviceSeconds } from '../runtime/gpu-meter.ts'
import type { Route } from '../runtime/http-server.ts'
import {
  type LabelledSample,
  readHistory,
  readLabels,
  splitAtPresent,
  withoutRepeated,
} from '../runtime/labelled-data.ts'
import type { Outcome, Worker, WorkerContext } from '../runtime/run-worker.ts'
import { checkShare } from '../runtime/share-check.ts'
import { loadStudent, trainingThreads } from '../runtime/student.ts'
import { encodeResult } from '../runtime/termination-message.ts'
import { type CheckpointFile, checkpointFile } from './checkpoint-file.ts'
import { TrainingProgress } from './progress.ts'

const monotonicSeconds = (): number => performance.now() / 1000

interface TrainingData {
  readonly train: ImageSet
  readonly validation: ImageSet
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

export class TrainingWorker implements Worker {
  readonly #context: WorkerContext<TrainingWorkerConfig>
  readonly #result: Mutable<TrainingResult>
  readonly #progress: TrainingProgress
  readonly #checkpoints: CheckpointFile
  readonly #begun = monotonicSeconds()
  readonly #interruption = new AbortController()
  #phase: TrainingStatus['phase'] = 'loading'
  readonly routes: readonly Route[] = [
    {
      method: 'POST',
      path: '/interrupt',
      handle: () => {
        this.#interruption.abort(
          new WorkerFailure('Interrupted', 'the training goes on from its checkpoint in another pod'),
        )
        return { body: this.status() }
      },
    },
  ]

  constructor(context: WorkerContext<TrainingWorkerConfig>) {
    const { config, meter, metrics } = context
    const { window, configuration, device } = config
    this.#context = context
    this.#checkpoints = checkpointFile(config)
    this.#progress = new TrainingProgress({
      epochs: configuration.epochs,
      cores: device.cores ?? 1,
      gpuSeconds: () => meter.gpuSeconds(),
      now: monotonicSeconds,
    })
    this.#result = {
      kind: 'training',
      window,
      configuration: configuration.name,
      epochs: 0,
      samples: 0,
      refused: 0,
      gpuSeconds: 0,
      seconds: 0,
      peakMemoryBytes: 0,
    }
    metrics.gauge('ekya_training_progress_ratio', 'How far the training is.', [], () => [
      [{}, this.#progress.report.progress],
    ])
    metrics.gauge(
      'ekya_training_validation_accuracy_ratio',
      'Validation accuracy after the last epoch.',
      [],
      () => [[{}, this.#progress.report.validationAccuracy]],
    )
    metrics.gauge(
      'ekya_training_images_per_second',
      'Images trained on per second in the last epoch.',
      [],
      () => [[{}, this.#progress.report.imagesPerSecond]],
    )
  }

  status(): TrainingStatus {
    const { config, meter } = this.#context
    const { error } = this.#result
    return {
      role: 'training',
      stream: config.stream,
      window: config.window,
      phase: this.#phase,
      ...this.#progress.report,
      gpuSeconds: this.#spent.gpuSeconds + meter.gpuSeconds(),
      workSeconds: meter.workSeconds(),
      ...(error ? { error } : {}),
    }
  }

  awaiting(): readonly string[] {
    return this.#phase === 'loading' ? ['model and samples are loaded'] : []
  }

  get #spent(): { readonly gpuSeconds: number; readonly seconds: number } {
    return this.#context.config.spent ?? { gpuSeconds: 0, seconds: 0 }
  }

  async run(ending: AbortSignal): Promise<Outcome> {
    const { log, meter } = this.#context
    const result = this.#result
    const signal = AbortSignal.any([ending, this.#interruption.signal])
    try {
      await this.#train(signal)
      this.#phase = 'done'
    } catch (error) {
      result.error = failureOf(signal.aborted ? signal.reason : error)
      this.#phase = 'failed'
      log.error({ code: result.error.code, err: error }, result.error.message)
    }
    result.epochs = this.#progress.report.epoch
    result.gpuSeconds = this.#spent.gpuSeconds + meter.gpuSeconds()
    result.seconds = this.#spent.seconds + monotonicSeconds() - this.#begun
    result.peakMemoryBytes = process.resourceUsage().maxRSS * 1024
    const code = result.error?.code
    // An answer, and no failure of the pod: the model in use is kept.
    const answers =
      code === undefined || ['TooFewSamples', 'Cancelled', 'Interrupted', 'LossDiverged'].includes(code)
    return { message: encodeResult(result, []), failed: !answers }
  }

  async #train(signal: AbortSignal): Promise<void> {
    const { storage, namespace, stream, window, configuration } = this.#context.config
    await checkShare(process.env, signal)
    const trainer = await loadStudent(this.#context.config.model, this.#context.config)
    this.#context.log.info(trainer.provider, `trains on ${trainer.provider.provider}`)
    if (trainer.remark !== undefined) this.#context.log.warn(trainer.remark)
    let outcome: TrainingOutcome
    try {
      const data = await this.#loadData(trainer, signal)
      this.#phase = 'training'
      outcome = await this.#fit(trainer, data, signal)
    } finally {
      await trainer.close()
    }
    const { bestEpoch, bestValidationAccuracy: validationAccuracy, baselineAccuracy, samples } = outcome
    const details = {
      window,
      configuration: configuration.name,
      validationAccuracy,
      baselineAccuracy,
      bestEpoch,
    }
    const model = await storeModel({
      storage,
      namespace,
      stream,
      model: outcome.model,
      createdAt: new Date().toISOString(),
      details: { ...details, samples, from: this.#context.config.model },
    })
    Object.assign(this.#result, { model, validationAccuracy, baselineAccuracy, bestEpoch, samples })
    await this.#checkpoints.clear()
  }

  async #fit(trainer: Trainer, data: TrainingData, signal: AbortSignal): Promise<TrainingOutcome> {
    const { log } = this.#context
    const saved = await this.#checkpoints.read(error => log.warn({ err: error }, 'a checkpoint is left out'))
    if (saved === undefined) return this.#attempt(trainer, data, undefined, signal)
    try {
      return await this.#attempt(trainer, data, saved, signal)
    } catch (error) {
      // It belongs to another model, other data or another configuration.
      if ((error as { code?: string }).code !== 'ConfigInvalid') throw error
      log.info('the checkpoint belongs to another training; this one begins from the start')
      return this.#attempt(trainer, data, undefined, signal)
    }
  }

  #attempt(
    trainer: Trainer,
    data: TrainingData,
    resume: Checkpoint | undefined,
    signal: AbortSignal,
  ): Promise<TrainingOutcome> {
    const { config, log, meter } = this.#context
    const { name: _, ...configuration } = config.configuration
    const { seed, device, checkpointEverySeconds } = config
    const images = Math.max(1, Math.round(data.train.count * configuration.dataFraction))
    this.#progress.begin(resume?.reports)
    if (resume !== undefined)
      log.info({ epoch: resume.epoch, step: resume.step }, 'goes on from a checkpoint')
    return trainer.train(
      {
        ...data,
        configuration: { ...configuration, seed, threads: trainingThreads(device.cores) },
        ...(resume === undefined ? {} : { resume }),
      },
      {
        checkpointEverySeconds,
        cpuSeconds: deviceSeconds(meter, device),
        onEpoch: report => {
          this.#progress.epochDone(report, images)
          log.info(report, 'epoch')
        },
        // A training is worth more than its checkpoint.
        onCheckpoint: checkpoint =>
          this.#checkpoints
            .write(checkpoint)
            .catch((error: unknown) => log.error({ err: error }, 'the checkpoint cannot be written')),
      },
      signal,
    )
  }

  async #loadData({ shape }: Trainer, signal: AbortSignal): Promise<TrainingData> {
    const { config } = this.#context
    const [newest, ...older] = [...config.samplesWindows].sort((a, b) => b - a) as [number, ...number[]]
    // What of the running window was labelled when the training was planned.
    const fresh = await readHistory(config, [config.window], 1, signal)
    const last = await readLabels(config, newest, signal)
    const split = splitAtPresent(last.samples, fresh.samples, newest, config)
    const history = await readHistory(config, older, config.historyWeight, signal)
    const leftOut = fresh.leftOut + last.leftOut + history.leftOut
    this.#result.refused += leftOut
    if (leftOut > 0)
      this.#context.log.warn({ leftOut }, 'labels are of classes that the stream no longer has')
    const rows = await withoutRepeated([...split.train, ...history.samples], split.validation, signal)
    if (rows.length < 2 || split.validation.length === 0)
      throw new WorkerFailure(
        'TooFewSamples',
        `window ${newest} has ${rows.length} images to train on and ${split.validation.length} to validate with; needed are at least 2 and 1`,
      )
    return {
      train: await this.#load(rows, shape, signal),
      validation: await this.#load(split.validation, shape, signal),
    }
  }

  async #load(
    rows: readonly LabelledSample[],
    shape: Trainer['shape'],
    signal: AbortSignal,
  ): Promise<ImageSet> {
    const { images, refused } = await loadImages(rows, shape, signal)
    this.#result.refused += refused.length
    for (const { row, reason } of refused.slice(0, 5))
      this.#context.log.warn({ file: row.image }, `an image was left out: ${reason}`)
    return images
  }
}
