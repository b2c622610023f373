/** Constant nodes: the tensors that they hold, in whichever of ONNX's forms. */
import {
  type AttributeProto,
  floatTensor,
  intTensor,
  type NodeProto,
  type TensorProto,
} from '../models/onnx.ts'

/** Named as the node's output; undefined where the node is no Constant, or holds text or a sparse tensor. */
export function constantValue({ opType, output, attribute = [] }: NodeProto): TensorProto | undefined {
  const [held] = attribute
  if (opType !== 'Constant' || held === undefined) return undefined
  const name = output[0]!
  switch (held.name) {
    case 'value':
      return held.t === undefined ? undefined : { ...held.t, name }
    case 'value_float':
      return floatTensor(name, [], [held.f ?? 0])
    case 'value_floats':
      return floatTensor(name, [held.floats?.length ?? 0], held.floats ?? [])
    case 'value_int':
      return intTensor(name, [], [held.i ?? 0])
    case 'value_ints':
      return intTensor(name, [held.ints?.length ?? 0], held.ints ?? [])
    default:
      return undefined
  }
}

/** The attribute of a Constant that holds a tensor. */
export const tensorValue = (tensor: TensorProto): AttributeProto => ({
  name: 'value',
  type: tensorAttributeType,
  t: tensor,
})

const tensorAttributeType = 4
