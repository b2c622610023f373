/** The model in use as something that can be measured and trained. */
import { availableParallelism } from 'node:os'
import type { Device, ModelReference } from '../../operator/api/worker.ts'
import { createTrainer, type Trainer } from '../learning/trainer.ts'
import { digestOf, readModel, tooManyOutputs } from '../models/classifier.ts'
import { resolveModel } from '../models/store.ts'
import { failureOf, WorkerFailure } from './failure.ts'

export interface StudentOptions {
  readonly storage: string
  readonly classes: readonly string[]
  readonly device: Device
}

/**
 * A model with fewer outputs than there are classes gets outputs for those at the end, which were added after it was trained.
 *
 * @throws ModelError or WorkerFailure ModelNotFound, ModelInvalid, ModelDigestMismatch, ModelClassesMismatch (more outputs),
 * OperatorUnsupported (its head cannot get any); all name the file.
 */
export async function loadStudent(model: ModelReference, options: StudentOptions): Promise<Trainer> {
  const path = resolveModel(options.storage, model)
  const bytes = await readModel(path)
  const digest = digestOf(bytes)
  if (model.digest !== undefined && model.digest !== digest)
    throw new WorkerFailure(
      'ModelDigestMismatch',
      `${path} has the digest ${digest}, expected ${model.digest}`,
    )
  const trainer = await createTrainer(bytes, {
    device: options.device.kind,
    threads: trainingThreads(options.device.cores),
    fewestClasses: options.classes.length,
    prepareAside: preparesAside(options.device),
  }).catch((cause: unknown) => {
    const { code, message } = failureOf(cause)
    throw new WorkerFailure(code, `${path}: ${message}`, { cause })
  })
  if (trainer.classes <= options.classes.length) return trainer
  await trainer.close()
  throw tooManyOutputs(path, trainer.classes, options.classes.length)
}

/**
 * Whether batches are prepared in a thread beside the training: on less than two cores it would only take from it (a tenth more cpu time, and
 * 30 MiB). A share of a node's cores may be less than two although they are more.
 *
 * @param usable cores that this process may use; by default what its cpu limit (cgroup v2) leaves of the machine's, rounded down.
 */
export const preparesAside = ({ kind, cores = 1 }: Device, usable = availableParallelism()): boolean =>
  kind === 'cuda' || Math.min(cores, usable) >= 2

/** Threads of a training: what its device has, as far as small networks make use of it. One thread makes results repeatable. */
export const trainingThreads = (cores = 1): number => Math.max(1, Math.min(4, Math.floor(cores)))
