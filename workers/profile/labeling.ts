/**
 * Golden labels for the frames that an inference pod kept, and the images in the sizes that are needed, each file read once.
 * The golden labels are the golden model's, or the source's own where there is no golden model.
 */
import { join } from 'node:path'
import { formatClass, labelsList } from '../../operator/api/storage.ts'
import { readImage } from '../frames/images.ts'
import { resizeToPlanes, type Shape } from '../frames/resize.ts'
import { writeSampleList } from '../frames/samplelist.ts'
import type { ImageSet } from '../learning/image-set.ts'
import type { Classifier } from '../models/classifier.ts'
import { WorkerFailure } from '../runtime/failure.ts'
import type { KeptFrame } from '../runtime/sample-folder.ts'

export interface LabelledFrame {
  /** Number in the window. */
  readonly frame: number
  /** null: nothing yet, or a class that the stream no longer has. */
  readonly served: number | null
  readonly label: number
  /** Path of the file. */
  readonly image: string
}

export interface LabelledFrames {
  /** Those that could be read, in the order of their frame numbers; `images` has the same order. */
  readonly frames: readonly LabelledFrame[]
  /** At the student's size. */
  readonly images: ImageSet
  readonly refused: readonly { readonly file: string; readonly reason: string }[]
  /** What reading cost, without the golden model: a training pod reads the same images. */
  readonly readingGpuSeconds: number
}

export interface LabelingRequest {
  readonly folder: string
  readonly kept: readonly KeptFrame[]
  readonly classes: readonly string[]
  /** Absent: the kept frames carry labels. */
  readonly golden?: Classifier
  /** Of the student's input. */
  readonly shape: Shape
  /** Used by this process so far. */
  readonly gpuSeconds: () => number
}

const goldenBatch = 16

/** @throws WorkerFailure LabelsInvalid where there is neither a golden model nor a label. */
export async function labelFrames(
  { folder, kept, classes, golden, shape, gpuSeconds }: LabelingRequest,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<LabelledFrames> {
  const ordered = [...kept].sort((a, b) => a.frame - b.frame)
  const size = 3 * shape.height * shape.width
  const pixels = new Uint8Array(ordered.length * size)
  const labels = new Int32Array(ordered.length)
  const frames: LabelledFrame[] = []
  const indexOf = indexes(classes)
  const refused: { file: string; reason: string }[] = []
  let readingGpuSeconds = 0
  for (let from = 0; from < ordered.length; from += goldenBatch) {
    const begun = gpuSeconds()
    signal?.throwIfAborted()
    const large: Uint8Array[] = []
    const batch: { frame: KeptFrame; file: string; own?: number }[] = []
    for (const frame of ordered.slice(from, from + goldenBatch)) {
      const file = join(folder, frame.image)
      const own = golden === undefined ? indexOf(ownLabel(frame, file)) : undefined
      if (golden === undefined && own === undefined) {
        refused.push({ file, reason: `its label ${frame.label} is none of the stream's classes` })
        continue
      }
      try {
        const image = await readImage(file)
        resizeToPlanes(image, shape, undefined, place(pixels, frames.length + batch.length, size))
        if (golden !== undefined) large.push(resizeToPlanes(image, golden.input))
        batch.push({ frame, file, ...(own === undefined ? {} : { own }) })
      } catch (error) {
        refused.push({ file, reason: (error as Error).message })
      }
    }
    readingGpuSeconds += gpuSeconds() - begun
    const found = golden && (await golden.classify(concat(large), large.length))
    for (const [i, { frame, file, own }] of batch.entries()) {
      const label = own ?? found![i]!
      labels[frames.length] = label
      const served = frame.served === null ? null : (indexOf(frame.served) ?? null)
      frames.push({ frame: frame.frame, served, label, image: file })
    }
    onProgress(Math.min(ordered.length, from + goldenBatch))
  }
  return {
    frames,
    images: {
      count: frames.length,
      shape: { channels: 3, ...shape },
      pixels: pixels.subarray(0, frames.length * size),
      labels: labels.subarray(0, frames.length),
    },
    refused,
    readingGpuSeconds,
  }
}

/** labels.csv of the folder: Ekya's columns, the classes by name, and what of the books a training needs. */
export async function writeLabels(
  folder: string,
  { frames }: LabelledFrames,
  classes: readonly string[],
): Promise<void> {
  const nameOf = (index: number): string => formatClass(classes[index]!)
  await writeSampleList(
    join(folder, labelsList),
    frames.map(({ frame, label, image, served }, index) => ({
      index,
      label,
      box: null,
      image,
      extra: {
        frame: String(frame),
        served: served === null ? '' : nameOf(served),
        name: nameOf(label),
      },
    })),
  )
}

function ownLabel({ label }: KeptFrame, file: string): string {
  if (label === null)
    throw new WorkerFailure(
      'LabelsInvalid',
      `${file}: the source gives no label and no golden model is set; one of the two is needed`,
    )
  return label
}

function indexes(classes: readonly string[]): (name: string) => number | undefined {
  const byName = new Map(classes.map((name, index) => [name, index]))
  return name => byName.get(name)
}

const place = (pixels: Uint8Array, index: number, size: number): Uint8Array =>
  pixels.subarray(index * size, (index + 1) * size)

function concat(images: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(images.reduce((sum, image) => sum + image.length, 0))
  let at = 0
  for (const image of images) {
    whole.set(image, at)
    at += image.length
  }
  return whole
}
