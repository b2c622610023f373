/**
 * Weights beside an ONNX file, as exporters put them where the file would be large (PyTorch's by default): tensors name a file in the model's folder
 * with offset and length. Here they come into the file, so that everything behind it has one.
 */
import { open } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { ModelError } from './errors.ts'
import { decodeModel, encodeModel, type ModelProto, type TensorProto } from './onnx.ts'

const outside = 1

/**
 * The file itself where all tensors are in it, and where it is no ONNX file, of which others tell.
 *
 * @param path of the model, whose folder the names are relative to
 * @throws ModelError ModelInvalid naming the tensor
 */
export async function withTensorsInside(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  const model = decoded(bytes)
  const lie = model === undefined ? [] : tensorsOf(model).filter(each => each.dataLocation === outside)
  if (model === undefined || lie.length === 0) return bytes
  for (const tensor of lie) {
    tensor.rawData = await readOutside(tensor, path)
    delete tensor.externalData
    delete tensor.dataLocation
  }
  return encodeModel(model)
}

function decoded(bytes: Uint8Array): ModelProto | undefined {
  try {
    return decodeModel(bytes)
  } catch {
    return undefined
  }
}

const tensorsOf = ({ graph }: ModelProto): TensorProto[] => [
  ...graph.initializer,
  ...graph.node.flatMap(({ attribute = [] }) => attribute.flatMap(({ t }) => t ?? [])),
]

async function readOutside({ name, externalData = [] }: TensorProto, path: string): Promise<Uint8Array> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new ModelError('ModelInvalid', `tensor ${name} of ${path} lies outside the file: ${reason}`, {
      cause,
    })
  }
  const value = (key: string): string | undefined => externalData.find(each => each.key === key)?.value
  const location = value('location') ?? refuse('its place is not named')
  if (isAbsolute(location) || location.split(/[\\/]/).includes('..'))
    refuse(`${location} is refused; accepted: a file in the model's folder`)
  const offset = Number(value('offset') ?? 0)
  try {
    const handle = await open(join(dirname(path), location))
    try {
      const { size } = await handle.stat()
      const length = Number(value('length') ?? size - offset)
      if (!(offset >= 0 && length >= 0 && offset + length <= size))
        return refuse(`${location} has ${size} bytes, ${length} from ${offset} on are asked for`)
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, offset)
      return buffer
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof ModelError) throw error
    return refuse(`${location} cannot be read: ${(error as Error).message}`, error)
  }
}
