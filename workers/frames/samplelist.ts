/**
 * Sample lists in Ekya's form: a CSV with the columns idx,class,x0,y0,x1,y1,imgpath, one row an image (or a box of one).
 *
 * imgpath is relative to the list's folder or to a folder above it, up to the parent of the samples' root: published lists name
 * their images from different heights. Further columns are kept. Every bad row is reported with its line; a list is refused as
 * a whole if its header is wrong, if no row is left, or if more rows are bad than the caller tolerates.
 */
import { randomUUID } from 'node:crypto'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { formatCsvRow, parseCsv } from './csv.ts'
import { FrameError } from './errors.ts'
import type { Box } from './resize.ts'

export const sampleColumns = ['idx', 'class', 'x0', 'y0', 'x1', 'y1', 'imgpath'] as const

const maximumBytes = 64 * 1024 * 1024
const maximumRows = 500_000
/** How many bad rows a message quotes. */
const quotedRows = 3

export interface Sample {
  /** In the file, from 1 (the header). */
  readonly line: number
  readonly index: number
  /** Index into the classes. */
  readonly label: number
  /** null: the whole image. */
  readonly box: Box | null
  /** Path of the file, resolved. */
  readonly image: string
  /** Columns beyond Ekya's. */
  readonly extra: Readonly<Record<string, string>>
}

export interface RefusedRow {
  readonly line: number
  readonly reason: string
}

export interface SampleList {
  readonly file: string
  readonly samples: readonly Sample[]
  readonly refused: readonly RefusedRow[]
}

export interface ReadOptions {
  /** Number of classes: labels lie in [0, classes). */
  readonly classes: number
  /** Folder of all lists; images are looked for up to its parent. Default: the list's own folder. */
  readonly root?: string
  /** Folder that image paths are relative to, tried first. Default: only those above. */
  readonly images?: string
  /** Fraction of rows that may be bad before the list as a whole is refused; 0 refuses at the first. Default 0.2. */
  readonly tolerance?: number
}

/** @throws FrameError SourceNotFound if there is no such file, LabelsInvalid naming file and lines. */
export async function readSampleList(
  file: string,
  { classes, root = dirname(file), images, tolerance = 0.2 }: ReadOptions,
  signal?: AbortSignal,
): Promise<SampleList> {
  const [header, ...rows] = parseCsv(await readBounded(file, signal))
  const at = columnsOf(header?.cells ?? [], file)
  const known: readonly string[] = sampleColumns
  const extras = (header?.cells ?? []).filter(name => !known.includes(name))
  if (rows.length > maximumRows) {
    throw new FrameError('LabelsInvalid', `${file}: ${rows.length} rows; at most ${maximumRows}`)
  }
  // Above "." there is nothing by name alone.
  const locate = imageFinder(resolve(dirname(file)), resolve(root, '..'), images)
  const samples: Sample[] = []
  const refused: RefusedRow[] = []
  for (const { line, cells } of rows) {
    signal?.throwIfAborted()
    const cell = (name: string): string => cells[at[name]!]?.trim() ?? ''
    try {
      samples.push({
        line,
        index: integer(cell('idx'), 'idx', 0),
        label: integer(cell('class'), 'class', 0, classes - 1),
        box: boxOf(cell),
        image: await locate(cell('imgpath')),
        extra: Object.fromEntries(extras.map(name => [name, cell(name)])),
      })
    } catch (error) {
      if (!(error instanceof BadRow)) throw error
      refused.push({ line, reason: error.message })
    }
  }
  const why = refused.slice(0, quotedRows).map(({ line, reason }) => `line ${line}: ${reason}`)
  if (rows.length > 0 && (samples.length === 0 || refused.length > tolerance * rows.length)) {
    throw new FrameError(
      'LabelsInvalid',
      `${file}: ${refused.length} of ${rows.length} rows are bad: ${why.join('; ')}`,
    )
  }
  return { file, samples, refused }
}

/** Written beside the target and renamed, so that a reader never sees half a list. Image paths become relative to its folder. */
export async function writeSampleList(
  file: string,
  samples: readonly (Omit<Sample, 'line' | 'extra'> & Partial<Pick<Sample, 'extra'>>)[],
): Promise<void> {
  const folder = dirname(file)
  const extras = [...new Set(samples.flatMap(({ extra }) => Object.keys(extra ?? {})))]
  const lines = [formatCsvRow([...sampleColumns, ...extras])]
  for (const { index, label, box, image, extra } of samples) {
    const path = (isAbsolute(image) ? relative(folder, image) : image).split(sep).join('/')
    const { x0, y0, x1, y1 } = box ?? { x0: '', y0: '', x1: '', y1: '' }
    lines.push(formatCsvRow([index, label, x0, y0, x1, y1, path, ...extras.map(name => extra?.[name] ?? '')]))
  }
  const partial = join(folder, `.${randomUUID()}.partial`)
  try {
    const handle = await open(partial, 'wx')
    try {
      await handle.writeFile(`${lines.join('\n')}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, file)
  } catch (cause) {
    await rm(partial, { force: true })
    throw new FrameError('StorageFailed', `${file}: ${(cause as Error).message}`, { cause, retryable: true })
  }
}

class BadRow extends Error {}

async function readBounded(file: string, signal?: AbortSignal): Promise<string> {
  try {
    const handle = await open(file)
    try {
      const { size } = await handle.stat()
      if (size > maximumBytes) {
        throw new FrameError('LabelsInvalid', `${file}: ${size} bytes; at most ${maximumBytes}`)
      }
      return await handle.readFile({ encoding: 'utf8', signal })
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof FrameError || signal?.aborted) throw cause
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new FrameError(
      missing ? 'SourceNotFound' : 'StorageFailed',
      missing ? `${file}: no such sample list` : `${file}: ${(cause as Error).message}`,
      { cause, retryable: true },
    )
  }
}

function columnsOf(header: readonly string[], file: string): Readonly<Record<string, number>> {
  const missing = sampleColumns.filter(name => !header.includes(name))
  if (missing.length > 0) {
    throw new FrameError(
      'LabelsInvalid',
      `${file}: line 1: columns ${missing.join(', ')} are missing; a sample list begins with ${sampleColumns.join(',')}`,
    )
  }
  return Object.fromEntries(header.map((name, position) => [name, position]))
}

function integer(text: string, name: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text)
  if (!/^[+-]?\d+$/.test(text) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
    throw new BadRow(`${name} "${text.slice(0, 40)}" is not an integer ${range}`)
  }
  return value
}

/** Detectors write boxes with fractions; the pixels that they touch are taken. */
function boxOf(cell: (name: string) => string): Box | null {
  const corners = ['x0', 'y0', 'x1', 'y1'].map(cell)
  if (corners.every(text => text === '')) return null
  const [x0, y0, x1, y1] = corners.map(text => (text === '' ? Number.NaN : Number(text))) as [
    number,
    number,
    number,
    number,
  ]
  const inside = x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= 65_536 && y1 <= 65_536
  if (!inside) throw new BadRow(`box ${corners.join(',').slice(0, 80)} is not 0 <= x0 < x1 and 0 <= y0 < y1`)
  return { x0: Math.floor(x0), y0: Math.floor(y0), x1: Math.ceil(x1), y1: Math.ceil(y1) }
}

/** Looks from the list's folder upwards; the height at which the last image was found comes first. */
function imageFinder(folder: string, highest: string, images?: string): (path: string) => Promise<string> {
  const bases = images === undefined ? [folder] : [images, folder]
  for (let base = folder; base !== highest && relative(highest, base) !== '' && !outside(highest, base); ) {
    base = dirname(base)
    bases.push(base)
  }
  // A list names many files of few folders: one listing each is much cheaper than asking for every file.
  const listed = new Map<string, Promise<ReadonlySet<string>>>()
  const namesIn = (parent: string): Promise<ReadonlySet<string>> => {
    const names =
      listed.get(parent) ??
      readdir(parent).then(
        found => new Set(found),
        () => new Set<string>(),
      )
    listed.set(parent, names)
    return names
  }
  return async path => {
    if (path === '') throw new BadRow('imgpath is empty')
    if (isAbsolute(path) || path.split(/[\\/]/).includes('..')) {
      throw new BadRow(`imgpath "${path.slice(0, 80)}" must be relative and without ..`)
    }
    for (const [position, base] of bases.entries()) {
      const candidate = join(base, path)
      if (!(await namesIn(dirname(candidate))).has(basename(candidate))) continue
      if (position > 0) bases.unshift(...bases.splice(position, 1))
      return candidate
    }
    throw new BadRow(`image ${path.slice(0, 200)} is missing`)
  }
}

const outside = (root: string, path: string): boolean => relative(root, path).startsWith('..')
