/**
 * The labelled samples of a stream and their split into training and validation data. Profile and training pods use the same split
 * of the same data, so that a predicted, a baseline and a reached validation accuracy can be compared.
 *
 * What is validated on stands for the window that is running, in which a new model is to serve: its first frames, as far as they are
 * labelled, and the last ones before it. In a scene that drifts a model that suits the window before may be worse in this one.
 *
 * Without any frame of the running window validation data comes from the one before: contiguous blocks of time, one at random out of
 * each stretch of the window. Blocks, because neighbouring frames show the same objects and single frames drawn at random would be
 * recognised rather than judged; spread over the window, because its end alone is too few objects to go by. Images that a source
 * repeats are kept out of training where they are validated on.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { labelsList, parseClass, samplesFolder } from '../../operator/api/storage.ts'
import { readSampleList, type Sample } from '../frames/samplelist.ts'
import { random } from '../models/random.ts'

export interface StreamData {
  readonly storage: string
  readonly namespace: string
  readonly stream: string
  readonly classes: readonly string[]
  readonly seed: number
  readonly validationFraction: number
}

export interface LabelledSample extends Sample {
  /** Number in its window. */
  readonly frame: number
  /** How much it counts in training. Default 1. */
  readonly weight?: number
}

export interface Split<T> {
  /** In the order of time, as is `validation`. */
  readonly train: readonly T[]
  readonly validation: readonly T[]
}

/** Blocks of time in a window. */
const blocks = 20

export interface Labels {
  readonly samples: readonly LabelledSample[]
  /** Labels of classes that the stream no longer has. */
  readonly leftOut: number
}

/**
 * labels.csv of one window. Classes go by their names: the list's indexes are those of the classes of its day.
 *
 * @throws FrameError SourceNotFound, LabelsInvalid
 */
export async function readLabels(
  { storage, namespace, stream, classes }: StreamData,
  window: number,
  signal?: AbortSignal,
): Promise<Labels> {
  const file = join(storage, samplesFolder(namespace, stream, window), labelsList)
  const list = await readSampleList(file, { classes: Number.MAX_SAFE_INTEGER }, signal)
  const indexes = new Map(classes.map((name, index) => [name, index]))
  const samples = list.samples.flatMap(sample => {
    const label = indexes.get(parseClass(sample.extra.name) ?? '')
    return label === undefined
      ? []
      : [{ ...sample, label, frame: Number(sample.extra.frame ?? sample.index) }]
  })
  return { samples, leftOut: list.samples.length - samples.length }
}

/**
 * Labels of older windows, as far as there are any: a window without is no reason to stop.
 *
 * @param weight how much each counts in training against one of the newest window
 */
export async function readHistory(
  data: StreamData,
  windows: readonly number[],
  weight: number,
  signal?: AbortSignal,
): Promise<Labels> {
  const found = await Promise.all(
    windows.map(window =>
      readLabels(data, window, signal).catch((error: unknown) => {
        signal?.throwIfAborted()
        if ((error as { code?: string }).code === 'SourceNotFound') return { samples: [], leftOut: 0 }
        throw error
      }),
    ),
  )
  const samples = found.flatMap(each => each.samples)
  return {
    samples: weight === 1 ? samples : samples.map(sample => ({ ...sample, weight })),
    leftOut: found.reduce((sum, each) => sum + each.leftOut, 0),
  }
}

/**
 * Splits the samples of window `window`; those of the window after it, `fresh`, are all validated on.
 *
 * @returns at least `validationFraction` of the samples as validation data
 */
export function splitAtPresent<T extends { readonly frame: number }>(
  samples: readonly T[],
  fresh: readonly T[],
  window: number,
  data: Pick<StreamData, 'stream' | 'seed' | 'validationFraction'>,
): Split<T> {
  if (fresh.length === 0) return splitInTime(samples, window, data)
  const ordered = inTime(samples)
  const wanted = Math.round(samples.length * data.validationFraction)
  const cut = samples.length - Math.max(0, wanted - fresh.length)
  return { train: ordered.slice(0, cut), validation: [...ordered.slice(cut), ...inTime(fresh)] }
}

/** Splits the newest window's samples. Repeated images may be in both parts: {@link withoutRepeated} takes those out. */
export function splitInTime<T extends { readonly frame: number }>(
  samples: readonly T[],
  window: number,
  { stream, seed, validationFraction }: Pick<StreamData, 'stream' | 'seed' | 'validationFraction'>,
): Split<T> {
  const ordered = inTime(samples)
  const count = Math.min(blocks, ordered.length)
  const chosen = new Set<number>()
  const wanted = count < 2 ? 0 : Math.min(count - 1, Math.max(1, Math.round(count * validationFraction)))
  const draw = random(seed, 'split', stream, window)
  for (let i = 0; i < wanted; i++) {
    const from = Math.round((i * count) / wanted)
    chosen.add(from + draw.integer(Math.round(((i + 1) * count) / wanted) - from))
  }
  const validates = (position: number): boolean => chosen.has(Math.floor((position * count) / ordered.length))
  return {
    train: ordered.filter((_, position) => !validates(position)),
    validation: ordered.filter((_, position) => validates(position)),
  }
}

const inTime = <T extends { readonly frame: number }>(samples: readonly T[]): T[] =>
  [...samples].sort((a, b) => a.frame - b.frame)

/** The samples whose image file is not, byte for byte, one of `others`. */
export async function withoutRepeated<T extends Pick<Sample, 'image'>>(
  samples: readonly T[],
  others: readonly Pick<Sample, 'image'>[],
  signal?: AbortSignal,
): Promise<T[]> {
  const taken = new Set<string | null>()
  for (const { image } of others) taken.add(await digestOf(image, signal))
  // A file that cannot be read is refused later, by name.
  taken.delete(null)
  const kept: T[] = []
  for (const sample of samples) if (!taken.has(await digestOf(sample.image, signal))) kept.push(sample)
  return kept
}

async function digestOf(image: string, signal?: AbortSignal): Promise<string | null> {
  signal?.throwIfAborted()
  const bytes = await readFile(image).catch(() => null)
  return bytes && createHash('sha1').update(bytes).digest('base64')
}
