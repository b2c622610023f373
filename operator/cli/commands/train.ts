/** `ekya train`: a model, sample lists and a configuration → a trained model → a summary or JSON. */
import { availableParallelism } from 'node:os'
import { createTrainer, type Trainer } from '../../../workers/learning/trainer.ts'
import type { EpochReport, TrainingConfiguration } from '../../../workers/learning/training.ts'
import { writeAtomically } from '../../../workers/models/store.ts'
import { ConfigError } from '../../config/errors.ts'
import { usageOf } from '../errors.ts'
import { describeRefused, loadLists, readTrainingLists, type TrainingLists } from '../labelled-images.ts'
import { checkFolder, checkInput, checkOutFile, makeRoomFor, readModelFile } from '../model-file.ts'
import { OptionReader, wholeFrom } from '../option-reader.ts'
import type { Io } from '../program.ts'
import { ProgressLine } from '../progress.ts'
import { table } from '../table.ts'
import { readTrainingConfiguration } from '../training-configuration.ts'

/** As commander reads them. */
export interface RawTrainOptions {
  readonly model: string
  readonly train: readonly string[]
  readonly validation: string
  readonly historyWeight: string
  readonly images: string
  readonly config: string
  readonly out: string
  readonly classes?: string
  readonly json?: boolean
}

export interface TrainResult {
  readonly epochs: readonly {
    readonly loss: number
    readonly trainAccuracy: number
    readonly validationAccuracy: number
    /** Of the clock, validation included. */
    readonly seconds: number
  }[]
  readonly bestValidationAccuracy: number
  /** From 1. */
  readonly bestEpoch: number
  /** The given model on the validation images. */
  readonly baselineAccuracy: number
  /** Of the clock, from the loaded images to the written model. */
  readonly seconds: number
  /** Of the training steps alone. */
  readonly imagesPerSecond: number
  readonly peakMemoryBytes: number
  /** Trained on in each epoch. */
  readonly images: number
  /** Rows and images that were left out. */
  readonly refused: number
  /** sha-256 of the written file, hex. */
  readonly digest: string
}

export async function trainCommand(raw: RawTrainOptions, io: Io): Promise<number> {
  const { trainer, configuration, train, validation, historyWeight } = await read(raw)
  try {
    const [given, held] = [
      await loadLists(train, trainer.shape, historyWeight),
      await loadLists([validation], trainer.shape),
    ]
    const refused = [...given.refused, ...held.refused]
    io.stderr.write(describeRefused('train', refused))
    await makeRoomFor('train', raw.out)
    if (trainer.remark !== undefined) io.stderr.write(`train: ${trainer.remark}\n`)
    const { provider, reason } = trainer.provider
    io.stderr.write(`train: runs on ${provider} (${reason})\n`)

    const started = performance.now()
    const progress = new ProgressLine(io.stderr, 'train', { unit: 'steps', bar: true })
    const watch = stopwatch()
    let latest = 'before the first epoch'
    let unfinished = true
    const hooks = {
      onStep(done: number, total: number) {
        watch.step()
        if (done > 0) progress.show(done, total, latest)
        unfinished = done < total
      },
      onEpoch(report: EpochReport) {
        watch.epoch()
        latest = `epoch ${report.epoch}: loss ${report.loss.toFixed(3)}, ${percent(report.validationAccuracy)} % right`
      },
    }
    const request = { train: given.images, validation: held.images, configuration }
    const outcome = await trainer.train(request, hooks).finally(() => {
      if (unfinished) progress.stop()
    })
    await writeAtomically(raw.out, outcome.model)
    const result: TrainResult = {
      epochs: outcome.epochs.map(({ loss, trainAccuracy, validationAccuracy }, i) => ({
        ...{ loss, trainAccuracy, validationAccuracy },
        seconds: watch.epochs[i]!,
      })),
      bestValidationAccuracy: outcome.bestValidationAccuracy,
      bestEpoch: outcome.bestEpoch,
      baselineAccuracy: outcome.baselineAccuracy,
      seconds: (performance.now() - started) / 1000,
      imagesPerSecond: (outcome.samples * outcome.epochs.length) / watch.stepSeconds(),
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      images: outcome.samples,
      refused: refused.length,
      digest: outcome.digest,
    }
    io.stdout.write(raw.json === true ? `${JSON.stringify(result, null, 2)}\n` : asText(result, raw.out))
    return 0
  } finally {
    await trainer.close()
  }
}

/** Seconds of each epoch, and of all steps without what lies between epochs. */
function stopwatch() {
  const epochs: number[] = []
  let [inSteps, epochAt, stepAt] = [0, Number.NaN, Number.NaN]
  const now = (): number => performance.now() / 1000
  return {
    epochs,
    stepSeconds: () => inSteps,
    /** Before the first step and after each. */
    step() {
      const at = now()
      if (Number.isNaN(epochAt)) epochAt = at
      if (!Number.isNaN(stepAt)) inSteps += at - stepAt
      stepAt = at
    },
    epoch() {
      const at = now()
      epochs.push(at - epochAt)
      epochAt = at
      stepAt = at
    },
  }
}

interface Work extends TrainingLists {
  readonly trainer: Trainer
  readonly configuration: TrainingConfiguration
}

/** @throws UsageError with all that is wrong; LearningError, ModelError for a model that cannot be trained. */
async function read(raw: RawTrainOptions): Promise<Work> {
  const reader = new OptionReader()
  const configuration = await readTrainingConfiguration(reader, raw.config)
  await checkFolder(reader, '--images', raw.images)
  await checkOutFile(reader, raw.out)
  const classes =
    raw.classes === undefined ? undefined : reader.number('--classes', raw.classes, wholeFrom(1, 65_536))
  const model = await readModelFile(reader, raw.model)
  // Without a usable model the lists are checked all the same, with any class.
  const trainer =
    model === undefined || Number.isNaN(classes)
      ? undefined
      : await createTrainer(model, {
          origin: raw.model,
          device: 'cuda',
          threads: threadsOf(configuration),
          // Nobody else's share is burnt by it.
          spin: true,
          prepareAside: availableParallelism() > 1,
          ...(classes === undefined ? {} : { classes }),
        })
  try {
    if (trainer !== undefined) checkInput(reader, raw.model, trainer.shape)
    const lists = await readTrainingLists(reader, raw, trainer?.classes)
    reader.check()
    return {
      trainer: trainer!,
      configuration,
      ...lists!,
    }
  } catch (error) {
    await trainer?.close()
    throw error instanceof ConfigError ? usageOf('train', error) : error
  }
}

/** One where the configuration's own is refused. */
const threadsOf = ({ threads }: TrainingConfiguration): number =>
  Number.isInteger(threads) && threads > 0 ? threads : 1

const percent = (part: number): string => (100 * part).toFixed(1)

function asText(result: TrainResult, file: string): string {
  const rows = result.epochs.map(({ loss, trainAccuracy, validationAccuracy, seconds }, i) => [
    String(i + 1),
    loss.toFixed(4),
    percent(trainAccuracy),
    percent(validationAccuracy),
    seconds.toFixed(2),
  ])
  return [
    ...table(['epoch', 'loss', 'train %', 'validation %', 'seconds'], rows, []),
    `best: epoch ${result.bestEpoch}, ${percent(result.bestValidationAccuracy)} % of the validation images (${percent(result.baselineAccuracy)} % before)`,
    `${result.images} images, ${result.refused} left out, ${result.imagesPerSecond.toFixed(0)} images/s, ${result.seconds.toFixed(1)} s, ${(result.peakMemoryBytes / 2 ** 20).toFixed(0)} MiB`,
    `wrote ${file} (sha-256 ${result.digest})`,
    '',
  ].join('\n')
}
