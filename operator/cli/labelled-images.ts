/** Sample lists and their images as the learning commands read them. */
import { FrameError } from '../../workers/frames/errors.ts'
import { loadImages } from '../../workers/frames/images.ts'
import { readSampleList, type SampleList } from '../../workers/frames/samplelist.ts'
import { concatImages, type ImageSet, type ImageShape, weighted } from '../../workers/learning/image-set.ts'
import { above0, type OptionReader } from './option-reader.ts'

/** Complaints quote so many of a list's refused rows. */
const quoted = 5

export interface LoadedImages {
  readonly images: ImageSet
  /** Rows that were left out, with the reason. */
  readonly refused: readonly string[]
}

/** Undefined where the list is refused, which the reader is told. */
export async function readList(
  reader: OptionReader,
  option: string,
  file: string,
  { images, classes }: { readonly images: string; readonly classes: number },
): Promise<SampleList | undefined> {
  try {
    // Every row that is left out is reported; only a list without a good row is refused.
    const list = await readSampleList(file, { classes, images, tolerance: 1 })
    if (list.samples.length > 0) return list
    reader.refuse(option, `${file}: the list has no rows; accepted: at least one`)
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    reader.refuse(option, error.message)
  }
  return undefined
}

/**
 * @param historyWeight how much an image of all lists but the last counts in training
 * @throws FrameError SourceInvalid where none of a list's images can be read.
 */
export async function loadLists(
  lists: readonly [SampleList, ...SampleList[]],
  shape: ImageShape,
  historyWeight = 1,
): Promise<LoadedImages> {
  const loaded = []
  const refused: string[] = []
  for (const [i, list] of lists.entries()) {
    const { images, refused: unreadable } = await loadImages(list.samples, shape)
    const counts = i === lists.length - 1 || historyWeight === 1
    loaded.push(counts ? images : weighted(images, historyWeight))
    refused.push(
      ...list.refused.map(({ line, reason }) => `${list.file}:${line}: ${reason}`),
      ...unreadable.map(({ row, reason }) => `${list.file}:${row.line}: ${reason}`),
    )
  }
  return { images: concatImages(loaded as [ImageSet, ...ImageSet[]]), refused }
}

/** One line for each of the first ones, and how many more there are. */
export function describeRefused(command: string, refused: readonly string[]): string {
  if (refused.length === 0) return ''
  const more = refused.length > quoted ? [`  and ${refused.length - quoted} more`] : []
  const lines = refused.slice(0, quoted).map(line => `  ${line}`)
  return `${[`${command}: ${refused.length} images left out`, ...lines, ...more].join('\n')}\n`
}

export interface TrainingLists {
  readonly train: readonly [SampleList, ...SampleList[]]
  readonly validation: SampleList
  /** How much an image of all lists but the last counts in training. */
  readonly historyWeight: number
}

/** @param classes undefined: there is no usable model, and any class is taken. @returns undefined where a list was refused. */
export async function readTrainingLists(
  reader: OptionReader,
  given: {
    readonly images: string
    readonly train: readonly string[]
    readonly validation: string
    readonly historyWeight: string
  },
  classes = Number.MAX_SAFE_INTEGER,
): Promise<TrainingLists | undefined> {
  const of = { images: given.images, classes }
  const train: (SampleList | undefined)[] = []
  for (const file of given.train) train.push(await readList(reader, '--train', file, of))
  const validation = await readList(reader, '--validation', given.validation, of)
  const historyWeight = reader.number('--history-weight', given.historyWeight, above0(1, 'a weight'))
  const read = train.filter(list => list !== undefined)
  const [first, ...others] = read
  if (first === undefined || read.length < train.length || validation === undefined) return undefined
  return { train: [first, ...others], validation, historyWeight }
}
