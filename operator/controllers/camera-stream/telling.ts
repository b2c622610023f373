/**
 * What an inference pod is told over HTTP: the window, the model and the inference configuration, as far as they differ from its last answer.
 */
import type { CameraStream } from '../../api/generated/types.ts'
import {
  configVariable,
  type InferenceStatus,
  type InferenceWorkerConfig,
  type WindowClock,
  workerPort,
} from '../../api/worker.ts'
import type { Pod } from '../../cluster/pod.ts'
import type { PodSnapshot } from '../../cluster/snapshot.ts'
import type { WorkerClient } from '../../cluster/worker-client.ts'
import { servedConfiguration, servedModel } from '../worker-config.ts'

export interface Told {
  /** The worker's newest answer. */
  readonly status?: InferenceStatus
  readonly refusal?: { readonly code: string; readonly message: string }
  readonly unreached?: boolean
}

export interface Wanted {
  readonly clock?: WindowClock
  /** Name of the inference configuration; absent: the first. */
  readonly configuration?: string
}

export interface TellingDependencies {
  readonly workers: Pick<WorkerClient, 'setModel' | 'setWindow' | 'setConfiguration'>
  /** A worker's answer to a call. */
  readonly learn: (pod: Pod, status: InferenceStatus) => void
}

/** Tells the worker what differs from its last answer. */
export async function tell(
  stream: CameraStream,
  pod: PodSnapshot<InferenceStatus>,
  wanted: Wanted,
  { workers, learn }: TellingDependencies,
  signal: AbortSignal,
): Promise<Told> {
  let status = pod.status
  if (status === undefined || pod.terminating || pod.finished || !pod.ready) return {}
  const address = `${pod.pod.status?.podIP}:${workerPort}`
  const take = (answer: InferenceStatus) => {
    status = answer
    learn(pod.pod, answer)
  }
  try {
    const { clock } = wanted
    if (
      clock !== undefined &&
      (status.window?.index !== clock.index || !sameTime(status.window.startsAt, clock.startsAt))
    )
      take(await workers.setWindow(address, clock, signal))
    const model = servedModel(stream)
    const served =
      model.digest === undefined ? status.model.uri === model.uri : status.model.digest === model.digest
    if (!served && knowsClasses(pod.pod, stream)) take(await workers.setModel(address, model, signal))
    const configuration = servedConfiguration(stream, wanted.configuration)
    if (status.configuration !== configuration.name)
      take(await workers.setConfiguration(address, configuration, signal))
    return { status }
  } catch (error) {
    signal.throwIfAborted()
    const { code, message, retryable } = error as { code?: string; message: string; retryable?: boolean }
    if (code === undefined) throw error
    return retryable === true ? { status, unreached: true } : { status, refusal: { code, message } }
  }
}

/**
 * Whether a pod was made with the stream's classes. Another one is about to be replaced, and would give the outputs of a model that came with
 * other classes the names of its own.
 */
function knowsClasses({ spec }: Pod, stream: CameraStream): boolean {
  const config = spec.containers.flatMap(({ env = [] }) => env).find(({ name }) => name === configVariable)
  if (config?.value === undefined) return true
  const { classes } = JSON.parse(config.value) as InferenceWorkerConfig
  return JSON.stringify(classes) === JSON.stringify(stream.spec.classes)
}

const sameTime = (a: string, b: string): boolean => Date.parse(a) === Date.parse(b)
