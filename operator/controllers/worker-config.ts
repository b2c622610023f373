/**
 * What each worker pod is told, from the specs and from what is written in status. Pure.
 */
import { parseDuration } from '../api/duration.ts'
import type { CameraStream, RetrainingWindow } from '../api/generated/types.ts'
import { readableSource, sourceProblem } from '../api/sources.ts'
import type {
  Device,
  InferenceConfiguration,
  InferenceWorkerConfig,
  ModelReference,
  ProfileWorkerConfig,
  RetrainingConfiguration,
  Source,
  TrainingWorkerConfig,
  WindowClock,
} from '../api/worker.ts'
import type { PlanItem } from './plan-status.ts'
import { profilingEndsBy } from './retraining-window/profiling-time.ts'
import { configurationsWorthTrying } from './retraining-window/site-record.ts'

export interface WorkerConfigInput {
  readonly stream: CameraStream
  readonly window: RetrainingWindow
  readonly item: PlanItem
  readonly device: Device
  /** Where the storage is mounted in the pod. */
  readonly storage: string
  readonly seed: number
  /** Configurations that are to be micro-profiled, in this order; absent: those worth trying, the cheapest first. */
  readonly profilingOrder?: readonly string[]
}

/** How often an unfinished training saves its state. */
const checkpointEverySeconds = 10

/** The model a stream should serve: the last one accepted, unless spec names another one since. */
export function servedModel(stream: CameraStream): ModelReference {
  const { model } = stream.status ?? {}
  if (model?.uri === undefined || model.initialUri !== stream.spec.model.uri)
    return { uri: stream.spec.model.uri }
  return { uri: model.uri, ...(model.digest === undefined ? {} : { digest: model.digest }) }
}

export function firstDeployedModel(stream: CameraStream): ModelReference {
  const { model } = stream.status ?? {}
  const digest = model?.initialUri === stream.spec.model.uri ? model.initialDigest : undefined
  return { uri: stream.spec.model.uri, ...(digest === undefined ? {} : { digest }) }
}

export function servedConfiguration(stream: CameraStream, name: string | undefined): InferenceConfiguration {
  const { configurations } = stream.spec.inference
  return configurations.find(c => c.name === name) ?? configurations[0]!
}

/** The window as inference pods are told it; undefined while none runs. */
export function windowClock(window: RetrainingWindow): WindowClock | undefined {
  const { current } = window.status ?? {}
  if (current?.startedAt === undefined || current.endsAt === undefined) return undefined
  return {
    index: current.index,
    startsAt: current.startedAt,
    durationSeconds: parseDuration(window.spec.duration),
    maxSamples: window.spec.labeling.maxSamples,
  }
}

/** @param succession where the pod is not the stream's first: its generation, and whether it is to take over from another one. */
export function inferenceConfig(
  input: WorkerConfigInput,
  succession: Pick<InferenceWorkerConfig, 'generation' | 'standby'> = {},
): InferenceWorkerConfig {
  const { stream, window, item } = input
  const clock = windowClock(window)
  return {
    ...common(input),
    role: 'inference',
    source: source(stream),
    frameRate: stream.spec.frameRate,
    model: servedModel(stream),
    configuration: servedConfiguration(stream, item.inferenceConfiguration),
    ...(clock === undefined ? {} : { window: clock }),
    ...succession,
  }
}

export function profileConfig(input: WorkerConfigInput): ProfileWorkerConfig {
  const { stream, window, profilingOrder } = input
  const { microProfiler, retraining, labeling } = window.spec
  const { index = 0, startedAt } = window.status?.current ?? {}
  const seconds = parseDuration(window.spec.duration)
  const worthTrying =
    profilingOrder ??
    configurationsWorthTrying(
      retraining.configurations.map(({ name }) => name),
      window.status?.history ?? [],
      index,
    )
  return {
    ...common(input),
    role: 'profile',
    window: index,
    samplesWindow: index - 1,
    ...(stream.spec.goldenModel === undefined ? {} : { goldenModel: { uri: stream.spec.goldenModel.uri } }),
    model: servedModel(stream),
    initialModel: firstDeployedModel(stream),
    maxSamples: labeling.maxSamples,
    microProfiler: {
      epochs: microProfiler.epochs,
      sampleFraction: microProfiler.sampleFraction,
      budgetGpuSeconds:
        (microProfiler.budgetFraction * seconds) / Math.max(1, window.status?.plan?.items.length ?? 1),
      ...(profilingOrder && { order: profilingOrder }),
    },
    configurations: retraining.configurations.filter(({ name }) =>
      worthTrying.includes(name),
    ) as readonly RetrainingConfiguration[],
    historyWindows: retraining.historyWindows,
    historyWeight: retraining.historyWeight,
    validationFraction: retraining.validationFraction,
    ...(startedAt === undefined ? {} : { endsBy: profilingEndsBy(startedAt, seconds) }),
  }
}

/** @param spent by pods before it on the same training. */
export function trainingConfig(
  input: WorkerConfigInput,
  spent?: TrainingWorkerConfig['spent'],
): TrainingWorkerConfig {
  const { stream, window, item } = input
  const { retraining } = window.spec
  const index = window.status?.current?.index ?? 0
  const configuration = retraining.configurations.find(c => c.name === item.retrainingConfiguration)
  if (configuration === undefined)
    throw new Error(
      `RetrainingWindow ${window.metadata.name}: the plan names the retraining configuration ${item.retrainingConfiguration}, which spec.retraining.configurations does not have`,
    )
  const newest = index - 1
  const oldest = Math.max(0, newest - retraining.historyWindows)
  return {
    ...common(input),
    role: 'training',
    window: index,
    model: servedModel(stream),
    configuration: configuration as RetrainingConfiguration,
    samplesWindows: Array.from({ length: newest - oldest + 1 }, (_, i) => newest - i),
    historyWeight: retraining.historyWeight,
    validationFraction: retraining.validationFraction,
    checkpointEverySeconds,
    ...(spent === undefined ? {} : { spent }),
  }
}

function common({ stream, device, storage, seed }: WorkerConfigInput) {
  return {
    namespace: stream.metadata.namespace ?? 'default',
    stream: stream.metadata.name,
    classes: stream.spec.classes,
    storage,
    device,
    seed,
  }
}

/** A stream that workers cannot read has no pods (`wantedPods`), so nobody asks what to tell them. */
function source({ metadata, spec }: CameraStream): Source {
  const readable = readableSource(spec.source)
  if (readable !== undefined) return readable
  throw new Error(`CameraStream ${metadata.name}: ${sourceProblem(spec.source)}`)
}
