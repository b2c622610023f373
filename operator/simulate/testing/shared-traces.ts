/** Ekya's published profiles and what its simulator made of them, beside the checkout; tests skip where they are absent. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseTrace, type Trace } from '../trace.ts'

const folder = fileURLToPath(new URL('../../../../shared/ekya-data/', import.meta.url))

export const cityscapesFile = `${folder}traces/cityscapes-10.json`

/** Why tests that need the data cannot run; undefined: they can. */
export const missing = existsSync(cityscapesFile) ? undefined : `no ${cityscapesFile}`

/** The first streams of the Cityscapes trace. */
export function cityscapes(streams: number): Trace {
  const trace = parseTrace(readFileSync(cityscapesFile, 'utf8'), cityscapesFile)
  return { ...trace, streams: trace.streams.slice(0, streams) }
}

/** A run of Ekya's simulator. */
export interface EkyaRun {
  readonly scheduler_sees: 'actual' | 'microprofile_prediction'
  readonly streams: number
  readonly gpus: number
  readonly window: number
  readonly scheduler: string
  readonly mean_inference_accuracy: number
  /** By window (from 1) and time (s): the jobs that change. */
  readonly allocation: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>
}

export const ekyaRuns = (): EkyaRun[] =>
  JSON.parse(readFileSync(`${folder}reference/ekya_simulator_vectors.json`, 'utf8'))

/** Rows of a reference table, by column. */
export function referenceRows(name: string): Record<string, string>[] {
  const [header, ...lines] = readFileSync(`${folder}reference/${name}`, 'utf8').trim().split('\n')
  const columns = header!.split(',')
  return lines.map(line => Object.fromEntries(line.split(',').map((cell, i) => [columns[i]!, cell])))
}
