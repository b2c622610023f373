/** `ekya model build NAME`: a student network with random weights → an ONNX file. */
import { architectures } from '../../../workers/models/architectures/registry.ts'
import type { ImageShape } from '../../../workers/models/build.ts'
import { digestOf } from '../../../workers/models/classifier.ts'
import { ModelError } from '../../../workers/models/errors.ts'
import { writeAtomically } from '../../../workers/models/store.ts'
import { ConfigError } from '../../config/errors.ts'
import { UsageError, usageOf } from '../errors.ts'
import { checkOutFile, makeRoomFor } from '../model-file.ts'
import { OptionReader, wholeFrom } from '../option-reader.ts'
import type { Io } from '../program.ts'

/** As commander reads them. */
export interface RawModelBuildOptions {
  readonly classes: string
  readonly input: string
  readonly out: string
  readonly seed: string
  readonly json?: boolean
}

const [smallest, largest] = [32, 4096]

export async function modelBuild(name: string, raw: RawModelBuildOptions, io: Io): Promise<number> {
  const { classes, seed, shape } = await read(name, raw)
  await makeRoomFor('model build', raw.out)
  let bytes: Uint8Array
  try {
    bytes = architectures[name]!({ classes, seed, shape })
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    throw new UsageError(`model build: ${error.message}`, { cause: error })
  }
  await writeAtomically(raw.out, bytes)
  const written = { file: raw.out, network: name, classes, input: raw.input, seed, bytes: bytes.length }
  io.stdout.write(
    raw.json === true
      ? `${JSON.stringify({ ...written, digest: digestOf(bytes) }, null, 2)}\n`
      : `wrote ${raw.out}: ${name} for ${classes} classes of ${raw.input} images, ${bytes.length} bytes (sha-256 ${digestOf(bytes)})\n`,
  )
  return 0
}

/** @throws UsageError with all that is wrong. */
async function read(name: string, raw: RawModelBuildOptions) {
  const reader = new OptionReader()
  if (!Object.hasOwn(architectures, name))
    reader.refuse(
      'NAME',
      `${JSON.stringify(name)} is no network; accepted: ${Object.keys(architectures).join(', ')}`,
    )
  const classes = reader.number('--classes', raw.classes, wholeFrom(1, 65_536))
  const seed = reader.number('--seed', raw.seed, wholeFrom(0))
  const shape = readShape(reader, raw.input)
  await checkOutFile(reader, raw.out)
  try {
    reader.check()
  } catch (error) {
    throw error instanceof ConfigError ? usageOf('model build', error) : error
  }
  return { classes, seed, shape }
}

function readShape(reader: OptionReader, text: string): ImageShape {
  const sides = /^3x(\d+)x(\d+)$/.exec(text)?.slice(1).map(Number) ?? []
  const [height = 0, width = 0] = sides
  if (sides.length === 0 || Math.min(height, width) < smallest || Math.max(height, width) > largest)
    reader.refuse(
      '--input',
      `${JSON.stringify(text)} is not accepted; accepted: 3xHEIGHTxWIDTH, each from ${smallest} to ${largest}`,
    )
  return { channels: 3, height, width }
}
