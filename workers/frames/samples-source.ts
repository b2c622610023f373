/**
 * A folder in Ekya's samplelist form as a camera: the lists <n>.csv in numeric order; window k plays list k (wrapping after the
 * last) at the frame rate, cut or repeated to fill the window. The lists' classes are the golden labels.
 */
import { readdir, readFile } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FrameError } from './errors.ts'
import { crop, decodeImage, encodeJpeg, readImage } from './images.ts'
import type { Sample } from './samplelist.ts'
import { readSampleList } from './samplelist.ts'
import type { Footage } from './source.ts'

const maximumLists = 10_000

/** @throws FrameError SourceNotFound (no folder or no list in it), SourceInvalid (uri), LabelsInvalid (a list is corrupt or empty). */
export async function openSamples(
  { uri }: { readonly uri: string },
  { classes, storage }: { readonly classes: readonly string[]; readonly storage: string },
  signal?: AbortSignal,
): Promise<Footage> {
  const folder = folderOf(uri, storage)
  const lists: (readonly Sample[])[] = []
  let refused = 0
  for (const file of await findLists(folder)) {
    const list = await readSampleList(file, { classes: classes.length, root: folder }, signal)
    if (list.samples.length === 0) {
      throw new FrameError('LabelsInvalid', `${file}: the list has no rows; at least one is needed`)
    }
    lists.push(list.samples)
    refused += list.refused.length
  }
  return {
    labelled: true,
    refused,
    frame(window, index) {
      const list = lists[window.index % lists.length]!
      const sample = list[index % list.length]!
      return {
        label: sample.label,
        pixels: shape => decodeImage(sample.image, { ...shape, box: sample.box }),
        jpeg: () => asJpeg(sample),
      }
    },
  }
}

/** The lists of a samples folder by window. @throws FrameError SourceNotFound. */
export async function findLists(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'no such folder' : cause.message
    throw new FrameError('SourceNotFound', `samples folder ${folder}: ${reason}`, { cause, retryable: true })
  })
  const numbers = names
    .flatMap(name => /^(\d+)\.csv$/.exec(name)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b))
  if (numbers.length === 0) {
    throw new FrameError(
      'SourceNotFound',
      `samples folder ${folder}: no sample list; expected 0.csv, 1.csv, … one a window`,
      { retryable: true },
    )
  }
  if (numbers.length > maximumLists) {
    throw new FrameError('SourceInvalid', `samples folder ${folder}: more than ${maximumLists} lists`)
  }
  return numbers.map(number => join(folder, `${number}.csv`))
}

function folderOf(uri: string, storage: string): string {
  if (uri.startsWith('file://')) return fileURLToPath(uri)
  const folder = resolve(storage, uri)
  if (isAbsolute(uri) || relative(storage, folder).startsWith('..')) {
    throw new FrameError(
      'SourceInvalid',
      `samples uri ${uri} must be a path below the storage root or an absolute file:// URI`,
    )
  }
  return folder
}

async function asJpeg({ image, box }: Sample): Promise<Uint8Array> {
  if (!box && /\.jpe?g$/i.test(image)) return readFile(image)
  const whole = await readImage(image)
  const all = !box || (box.x1 - box.x0 === whole.width && box.y1 - box.y0 === whole.height)
  if (all && /\.jpe?g$/i.test(image)) return readFile(image)
  return encodeJpeg(box ? crop(whole, box) : whole)
}
