/** `ekya profile`: a model, sample lists and configurations → micro-profiles → what each retraining would give and cost. */
import type { ImageSet } from '../../../workers/learning/image-set.ts'
import { createTrainer, type Trainer } from '../../../workers/learning/trainer.ts'
import { random } from '../../../workers/models/random.ts'
import { microProfile, sampleOf } from '../../../workers/profile/micro-profiler.ts'
import { ConfigError } from '../../config/errors.ts'
import { type CostDistribution, costDistribution, type KnownCost } from '../../profiler/cost.ts'
import { estimate } from '../../profiler/estimator.ts'
import type { AccuracyDistribution } from '../../profiler/pooled/angle.ts'
import { fitOutcomes } from '../../profiler/pooled/outcome-model.ts'
import { traceRecords } from '../../profiler/pooled/trace-records.ts'
import { TraceError } from '../../simulate/errors.ts'
import { parseTrace, type Trace } from '../../simulate/trace.ts'
import { UsageError, usageOf } from '../errors.ts'
import { readText } from '../files.ts'
import { describeRefused, loadLists, readTrainingLists, type TrainingLists } from '../labelled-images.ts'
import { checkFolder, checkInput, readModelFile } from '../model-file.ts'
import { above0, OptionReader, wholeFrom } from '../option-reader.ts'
import type { Io } from '../program.ts'
import { table } from '../table.ts'
import { type NamedConfiguration, readNamedConfigurations } from '../training-configuration.ts'

/** As commander reads them. */
export interface RawProfileOptions {
  readonly model: string
  readonly train: readonly string[]
  readonly validation: string
  readonly historyWeight: string
  readonly images: string
  readonly config: readonly string[]
  readonly history?: string
  readonly epochs: string
  readonly sample: string
  readonly json?: boolean
}

export interface ProfileReport {
  /** The given model on the validation images. */
  readonly accuracyBefore: number
  /** What the micro-profiles cost. */
  readonly gpuSeconds: number
  /** In the order in which they were given; without those whose micro-profile diverged. */
  readonly configurations: readonly {
    readonly configuration: string
    readonly accuracy: AccuracyDistribution
    readonly gpuSeconds: CostDistribution
    /** What the micro-profile alone says. */
    readonly estimate: number
  }[]
  readonly refused: number
}

export async function profileCommand(raw: RawProfileOptions, io: Io): Promise<number> {
  const begun = cpuSeconds()
  const { trainer, ...work } = await read(raw)
  const startGpuSeconds = cpuSeconds() - begun
  try {
    const reading = cpuSeconds()
    const [given, held] = [
      await loadLists(work.train, trainer.shape, work.historyWeight),
      await loadLists([work.validation], trainer.shape),
    ]
    const loaded = cpuSeconds()
    const refused = [...given.refused, ...held.refused]
    io.stderr.write(describeRefused('profile', refused))
    if (trainer.remark !== undefined) io.stderr.write(`profile: ${trainer.remark}\n`)
    const report = await profiled(work, trainer, {
      train: given.images,
      validation: held.images,
      startGpuSeconds,
      gpuSecondsPerImage: (loaded - reading) / (given.images.count + held.images.count),
    })
    io.stderr.write(describeDiverged(work.configurations, report))
    const result = { ...report, refused: refused.length }
    io.stdout.write(raw.json === true ? `${JSON.stringify(result, null, 2)}\n` : asText(result))
    return 0
  } finally {
    await trainer.close()
  }
}

/** One line for all configurations that are not in the report. */
function describeDiverged(
  asked: readonly NamedConfiguration[],
  { configurations }: Pick<ProfileReport, 'configurations'>,
): string {
  const told = new Set(configurations.map(each => each.configuration))
  const diverged = asked.map(({ name }) => name).filter(name => !told.has(name))
  return diverged.length === 0
    ? ''
    : `profile: left out, because the loss became no number in their micro-profile: ${diverged.join(', ')}; a lower learningRate may help\n`
}

type Loaded = Pick<
  Parameters<typeof microProfile>[0],
  'validation' | 'startGpuSeconds' | 'gpuSecondsPerImage'
> & { readonly train: ImageSet }

async function profiled(
  { configurations, history, epochs, sampleFraction }: Omit<Work, 'trainer'>,
  trainer: Trainer,
  { train, validation, startGpuSeconds, gpuSecondsPerImage }: Loaded,
): Promise<Omit<ProfileReport, 'refused'>> {
  const begun = cpuSeconds()
  const [{ seed, threads }] = configurations as [NamedConfiguration]
  const drawn = random(seed, 'micro-profile').permutation(train.count)
  const profiles = await microProfile(
    {
      trainer,
      configurations: configurations.map(({ seed: _, threads: __, ...knobs }) => knobs),
      microProfiler: { epochs, sampleFraction },
      ...sampleOf(train, drawn, sampleFraction),
      validation,
      startGpuSeconds,
      gpuSecondsPerImage,
      cores: 1,
      seed,
      threads,
      gpuSeconds: cpuSeconds,
    },
    () => {},
  )
  const gpuSeconds = cpuSeconds() - begun
  const accuracyBefore = await trainer.accuracy(validation)
  const estimates = estimate({
    profiles,
    configurations,
    accuracy: { current: accuracyBefore, validation: accuracyBefore },
  })
  const records = traceRecords(history?.streams ?? [])
  const window = {
    accuracyBefore,
    trainings: estimates.map(({ configuration, gpuSeconds, accuracyAfter }) => ({
      ...{ configuration, gpuSeconds },
      estimate: accuracyAfter,
    })),
  }
  const accuracies = fitOutcomes([...records, [window]]).predict(records.length, 0)
  return {
    accuracyBefore,
    gpuSeconds,
    configurations: estimates.map(({ configuration, gpuSeconds, accuracyAfter }, i) => ({
      configuration,
      accuracy: accuracies[i]!,
      gpuSeconds: costDistribution(gpuSeconds, knownCosts(history, configuration)),
      estimate: accuracyAfter,
    })),
  }
}

const knownCosts = (history: Trace | undefined, name: string): KnownCost[] =>
  (history?.streams ?? []).flatMap(({ windows }) =>
    windows.flatMap(({ retraining }) =>
      retraining.flatMap(({ configuration, gpuSeconds, estimate }) =>
        estimate === undefined
          ? []
          : [{ own: configuration === name, predicted: estimate.gpuSeconds, actual: gpuSeconds }],
      ),
    ),
  )

interface Work extends TrainingLists {
  readonly trainer: Trainer
  readonly configurations: readonly NamedConfiguration[]
  readonly history?: Trace
  readonly epochs: number
  readonly sampleFraction: number
}

/** @throws UsageError with all that is wrong; LearningError, ModelError for a model that cannot be trained. */
async function read(raw: RawProfileOptions): Promise<Work> {
  const reader = new OptionReader()
  const configurations = await readNamedConfigurations(reader, raw.config)
  for (const key of ['seed', 'threads'] as const)
    if (new Set(configurations.map(each => each[key])).size > 1)
      reader.refuse('--config', `${key} differs between configurations; accepted: the same in all`)
  const epochs = reader.number('--epochs', raw.epochs, wholeFrom(1, 1000))
  const sampleFraction = reader.number('--sample', raw.sample, above0(1, 'a fraction'))
  await checkFolder(reader, '--images', raw.images)
  const history = raw.history === undefined ? undefined : await readHistory(reader, raw.history)
  const model = await readModelFile(reader, raw.model)
  const trainer = model === undefined ? undefined : await createTrainer(model, { origin: raw.model })
  try {
    if (trainer !== undefined) checkInput(reader, raw.model, trainer.shape)
    const lists = await readTrainingLists(reader, raw, trainer?.classes)
    reader.check()
    return {
      trainer: trainer!,
      configurations,
      ...lists!,
      ...(history === undefined ? {} : { history }),
      epochs,
      sampleFraction,
    }
  } catch (error) {
    await trainer?.close()
    throw error instanceof ConfigError ? usageOf('profile', error) : error
  }
}

/** Undefined where it is refused, which the reader is told. */
async function readHistory(reader: OptionReader, file: string): Promise<Trace | undefined> {
  try {
    return parseTrace(await readText('profile', file), file)
  } catch (error) {
    if (!(error instanceof TraceError || error instanceof UsageError)) throw error
    reader.refuse('--history', error.message)
    return undefined
  }
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const percent = (part: number): string => (100 * part).toFixed(1)

function asText({ accuracyBefore, gpuSeconds, configurations }: ProfileReport): string {
  const range = (low: string, high: string): string => `${low}–${high}`
  const rows = configurations.map(({ configuration, accuracy, gpuSeconds: cost }) => [
    configuration,
    percent(accuracy.mean),
    range(percent(accuracy.low), percent(accuracy.high)),
    cost.median.toFixed(2),
    range(cost.low.toFixed(2), cost.high.toFixed(2)),
  ])
  return [
    `${percent(accuracyBefore)} % of the validation images right before; accuracies after retraining in per cent:`,
    ...table(['configuration', 'accuracy', '90 % interval', 'GPU-seconds', '90 % interval'], rows, [0]),
    `The micro-profiles took ${gpuSeconds.toFixed(2)} GPU-seconds.`,
    '',
  ].join('\n')
}
