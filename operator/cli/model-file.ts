/** The model files that the learning commands read and write. */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readModel } from '../../workers/models/classifier.ts'
import { ModelError } from '../../workers/models/errors.ts'
import type { OptionReader } from './option-reader.ts'
import { makeFolder } from './results-folder.ts'

/** Undefined where there is no such file, which the reader is told. */
export async function readModelFile(reader: OptionReader, file: string): Promise<Uint8Array | undefined> {
  try {
    return await readModel(file)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    reader.refuse('--model', error.message)
    return undefined
  }
}

/** Tells the reader of a path that no file can have. */
export async function checkOutFile(reader: OptionReader, file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found !== undefined && !found.isFile())
    reader.refuse('--out', `${file} is no file; accepted: a file, or a path where nothing is yet`)
}

/** Before the work: a folder that cannot be made must not cost it. @throws UsageError */
export const makeRoomFor = (command: string, file: string): Promise<void> =>
  makeFolder(command, dirname(file))

/** Tells the reader of anything but a folder. */
export async function checkFolder(reader: OptionReader, option: string, folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined)
  if (found === undefined || !found.isDirectory())
    reader.refuse(
      option,
      `${folder} is ${found === undefined ? 'not there' : 'no folder'}; accepted: a folder`,
    )
}
