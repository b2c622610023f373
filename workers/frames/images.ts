/**
 * Image files in and out. Decoding is bounded (bytes and pixels) and single-threaded: a worker lives under a cpu limit, where
 * more threads only burn the same share in bursts.
 */
import { readFile } from 'node:fs/promises'
import type { ImageSet } from '../learning/image-set.ts'

import { FrameError } from './errors.ts'
import type { Box, Image, Shape } from './resize.ts'
import { resizeToPlanes } from './resize.ts'

/** 8K video, with room. */
const maximumPixels = 50_000_000
const maximumBytes = 32 * 1024 * 1024

type Sharp = typeof import('sharp').default
let loaded: Promise<Sharp> | undefined

function sharp(): Promise<Sharp> {
  loaded ??= import('sharp').then(({ default: module }) => {
    module.concurrency(1)
    module.cache(false)
    return module
  })
  return loaded
}

/** What `loadImages` needs of a row of a sample list. */
export interface LabelledImage {
  readonly image: string
  readonly label: number
  readonly box?: Box | null
  /** How much it counts in training. Default 1. */
  readonly weight?: number
}

/** The whole image as RGB pixels. @throws FrameError SourceInvalid, with the decoder's words. */
export async function readImage(file: string | Uint8Array): Promise<Image> {
  try {
    const bytes = typeof file === 'string' ? await readFile(file) : file
    if (bytes.byteLength > maximumBytes) throw new Error(`${bytes.byteLength} bytes; at most ${maximumBytes}`)
    const { data, info } = await (await sharp())(bytes, {
      limitInputPixels: maximumPixels,
      failOn: 'warning',
    })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    if (info.channels !== 3) throw new Error(`${info.channels} channels; expected 3`)
    return { data, height: info.height, width: info.width }
  } catch (cause) {
    const what = typeof file === 'string' ? `image ${file}` : 'image'
    throw new FrameError('SourceInvalid', `${what}: ${messageOf(cause)}`, { cause })
  }
}

/** The image, or the part of it in `box`, as RGB planes (CHW) of the asked size. @throws FrameError SourceInvalid. */
export async function decodeImage(
  file: string | Uint8Array,
  { height, width, box }: Shape & { readonly box?: Box | null },
): Promise<Uint8Array> {
  const image = await readImage(file)
  if (box) checkBox(box, image, typeof file === 'string' ? file : 'image')
  return resizeToPlanes(image, { height, width }, box ?? undefined)
}

/** All images in one block, in the rows' order. Corrupt ones are left out and named; never fatal unless none is left. */
export async function loadImages<Row extends LabelledImage>(
  rows: readonly Row[],
  shape: Shape,
  signal?: AbortSignal,
): Promise<{ images: ImageSet; refused: { row: Row; reason: string }[] }> {
  const size = 3 * shape.height * shape.width
  const pixels = new Uint8Array(rows.length * size)
  const labels = new Int32Array(rows.length)
  const weights = rows.some(row => row.weight !== undefined) ? new Float32Array(rows.length) : undefined
  const refused: { row: Row; reason: string }[] = []
  let count = 0
  for (const row of rows) {
    signal?.throwIfAborted()
    try {
      pixels.set(await decodeImage(row.image, { ...shape, box: row.box }), count * size)
      if (weights !== undefined) weights[count] = row.weight ?? 1
      labels[count++] = row.label
    } catch (error) {
      refused.push({ row, reason: messageOf(error) })
    }
  }
  if (count === 0 && rows.length > 0) {
    throw new FrameError(
      'SourceInvalid',
      `none of ${rows.length} images can be read; first: ${refused[0]!.reason}`,
    )
  }
  return {
    images: {
      count,
      shape: { channels: 3, height: shape.height, width: shape.width },
      pixels: pixels.subarray(0, count * size),
      labels: labels.subarray(0, count),
      ...(weights === undefined ? {} : { weights: weights.subarray(0, count) }),
    },
    refused,
  }
}

export async function encodeJpeg({ data, height, width }: Image): Promise<Uint8Array> {
  return (await sharp())(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
    .toBuffer()
}

/** The part of an image in `box`. @throws FrameError SourceInvalid where it lies outside. */
export function crop(image: Image, box: Box): Image {
  checkBox(box, image, 'image')
  const width = box.x1 - box.x0
  const height = box.y1 - box.y0
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    const from = ((box.y0 + y) * image.width + box.x0) * 3
    data.set(image.data.subarray(from, from + width * 3), y * width * 3)
  }
  return { data, height, width }
}

function checkBox(box: Box, image: Image, name: string): void {
  const { x0, y0, x1, y1 } = box
  if (x0 < 0 || y0 < 0 || x1 > image.width || y1 > image.height || x0 >= x1 || y0 >= y1) {
    throw new FrameError(
      'SourceInvalid',
      `${name}: box ${x0},${y0},${x1},${y1} lies outside the image of ${image.width}×${image.height}`,
    )
  }
}

/** In one line, although decoders complain in several and repeat themselves. */
const messageOf = (error: unknown): string =>
  [...new Set((error instanceof Error ? error.message : String(error)).split('\n'))].join('; ')
