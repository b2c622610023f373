/**
 * The model in use and its replacement: a new one is loaded, checked and tried while the old one goes on, and takes its place between
 * two frames. One that cannot be used changes nothing.
 */
import type { Device, ModelReference } from '../../operator/api/worker.ts'
import { type Classifier, loadClassifier } from '../models/classifier.ts'
import { resolveModel } from '../models/store.ts'
import { WorkerFailure } from '../runtime/failure.ts'

export interface ModelSlotOptions {
  readonly storage: string
  readonly classes: number
  /** Default: a CPU. */
  readonly device?: Device
}

interface LoadedModel {
  uri: string
  readonly classifier: Classifier
  /** Calls under way. */
  users: number
}

export class ModelSlot {
  readonly #options: ModelSlotOptions
  #current: LoadedModel | null = null
  #loading: Promise<void> = Promise.resolve()

  constructor(options: ModelSlotOptions) {
    this.#options = options
  }

  /** The model that the next frame goes through; null before the first is loaded. */
  get reference(): { readonly uri: string; readonly digest: string } | null {
    return this.#current && { uri: this.#current.uri, digest: this.#current.classifier.digest }
  }

  /** Classes at the end of the list that the model in use cannot answer yet: they were added after it was trained. */
  get unknownClasses(): number {
    return this.#current === null ? 0 : this.#options.classes - this.#current.classifier.classes
  }

  /** One at a time, in the order of the calls. @returns whether the model changed. @throws ModelError */
  replace(reference: ModelReference): Promise<boolean> {
    const turn = this.#loading.then(() => this.#replace(reference))
    this.#loading = turn.then(
      () => {},
      () => {},
    )
    return turn
  }

  async #replace(reference: ModelReference): Promise<boolean> {
    const { storage, classes, device } = this.#options
    const path = resolveModel(storage, reference)
    const before = this.#current
    if (before !== null && before.classifier.digest === reference.digest) {
      before.uri = reference.uri
      return false
    }
    const classifier = await loadClassifier(path, {
      mostClasses: classes,
      ...(device === undefined ? {} : { device: device.kind }),
      ...(reference.digest === undefined ? {} : { expectedDigest: reference.digest }),
    })
    try {
      await tryOut(classifier, path)
    } catch (error) {
      await classifier.close()
      throw error
    }
    this.#current = { uri: reference.uri, classifier, users: 0 }
    if (before !== null && before.users === 0) await before.classifier.close()
    return true
  }

  /** Runs `work` on the model in use, which stays open until it is done. */
  async use<T>(work: (classifier: Classifier) => Promise<T>): Promise<T> {
    const model = this.#current
    if (model === null) throw new WorkerFailure('ModelNotFound', 'no model is loaded', { retryable: true })
    model.users++
    try {
      return await work(model.classifier)
    } finally {
      if (--model.users === 0 && model !== this.#current) await model.classifier.close()
    }
  }

  async close(): Promise<void> {
    await this.#loading
    const model = this.#current
    this.#current = null
    if (model !== null && model.users === 0) await model.classifier.close()
  }
}

/** A model can be well-formed and still fail on its first image; that must not happen to a camera's frame. */
async function tryOut(classifier: Classifier, path: string): Promise<void> {
  const { channels, height, width } = classifier.input
  if (channels !== 3)
    throw new WorkerFailure('ModelInvalid', `${path} takes images of ${channels} channels; accepted: 3 (RGB)`)
  try {
    await classifier.classify(new Uint8Array(3 * height * width), 1)
  } catch (cause) {
    throw new WorkerFailure(
      'ModelInvalid',
      `${path} cannot be run: ${(cause as Error).message.split('\n')[0]}`,
      { cause },
    )
  }
}
