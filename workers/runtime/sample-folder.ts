/**
 * The samples of one window on disk: the books of the stream's inference pods and where they lie. Each generation of pods has its own
 * frames.csv and summary.json, so that two never write to the same file where one takes over from the other; readers get them together.
 * frames.csv grows by whole lines while the window lasts; the last one may be torn by a crash and is left out then.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  formatClass,
  framesColumns,
  framesListOf,
  generationOf,
  parseClass,
  samplesFolder,
  summaryFileOf,
} from '../../operator/api/storage.ts'
import type { FrameCounts } from '../../operator/api/worker.ts'
import { formatCsvRow, parseCsvRow } from '../frames/csv.ts'
import { writeAtomically } from '../models/store.ts'
import { WorkerFailure } from './failure.ts'

/** A row of frames.csv. */
export interface KeptFrame {
  /** In the window. */
  readonly frame: number
  /** Relative to the folder. */
  readonly image: string
  /** Name of the class served; null before the first result. */
  readonly served: string | null
  /** Whether this very frame was analysed. */
  readonly fresh: boolean
  /** The source's own label, by name. */
  readonly label: string | null
}

/** summary.json */
export interface WindowSummary {
  readonly index: number
  readonly startsAt: string
  readonly durationSeconds: number
  /** False while the window lasts. */
  readonly complete: boolean
  readonly frames: FrameCounts
  readonly samples: number
  /** Frames that were to be kept and could not be read. */
  readonly refused: number
  readonly gpuSecondsPerFrame: number | null
  /** Which frames were analysed, first and last of each run; absent where there are too many to tell. */
  readonly analysed?: FrameRuns
  /** Likewise those that were dropped. */
  readonly dropped?: FrameRuns
}

type FrameRuns = readonly (readonly [first: number, last: number])[]

export const framesHeader = `${formatCsvRow(framesColumns)}\n`

export const formatKeptFrame = (idx: number, { frame, image, served, fresh, label }: KeptFrame): string =>
  `${formatCsvRow([idx, frame, image, fresh ? 1 : 0, formatClass(served ?? ''), formatClass(label ?? '')])}\n`

/**
 * Of all generations, by frame.
 *
 * @throws WorkerFailure SourceNotFound where there is none, LabelsInvalid if a header or a row is not what was written.
 */
export async function readFrames(folder: string): Promise<KeptFrame[]> {
  const files = (await booksIn(folder)).filter(({ file }) => file.endsWith('.csv'))
  if (files.length === 0)
    throw new WorkerFailure('SourceNotFound', `${join(folder, framesListOf(1))}: no frames were kept`, {
      retryable: true,
    })
  const parts = await Promise.all(files.map(({ file }) => readRows(join(folder, file))))
  return parts.flat().sort((a, b) => a.frame - b.frame)
}

/** Of one generation. @throws as readFrames. */
export const readFramesOf = (folder: string, generation: number): Promise<KeptFrame[]> =>
  readRows(join(folder, framesListOf(generation)))

async function readRows(file: string): Promise<KeptFrame[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT'
    throw new WorkerFailure(
      missing ? 'SourceNotFound' : 'StorageFailed',
      missing ? `${file}: no frames were kept` : `${file}: ${cause.message}`,
      { cause, retryable: true },
    )
  })
  const [header, ...lines] = text.split('\n').slice(0, -1)
  if (`${header}\n` !== framesHeader)
    throw new WorkerFailure('LabelsInvalid', `${file}: line 1 must be ${framesColumns.join(',')}`)
  return lines.map((line, position) => parseRow(line, `${file}: line ${position + 2}`))
}

async function booksIn(folder: string): Promise<{ readonly file: string; readonly generation: number }[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .flatMap(file => {
      const generation = generationOf(file)
      return generation === undefined ? [] : [{ file, generation }]
    })
    .sort((a, b) => a.generation - b.generation)
}

function parseRow(line: string, where: string): KeptFrame {
  const [idx, frame, image = '', fresh, served, label] = parseCsvRow(line)
  const numbers = { idx, frame, fresh }
  for (const [name, text] of Object.entries(numbers)) {
    if (text === undefined || !/^\d+$/.test(text))
      throw new WorkerFailure('LabelsInvalid', `${where}: ${name} "${text ?? ''}" is not a number from 0`)
  }
  if (image === '' || image.startsWith('/') || image.split('/').includes('..'))
    throw new WorkerFailure('LabelsInvalid', `${where}: imgpath "${image}" must be a path below the folder`)
  return {
    frame: Number(frame),
    image,
    fresh: fresh === '1',
    served: classOf(served, `${where}: served`),
    label: classOf(label, `${where}: class`),
  }
}

function classOf(cell: string | undefined, where: string): string | null {
  if (cell === '') return null
  const name = parseClass(cell)
  if (name !== undefined) return name
  throw new WorkerFailure('LabelsInvalid', `${where} "${cell ?? ''}" is not the name of a class`)
}

/** Those that can be read, by generation. */
export async function readSummaries(folder: string): Promise<ReadonlyMap<number, WindowSummary>> {
  const files = (await booksIn(folder)).filter(({ file }) => file.endsWith('.json'))
  const read = await Promise.all(
    files.map(async ({ file, generation }) => [generation, await parseSummary(join(folder, file))] as const),
  )
  return new Map(read.flatMap(([generation, summary]) => (summary === null ? [] : [[generation, summary]])))
}

/** Of all generations together; null where there is none, or none that can be read: it says nothing that is needed. */
export async function readSummary(folder: string): Promise<WindowSummary | null> {
  const [first, ...others] = [...(await readSummaries(folder)).values()]
  return first === undefined ? null : others.reduce(joinSummaries, first)
}

async function parseSummary(file: string): Promise<WindowSummary | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as WindowSummary
  } catch {
    return null
  }
}

export const addFrames = (a: FrameCounts, b: FrameCounts): FrameCounts => ({
  offered: a.offered + b.offered,
  analysed: a.analysed + b.analysed,
  skipped: a.skipped + b.skipped,
  dropped: a.dropped + b.dropped,
})

function joinSummaries(a: WindowSummary, b: WindowSummary): WindowSummary {
  const { analysed, dropped, ...rest } = a
  return {
    ...rest,
    complete: a.complete || b.complete,
    frames: addFrames(a.frames, b.frames),
    samples: a.samples + b.samples,
    refused: a.refused + b.refused,
    // The newest pod's share is the one that lasts.
    gpuSecondsPerFrame: b.gpuSecondsPerFrame ?? a.gpuSecondsPerFrame,
    ...(analysed && b.analysed && { analysed: [...analysed, ...b.analysed] }),
    ...(dropped && b.dropped && { dropped: [...dropped, ...b.dropped] }),
  }
}

/** Of one generation. */
export const writeSummary = (folder: string, summary: WindowSummary, generation = 1): Promise<void> =>
  writeAtomically(
    join(folder, summaryFileOf(generation)),
    Buffer.from(`${JSON.stringify(summary, null, 2)}\n`),
  )

/** Deletes the folders of windows before `oldest`. @returns how many. */
export async function pruneSamples(
  storage: string,
  { namespace, stream }: { readonly namespace: string; readonly stream: string },
  oldest: number,
): Promise<number> {
  const parent = join(storage, samplesFolder(namespace, stream, 0), '..')
  const names = await readdir(parent).catch(() => [])
  const old = names.filter(name => /^\d+$/.test(name) && Number(name) < oldest)
  for (const name of old) await rm(join(parent, name), { recursive: true, force: true })
  return old.length
}
