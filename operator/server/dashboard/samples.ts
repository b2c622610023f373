/**
 * Recent frames of a stream with what was served and the golden label, read from the storage folder where this process sees it.
 *
 * Only files that the inference pods write are opened, by the names that they give: nothing in an address can lead elsewhere.
 */
import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { generationOf, labelsList, parseClass, samplesFolder } from '../../api/storage.ts'

export interface SampledFrame {
  readonly file: string
  readonly frame: number
  /** Name of the class; null: none yet. */
  readonly served: string | null
  readonly golden: string | null
}

export type Sampled =
  | { readonly window: number; readonly frames: readonly SampledFrame[] }
  /** In a sentence. */
  | { readonly why: string }

export interface SampleReader {
  recent(namespace: string, stream: string, count: number): Promise<Sampled>
  /** A JPEG; undefined: there is none of that name. */
  image(namespace: string, stream: string, window: number, file: string): Promise<Buffer | undefined>
}

const imageName = /^\d{1,12}\.jpg$/
const largestImage = 4 * 1024 * 1024
const name = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** @param storage root of the storage as this process sees it */
export function createSampleReader(storage: string): SampleReader {
  return {
    async recent(namespace, stream, count) {
      const parent = join(storage, samplesFolder(namespace, stream, 0), '..')
      let windows: number[]
      try {
        windows = (await readdir(parent)).filter(each => /^\d+$/.test(each)).map(Number)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        return {
          why: `The operator cannot read ${parent} (${code ?? 'failed'}): mount the storage in its pod, read-only, and name the folder with --storage-folder (operator.mountStorage of the chart does both).`,
        }
      }
      const newest = windows.sort((a, b) => b - a).slice(0, 4)
      const folders = newest.map(window => join(storage, samplesFolder(namespace, stream, window)))
      // At once, because each step waits for pages that are being made.
      const names = await Promise.all(folders.map(folder => readdir(folder).catch((): string[] => [])))
      for (const [i, folder] of folders.entries()) {
        if (!names[i]!.includes(labelsList)) continue
        const [golden, kept] = await Promise.all([
          rowsOf(join(folder, labelsList)),
          keptIn(folder, names[i]!),
        ])
        if (golden.length === 0 || kept.length === 0) continue
        const labels = new Map(golden.map(row => [row.imgpath ?? '', parseClass(row.name) ?? null]))
        const frames = kept
          .filter(({ imgpath = '' }) => imageName.test(imgpath) && labels.has(imgpath))
          .map(row => ({
            file: row.imgpath!,
            frame: number(row.frame) ?? 0,
            served: parseClass(row.served) ?? null,
            golden: labels.get(row.imgpath!) ?? null,
          }))
        const every = Math.max(1, Math.floor(frames.length / count))
        return { window: newest[i]!, frames: frames.filter((_, at) => at % every === 0).slice(0, count) }
      }
      return { why: 'No window has golden labels yet: the first is labelled when the second one begins.' }
    },

    async image(namespace, stream, window, file) {
      if (!imageName.test(file) || !name.test(namespace) || !name.test(stream)) return undefined
      const path = join(storage, samplesFolder(namespace, stream, window), file)
      try {
        const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
        try {
          const found = await handle.stat()
          return found.isFile() && found.size <= largestImage ? await handle.readFile() : undefined
        } finally {
          await handle.close()
        }
      } catch {
        return undefined
      }
    },
  }
}

/** What all generations of pods have kept, in the order of the window. */
async function keptIn(
  folder: string,
  names: readonly string[],
): Promise<readonly Readonly<Record<string, string>>[]> {
  const lists = names.filter(each => each.endsWith('.csv') && generationOf(each) !== undefined)
  const rows = await Promise.all(lists.map(each => rowsOf(join(folder, each))))
  return rows.flat().sort((a, b) => (number(a.frame) ?? 0) - (number(b.frame) ?? 0))
}

/** Rows by column; none where there is no such file. A row that a crash has torn lacks cells and is dropped by who reads them. */
async function rowsOf(file: string): Promise<readonly Readonly<Record<string, string>>[]> {
  const text = await textOf(file).catch(() => '')
  const [header = '', ...lines] = text.split('\n').slice(0, -1)
  const columns = header.split(',')
  // Names of frames and classes hold no commas.
  return lines.map(line => Object.fromEntries(line.split(',').map((cell, i) => [columns[i] ?? '', cell])))
}

const piece = 256 * 1024

/** In two steps for a list of the usual length, where readFile takes four. */
async function textOf(file: string): Promise<string> {
  const handle = await open(file)
  const pieces: Buffer[] = []
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(piece), 0, piece)
      pieces.push(buffer.subarray(0, bytesRead))
      if (bytesRead < piece) return Buffer.concat(pieces).toString('utf8')
    }
  } finally {
    // Nobody waits for that.
    handle.close().catch(() => {})
  }
}

const number = (text: string | undefined): number | null =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : null
