/** The model files that the learning commands read and write. */
import { open, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ImageShape } from '../../workers/models/build.ts'
import { readModel } from '../../workers/models/classifier.ts'
import { ModelError } from '../../workers/models/errors.ts'
import { withTensorsInside } from '../../workers/models/external-data.ts'
import { UsageError } from './errors.ts'
import type { OptionReader } from './option-reader.ts'
import { makeFolder } from './results-folder.ts'

/** Weights that lie beside the file come with it. Undefined where there is no such file, which the reader is told. */
export async function readModelFile(reader: OptionReader, file: string): Promise<Uint8Array | undefined> {
  try {
    return await withTensorsInside(await readModel(file), file)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    reader.refuse('--model', error.message)
    return undefined
  }
}

/** Tells the reader of a model that reads no colour images. */
export function checkInput(
  reader: OptionReader,
  file: string,
  { channels, height, width }: ImageShape,
): void {
  if (channels !== 3)
    reader.refuse(
      '--model',
      `${file} reads images [${channels}, ${height}, ${width}]; accepted: [3, height, width], channels first`,
    )
}

/** Tells the reader of a path that no file can have. */
export async function checkOutFile(reader: OptionReader, file: string): Promise<void> {
  if (file === '' || file.endsWith('/'))
    return reader.refuse('--out', `${JSON.stringify(file)} names no file; accepted: the path of a file`)
  const found = await stat(file).catch(() => undefined)
  if (found !== undefined && !found.isFile())
    reader.refuse('--out', `${file} is no file; accepted: a file, or a path where nothing is yet`)
}

/** Before the work: a file that cannot be written must not cost it. @throws UsageError */
export async function makeRoomFor(command: string, file: string): Promise<void> {
  await makeFolder(command, dirname(file))
  const trial = `${file}.${process.pid}.tmp`
  try {
    await (await open(trial, 'w')).close()
    await rm(trial)
  } catch (error) {
    throw new UsageError(`${command}: cannot write ${file}: ${(error as Error).message}`)
  }
}

/** Tells the reader of anything but a folder. */
export async function checkFolder(reader: OptionReader, option: string, folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined)
  if (found === undefined || !found.isDirectory())
    reader.refuse(
      option,
      `${folder} is ${found === undefined ? 'not there' : 'no folder'}; accepted: a folder`,
    )
}
