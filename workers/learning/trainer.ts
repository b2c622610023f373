/**
 * Trains one model, as often as wanted: graphs, sessions and frozen features are kept between runs, so that a micro-profile of several
 * configurations pays for each only once.
 *
 * With one thread the outcome depends on the request alone. Training runs between awaits: a step blocks the event loop, nothing longer does.
 */
import { openClassifier } from '../models/classifier.ts'
import { chooseProvider, type ProviderChoice } from '../models/provider.ts'
import { openSession, type Provider, type Session } from '../models/session.ts'
import { checkRequest } from './check-request.ts'
import { checkpointLayout } from './checkpoint-layout.ts'
import { withKnownShapes } from './computed-shapes.ts'
import { type Features, features } from './features.ts'
import { holdKernels } from './held-kernels.ts'
import { withHiddenLayer } from './hidden-layer.ts'
import type { ImageSet, ImageShape } from './image-set.ts'
import { accuracyOf } from './matches.ts'
import { withClasses } from './more-classes.ts'
import { createPreparationThread, inPlace, type Preparation } from './preparation/thread.ts'
import { type Network, runTraining } from './run.ts'
import { type Strengths, strengthsOf } from './strengths.ts'
import { firstTrained, nodeInTraining, readStudent, type Student, withOwnWeights } from './student.ts'
import type { TrainingConfiguration, TrainingHooks, TrainingOutcome, TrainingRequest } from './training.ts'
import { writeTrainingGraphs } from './training-graph.ts'
import { evaluationInPlace, stepsInPlace } from './weights-in-place.ts'
import { onDevice } from './weights-on-device.ts'

export interface Trainer {
  /** That are trained: the model's outputs, or more. */
  readonly classes: number
  readonly shape: ImageShape
  /** sha-256 of the model, hex. */
  readonly digest: string
  /** What a user should know of the model, which is trained all the same. */
  readonly remark?: string
  /** What trains, and why it does. */
  readonly provider: ProviderChoice
  /** @throws LearningError OperatorUnsupported, LossDiverged, TooFewSamples, LabelsInvalid, ConfigInvalid, Cancelled */
  train(
    request: Omit<TrainingRequest, 'model' | 'classes'>,
    hooks?: TrainingHooks,
    signal?: AbortSignal,
  ): Promise<TrainingOutcome>
  /** Accuracy of the model as given. */
  accuracy(images: ImageSet): Promise<number>
  close(): Promise<void>
}

export interface TrainerOptions {
  /** Names the model in messages. Default "the model". */
  readonly origin?: string
  /** What shall train; cuda falls back to cpu where the runtime has none. Default cpu. */
  readonly device?: Provider
  /** Of the model as given, inside one operator; trainings have their own. Default 1. */
  readonly threads?: number
  /** Where there are more than the model has outputs, its head gets new ones behind the old. Default: as many as it has. */
  readonly classes?: number
  /** As `classes`, and a model that has more outputs keeps them. */
  readonly fewestClasses?: number
  /** Prepares the next batch in a thread of its own while a step runs, for which it needs a core to itself at times. Default false. */
  readonly prepareAside?: boolean
  /** Threads of a training wait for each other by spinning, for who has as many cores to itself. Default false. */
  readonly spin?: boolean
  /** By which graphs are written. Default: those of what trains. */
  readonly strengths?: Strengths
}

/** @throws LearningError, ModelError ModelInvalid */
export async function createTrainer(
  bytes: Uint8Array,
  {
    origin = 'the model',
    device = 'cpu',
    threads = 1,
    classes: wanted,
    fewestClasses = 0,
    prepareAside = false,
    spin = false,
    strengths,
  }: TrainerOptions = {},
): Promise<Trainer> {
  const student = readStudent(bytes, origin)
  const classifier = await openClassifier(bytes, origin, { device, threads })
  const more = wanted ?? (classifier.classes < fewestClasses ? fewestClasses : undefined)
  try {
    // Refuses at once what no seed can make possible.
    if (more !== undefined) withClasses(student, more, 0)
  } catch (error) {
    await classifier.close()
    throw error
  }
  const classes = more ?? classifier.classes
  const choice = await chooseProvider(device)
  const { provider } = choice
  const runtime = { provider, strengths: strengths ?? (await strengthsOf(provider)) }
  const { input: shape, digest } = classifier
  const preparation = prepareAside ? createPreparationThread() : inPlace
  const compiled = new Map<string, Promise<Network>>()
  const baselines = new WeakMap<ImageSet, Promise<number>>()

  const networkFor = (configuration: TrainingConfiguration): Promise<Network> => {
    const { trainableLayers, hiddenUnits, freezeBatchNorm = false, seed, threads } = configuration
    const key = JSON.stringify([
      trainableLayers,
      freezeBatchNorm,
      hiddenUnits ?? null,
      // Where it draws new weights.
      hiddenUnits === undefined && more === undefined ? 0 : seed,
      threads,
    ])
    let known = compiled.get(key)
    if (known === undefined) {
      known = compile(student, { ...runtime, classes: more, preparation, spin }, configuration)
      compiled.set(key, known)
    }
    return known
  }
  const accuracy = (images: ImageSet): Promise<number> => {
    const known = baselines.get(images)
    if (known !== undefined) return known
    const measured = accuracyOf(classifier, images, runtime.strengths.anySize)
    baselines.set(images, measured)
    return measured
  }
  return {
    classes,
    shape,
    digest,
    provider: choice,
    ...remarkOn(student),
    accuracy,
    train: async (request, hooks = {}, signal) => {
      checkRequest(request, classes, shape)
      const cpuSeconds = hooks.cpuSeconds ?? processCpuSeconds
      const now = hooks.now ?? (() => performance.now() / 1000)
      const begun = cpuSeconds()
      const network = await networkFor(request.configuration)
      const baselineAccuracy = await accuracy(request.validation)
      const given = { ...request, classes, modelDigest: digest, baselineAccuracy, begunCpuSeconds: begun }
      return await runTraining(network, given, { ...hooks, now, cpuSeconds }, signal)
    },
    close: async () => {
      await classifier.close()
      await preparation.close()
      for (const each of compiled.values()) await (await each.catch(() => null))?.close()
    },
  }
}

function remarkOn(student: Student): Pick<Trainer, 'remark'> {
  const node = nodeInTraining(student)
  if (node === undefined) return {}
  const named = `node ${node.name || node.output[0]} (${node.opType})`
  return {
    remark: `${named} is in training mode: what the model answers hangs on the other images of a batch, or on chance; better export it for inference`,
  }
}

const processCpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

interface Compilation {
  readonly provider: Provider
  readonly strengths: Strengths
  readonly classes: number | undefined
  readonly preparation: Preparation
  readonly spin: boolean
}

async function compile(
  given: Student,
  { provider, strengths, classes, preparation, spin }: Compilation,
  { trainableLayers, hiddenUnits, freezeBatchNorm = false, seed, threads }: TrainingConfiguration,
): Promise<Network> {
  const base = classes === undefined ? given : withClasses(given, classes, seed)
  const shaped = hiddenUnits === undefined ? base : withHiddenLayer(base, hiddenUnits, seed)
  const added = hiddenUnits === undefined ? 0 : 1
  // The hidden layer counts as part of the head: "the last n layers" means n layers of the model as the user knows it.
  const trainable = typeof trainableLayers === 'number' ? trainableLayers + added : trainableLayers
  const first = trainable === 'head' ? firstTrained(shaped, 1 + added) : firstTrained(shaped, trainable)
  const file = await withKnownShapes(withOwnWeights(shaped, first))
  const kernels = await holdKernels(file, { first, strengths })
  const { student, shapes } = kernels
  const graphs = writeTrainingGraphs(student, shapes, {
    first,
    freezeStatistics: freezeBatchNorm,
    strengths,
  })
  const opened: Session[] = []
  const open = async (bytes: Uint8Array): Promise<Session> => {
    try {
      opened.push(await openSession(bytes, { provider, threads, spin }))
    } catch (error) {
      for (const session of opened) await session.release()
      throw error
    }
    return opened.at(-1)!
  }
  const openStep = (): Promise<Session> => openSession(graphs.step, { provider, threads, spin })
  const { steps, evaluation } = strengths.weightsInPlace
    ? {
        steps: stepsInPlace(graphs, await open(graphs.step)),
        evaluation: evaluationInPlace(graphs, await open(graphs.evaluation)),
      }
    : onDevice(graphs, openStep, await open(graphs.evaluation))
  const frozen = graphs.frozen === null ? null : await open(graphs.frozen)
  const known = new WeakMap<ImageSet, Features>()
  return {
    student,
    intoFile: kernels.intoFile,
    layout: checkpointLayout(file, kernels, graphs),
    graphs,
    steps,
    evaluation,
    featuresOf(images) {
      let found = known.get(images)
      if (found === undefined) {
        found = features(images, graphs, student.input, frozen, { preparation, anySize: strengths.anySize })
        known.set(images, found)
      }
      return found
    },
    close: async () => {
      await steps.close()
      await evaluation.close()
      await frozen?.release()
    },
  }
}
