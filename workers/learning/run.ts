/**
 * One training: epochs of steps, validation after each epoch, the best weights kept. Its whole state between two steps is a Checkpoint,
 * so that an interrupted training goes on where it was and ends with the same result (bit by bit with one thread).
 */
import { createHash } from 'node:crypto'
import { digestOf, largest } from '../models/classifier.ts'
import { encodeModel } from '../models/onnx.ts'
import { floats } from '../models/session.ts'
import { type Batch, drawFraction, epochBatches, stepsPerEpoch } from './batches.ts'
import type { CheckpointLayout } from './checkpoint-layout.ts'
import type { Rates } from './descent.ts'
import { LearningError } from './errors.ts'
import type { Features } from './features.ts'
import type { Feeds } from './feeds.ts'
import type { HeldKernels } from './held-kernels.ts'
import type { ImageSet } from './image-set.ts'
import { matches } from './matches.ts'
import { oneAhead } from './preparation/one-ahead.ts'
import { defaultMomentum, rateFactor } from './schedule.ts'
import { packValues, type Slot, slotsLength, unpackValues } from './slots.ts'
import type { Evaluation, Steps } from './steps.ts'
import { type Student, withWeights } from './student.ts'
import { classWeights, imageWeights, targetRows } from './targets.ts'
import type { Checkpoint, TrainingHooks, TrainingOutcome, TrainingRequest } from './training.ts'
import type { TrainingGraphs } from './training-graph.ts'
import { wire } from './wire.ts'

/** A student with the sessions that train it. */
export interface Network {
  readonly student: Student
  readonly intoFile: HeldKernels['intoFile']
  readonly layout: CheckpointLayout
  readonly graphs: TrainingGraphs
  readonly steps: Steps
  readonly evaluation: Evaluation
  featuresOf(images: ImageSet): Features
  close(): Promise<void>
}

export interface RunRequest extends Omit<TrainingRequest, 'model' | 'classes'> {
  readonly classes: number
  readonly modelDigest: string
  readonly baselineAccuracy: number
  /** Reading of hooks.cpuSeconds when the work on this request began. */
  readonly begunCpuSeconds: number
}

export type RunHooks = TrainingHooks & Required<Pick<TrainingHooks, 'now' | 'cpuSeconds'>>

/**
 * Share of the running statistics that a step keeps: a mean over the last part of a training. Its length goes with the number of steps: a
 * mean over ten steps lags behind weights that are trained for twenty, and the model is worthless until they stand still.
 */
const statisticsMomentum = (step: number, total: number): number =>
  Math.min(0.9, step / (step + 1), total / (total + 40))

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type State = Mutable<Checkpoint>

export async function runTraining(
  network: Network,
  request: RunRequest,
  hooks: RunHooks,
  signal?: AbortSignal,
): Promise<TrainingOutcome> {
  const { configuration, train, validation } = request
  const { seed, epochs, batchSize, dataFraction } = configuration
  const used = drawFraction(seed, train.count, dataFraction)
  const labels = Int32Array.from(used, index => train.labels[index]!)
  const weights = classWeights(labels, request.classes, configuration.classBalanced ?? false)
  const counting = train.weights && imageWeights(Float32Array.from(used, index => train.weights![index]!))
  const steps = stepsPerEpoch(used.length, batchSize)
  const state = startingState(network, request)
  const stopWhenAborted = async (): Promise<void> => {
    if (!signal?.aborted) return
    await hooks.onCheckpoint?.(network.layout.checkpointOf(state))
    throw new LearningError('Cancelled', 'the training was cancelled', { cause: signal.reason })
  }
  const inputs = network.featuresOf(train)
  const featuresBegun = hooks.cpuSeconds()
  await inputs.prepare(used, configuration.augment ?? true, stopWhenAborted)
  const setup = {
    setupCpuSeconds: hooks.cpuSeconds() - request.begunCpuSeconds,
    featureCpuSeconds: hooks.cpuSeconds() - featuresBegun,
  }
  let checkpointAt = hooks.now()
  hooks.onStep?.(state.epoch * steps + state.step, epochs * steps)

  while (state.epoch < epochs && !stale(state, configuration.earlyStop)) {
    const batches = epochBatches({
      seed,
      epoch: state.epoch + 1,
      count: used.length,
      batchSize,
      augment: configuration.augment ?? true,
      photometric: configuration.photometric ?? 0.4,
      ...(configuration.balancedSampling ? { balance: labels } : {}),
    })
    const prepare = async (some: readonly Batch[]) => {
      const targets = some.map(({ indexes }) => {
        const rows = indexes.map(index => labels[index]!)
        const counts = counting && Float32Array.from(indexes, index => counting[index]!)
        return { rows, values: targetRows(rows, weights, counts) }
      })
      const rows = joined(
        Int32Array,
        targets.map(each => each.rows),
      )
      const values = joined(
        Float32Array,
        targets.map(each => each.values),
      )
      const images = Int32Array.from(
        some.flatMap(({ indexes }) => [...indexes]),
        index => used[index]!,
      )
      const read = await inputs.batch(
        images,
        some.flatMap(({ alterations }) => alterations),
      )
      const feeds = { ...read, [wire.targets]: floats(values, [rows.length, request.classes]) }
      return { rows, feeds, steps: some.length }
    }
    let begun = hooks.cpuSeconds()
    const together = takenTogether(batches.slice(state.step), images => network.steps.atOnce(images))
    for await (const { rows, feeds, steps: taken } of oneAhead(together, prepare)) {
      await stopWhenAborted()
      const rates = Array.from({ length: taken }, (_, i) =>
        ratesAt(configuration, state.epoch * steps + state.step + i, epochs * steps, state.reports),
      )
      await take(network, state, feeds, rows, rates)
      const done = hooks.cpuSeconds()
      state.running = { ...state.running, cpuSeconds: state.running.cpuSeconds + done - begun }
      hooks.onStep?.(state.epoch * steps + state.step, epochs * steps)
      if (hooks.now() - checkpointAt >= (hooks.checkpointEverySeconds ?? Number.POSITIVE_INFINITY)) {
        await hooks.onCheckpoint?.(network.layout.checkpointOf(state))
        checkpointAt = hooks.now()
      }
      begun = hooks.cpuSeconds()
    }
    await finishEpoch(network, state, validation, { samples: used.length, steps }, hooks, stopWhenAborted)
  }
  return outcome(network, state, used.length, setup)
}

/** A checkpoint of the same request, or the beginning. */
function startingState({ student, graphs, layout }: Network, request: RunRequest): State {
  const fingerprint = fingerprintOf(layout.parameters, graphs.statistics, request)
  if (request.resume !== undefined) {
    if (request.resume.fingerprint !== fingerprint)
      throw new LearningError(
        'ConfigInvalid',
        'the checkpoint belongs to another model, configuration or data',
      )
    return layout.stateOf(request.resume)
  }
  const parameters = packValues(graphs.parameters, student.initializers)
  const statistics = packValues(graphs.statistics, student.initializers)
  return {
    fingerprint,
    epoch: 0,
    step: 0,
    baselineAccuracy: request.baselineAccuracy,
    running: { loss: 0, correct: 0, cpuSeconds: 0 },
    reports: [],
    best: null,
    parameters,
    velocity: new Float32Array(slotsLength(graphs.parameters)),
    statistics,
    bestParameters: parameters.slice(),
    bestStatistics: statistics.slice(),
  }
}

function fingerprintOf(
  parameters: readonly Slot[],
  statistics: readonly Slot[],
  { modelDigest, classes, configuration, train, validation }: RunRequest,
): string {
  const { threads: _, ...deciding } = configuration
  const hash = createHash('sha256')
    .update(modelDigest)
    .update(JSON.stringify({ ...deciding, classes }))
    // A checkpoint holds values without names.
    .update(JSON.stringify([parameters, statistics]))
  for (const { pixels, labels, weights } of [train, validation]) {
    hash.update(pixels).update(bytesOf(labels))
    if (weights !== undefined) hash.update(bytesOf(weights))
  }
  return hash.digest('hex')
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** Whether the validation accuracy has not risen for so many epochs. */
function stale({ reports }: State, earlyStop = Number.POSITIVE_INFINITY): boolean {
  const accuracies = reports.map(report => report.validationAccuracy)
  return reports.length - 1 - accuracies.indexOf(Math.max(...accuracies)) >= earlyStop
}

function ratesAt(
  configuration: RunRequest['configuration'],
  at: number,
  total: number,
  reports: State['reports'],
): Rates {
  const { learningRate, weightDecay = 5e-4, schedule = 'one-cycle' } = configuration
  const { momentum = defaultMomentum(schedule) } = configuration
  const losses = reports.map(report => report.loss)
  return {
    learningRate: learningRate * rateFactor(schedule, at, total, losses),
    momentum,
    weightDecay,
    keep: statisticsMomentum(at, total),
  }
}

/** Batches of one size, as many as `atOnce` says when they are asked for. */
function* takenTogether(
  batches: readonly Batch[],
  atOnce: (images: number) => number,
): Generator<readonly Batch[]> {
  for (let from = 0; from < batches.length; ) {
    const images = batches[from]!.indexes.length
    const other = batches.findIndex((batch, i) => i > from && batch.indexes.length !== images)
    const to = Math.min(from + atOnce(images), other < 0 ? batches.length : other)
    yield batches.slice(from, to)
    from = to
  }
}

function joined<T extends Int32Array | Float32Array>(
  kind: new (length: number) => T,
  parts: readonly T[],
): T {
  const whole = new kind(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

async function take(
  { steps }: Network,
  state: State,
  feeds: Feeds,
  labels: Int32Array,
  rates: readonly Rates[],
): Promise<void> {
  const { weights, losses, logits } = await steps.take(state, feeds, rates)
  const diverged = losses.findIndex(loss => !Number.isFinite(loss))
  if (diverged >= 0)
    throw new LearningError(
      'LossDiverged',
      `the loss became ${losses[diverged]} in step ${state.step + diverged + 1} of epoch ${state.epoch + 1}; a lower learningRate may help`,
    )
  state.parameters = weights.parameters
  state.velocity = weights.velocity
  state.statistics = weights.statistics
  state.running = {
    ...state.running,
    loss: losses.reduce((sum, loss) => sum + loss, state.running.loss),
    correct: state.running.correct + matches(largest(logits, logits.length / labels.length), labels),
  }
  state.step += rates.length
}

async function finishEpoch(
  network: Network,
  state: State,
  validation: ImageSet,
  { samples, steps }: { samples: number; steps: number },
  hooks: RunHooks,
  between: () => Promise<void>,
): Promise<void> {
  const begun = hooks.cpuSeconds()
  const validationAccuracy = await evaluate(network, state, validation, between)
  const { loss, correct, cpuSeconds } = state.running
  const report = {
    epoch: state.epoch + 1,
    loss: loss / steps,
    trainAccuracy: correct / samples,
    validationAccuracy,
    cpuSeconds: cpuSeconds + hooks.cpuSeconds() - begun,
    stepCpuSeconds: cpuSeconds,
  }
  if (state.best === null || validationAccuracy >= state.best.accuracy) {
    state.best = { epoch: report.epoch, accuracy: validationAccuracy }
    state.bestParameters.set(state.parameters)
    state.bestStatistics.set(state.statistics)
  }
  state.reports = [...state.reports, report]
  state.running = { loss: 0, correct: 0, cpuSeconds: 0 }
  state.epoch++
  state.step = 0
  hooks.onEpoch?.(report)
}

async function evaluate(
  { evaluation, featuresOf }: Network,
  state: State,
  images: ImageSet,
  between: () => Promise<void>,
): Promise<number> {
  const source = featuresOf(images)
  let correct = 0
  for (let from = 0; from < images.count; from += evaluation.atOnce) {
    await between()
    const count = Math.min(evaluation.atOnce, images.count - from)
    const indexes = Int32Array.from({ length: count }, (_, i) => from + i)
    const logits = await evaluation.logits(state, await source.batch(indexes), count)
    if (!logits.every(Number.isFinite))
      throw new LearningError(
        'LossDiverged',
        `the answers are no numbers after epoch ${state.epoch + 1}; a lower learningRate may help`,
      )
    correct += matches(largest(logits, logits.length / count), images.labels.subarray(from, from + count))
  }
  return correct / images.count
}

function outcome(
  { student, graphs, intoFile }: Network,
  state: State,
  samples: number,
  setup: Pick<TrainingOutcome, 'setupCpuSeconds' | 'featureCpuSeconds'>,
): TrainingOutcome {
  const values = new Map([
    ...unpackValues(graphs.parameters, state.bestParameters),
    ...unpackValues(graphs.statistics, state.bestStatistics),
  ])
  const model = encodeModel(withWeights(student.model, intoFile(values)))
  return {
    model,
    digest: digestOf(model),
    bestEpoch: state.best!.epoch,
    bestValidationAccuracy: state.best!.accuracy,
    baselineAccuracy: state.baselineAccuracy,
    epochs: state.reports,
    samples,
    ...setup,
  }
}
