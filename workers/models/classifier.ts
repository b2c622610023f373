/**
 * A classifier read from an ONNX file: one float32 input [N, C, H, W], one float32 output [N, classes].
 * Pixels come in as bytes, N × C × H × W, RGB. Every refusal names the file and what is accepted.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ImageShape } from './build.ts'
import { ModelError } from './errors.ts'
import { normalisePixels } from './pixels.ts'
import { chooseProvider } from './provider.ts'
import { floats, openSession, type Provider, type Session } from './session.ts'

export interface Classifier {
  /** sha-256 of the file, hex. */
  readonly digest: string
  readonly classes: number
  readonly input: ImageShape
  /** @returns count × classes. */
  logits(pixels: Uint8Array, count: number): Promise<Float32Array>
  /** The class of the largest logit of each image. */
  classify(pixels: Uint8Array, count: number): Promise<Int32Array>
  close(): Promise<void>
}

export interface ClassifierOptions {
  /** What shall run it; cuda falls back to cpu where the runtime has none. Default cpu. */
  readonly device?: Provider
  /** Threads inside one operator. Default 1. */
  readonly threads?: number
  readonly expectedClasses?: number
  /** A model with fewer outputs is taken: classes were added behind those that it knows. */
  readonly mostClasses?: number
  /** sha-256 in hex. */
  readonly expectedDigest?: string
}

/** @throws ModelError ModelNotFound, ModelInvalid, ModelDigestMismatch, ModelClassesMismatch */
export async function loadClassifier(path: string, options: ClassifierOptions = {}): Promise<Classifier> {
  return openClassifier(await readModel(path), path, options)
}

/** As {@link loadClassifier}, from a file's bytes; `origin` names it in messages. */
export async function openClassifier(
  bytes: Uint8Array,
  origin: string,
  { device = 'cpu', threads = 1, expectedClasses, mostClasses, expectedDigest }: ClassifierOptions = {},
): Promise<Classifier> {
  const digest = digestOf(bytes)
  if (expectedDigest !== undefined && expectedDigest !== digest)
    throw new ModelError(
      'ModelDigestMismatch',
      `${origin} has the digest ${digest}, expected ${expectedDigest}`,
    )
  let session: Session
  try {
    const { provider } = await chooseProvider(device)
    session = await openSession(bytes, { provider, threads })
  } catch (cause) {
    const reason = firstLine(cause)
    const hint = /external data/i.test(reason) ? '; accepted: weights inside the file' : ''
    throw new ModelError('ModelInvalid', `${origin} cannot be loaded: ${reason}${hint}`, { cause })
  }
  try {
    const { input, classes } = signature(session, origin)
    if (expectedClasses !== undefined && expectedClasses !== classes)
      throw new ModelError(
        'ModelClassesMismatch',
        `${origin} has ${classes} outputs but ${expectedClasses} classes are named`,
      )
    if (mostClasses !== undefined && classes > mostClasses) throw tooManyOutputs(origin, classes, mostClasses)
    return classifier(session, digest, input, classes)
  } catch (error) {
    await session.release()
    throw error
  }
}

/** Classes can be added behind those of a model, and not taken away: nobody could tell which output is to go. */
export const tooManyOutputs = (origin: string, outputs: number, classes: number): ModelError =>
  new ModelError(
    'ModelClassesMismatch',
    `${origin} has ${outputs} outputs but ${classes} classes are named; accepted: a model of at most as many`,
  )

function classifier(session: Session, digest: string, input: ImageShape, classes: number): Classifier {
  const [inputName, outputName] = [session.inputNames[0]!, session.outputNames[0]!]
  const size = input.channels * input.height * input.width

  const logits = async (pixels: Uint8Array, count: number): Promise<Float32Array> => {
    if (pixels.length !== count * size)
      throw new RangeError(`${count} images need ${count * size} bytes, got ${pixels.length}`)
    if (count === 0) return new Float32Array(0)
    const feed = floats(normalisePixels(pixels), [count, input.channels, input.height, input.width])
    const result = await session.run({ [inputName]: feed }, [outputName])
    return result[outputName]!.data as Float32Array
  }
  return {
    digest,
    classes,
    input,
    logits,
    classify: async (pixels, count) => largest(await logits(pixels, count), classes),
    close: () => session.release(),
  }
}

/** Index of the largest value of each row. */
export function largest(values: Float32Array, columns: number): Int32Array {
  return Int32Array.from({ length: values.length / columns }, (_, row) => {
    let best = 0
    for (let i = 1; i < columns; i++) if (values[row * columns + i]! > values[row * columns + best]!) best = i
    return best
  })
}

function signature(session: Session, origin: string): { input: ImageShape; classes: number } {
  const describe = (values: typeof session.inputMetadata) =>
    values
      .map(value => (value.isTensor ? `${value.name} ${value.type} [${value.shape}]` : value.name))
      .join(', ')
  const [input, output] = [session.inputMetadata[0], session.outputMetadata[0]]
  const refuse = (): never => {
    throw new ModelError(
      'ModelInvalid',
      `${origin} maps ${describe(session.inputMetadata)} to ${describe(session.outputMetadata)}; ` +
        'accepted: one float32 input [N, channels, height, width] with a free N and one float32 output [N, classes]',
    )
  }
  if (session.inputMetadata.length !== 1 || session.outputMetadata.length !== 1) return refuse()
  if (!input?.isTensor || !output?.isTensor || input.type !== 'float32' || output.type !== 'float32')
    return refuse()
  const [batch, channels, height, width] = input.shape
  const classes = output.shape[1]
  if (input.shape.length !== 4 || output.shape.length !== 2 || typeof batch === 'number') return refuse()
  if (typeof channels !== 'number' || typeof height !== 'number' || typeof width !== 'number') return refuse()
  if (typeof classes !== 'number') return refuse()
  return { input: { channels, height, width }, classes }
}

/** @throws ModelError ModelNotFound, StorageFailed */
export async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw missing
      ? new ModelError('ModelNotFound', `there is no model file ${path}`, { cause })
      : new ModelError('StorageFailed', `the model file ${path} cannot be read: ${firstLine(cause)}`, {
          cause,
        })
  }
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!
