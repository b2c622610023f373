/** A student's head: the last layer, a Gemm whose rows are classes. What changes its size goes through here. */
import {
  floatAttribute,
  floatTensor,
  floatValues,
  intAttribute,
  type NodeProto,
  type TensorProto,
} from '../models/onnx.ts'
import { LearningError } from './errors.ts'
import type { Student } from './student.ts'

export interface Head {
  readonly node: NodeProto
  readonly classes: number
  readonly inputs: number
  /** classes × inputs. */
  readonly rows: Float32Array
  readonly bias: Float32Array
}

/** @param wanted what needs such a head, for the message. @throws LearningError OperatorUnsupported */
export function headOf({ layers, initializers }: Student, wanted: string): Head {
  const { node } = layers.at(-1)!
  const [, weightName, biasName] = node.input
  const weight = initializers.get(weightName!)
  const bias = biasName ? initializers.get(biasName) : null
  const scaled = ['alpha', 'beta'].some(name => floatAttribute(node, name, 1) !== 1)
  if (
    node.opType !== 'Gemm' ||
    weight === undefined ||
    bias === undefined ||
    scaled ||
    intAttribute(node, 'transA', 0) !== 0
  )
    throw new LearningError(
      'OperatorUnsupported',
      `node ${node.name || node.output[0]} (${node.opType}) is the head; accepted with ${wanted}: a Gemm with weight and bias of its own, alpha and beta 1`,
    )
  const transposed = intAttribute(node, 'transB', 0) === 1
  const [classes, inputs] = (transposed ? weight.dims : weight.dims.toReversed()) as [number, number]
  return {
    node,
    classes,
    inputs,
    rows: transposed ? floatValues(weight) : transpose(floatValues(weight), classes),
    bias: bias === null ? new Float32Array(classes) : spread(floatValues(bias), classes),
  }
}

/** The head's weight and bias with other values, under the names and in the layout that its node reads. */
export function headTensors({ node, inputs }: Head, rows: Float32Array, bias: Float32Array): TensorProto[] {
  const classes = bias.length
  const [, weightName, biasName] = node.input
  const weight =
    intAttribute(node, 'transB', 0) === 1
      ? floatTensor(weightName!, [classes, inputs], rows)
      : floatTensor(weightName!, [inputs, classes], transpose(rows, inputs))
  return biasName ? [weight, floatTensor(biasName, [classes], bias)] : [weight]
}

/** One value for all, or each its own. */
const spread = (bias: Float32Array, classes: number): Float32Array =>
  bias.length === 1 ? new Float32Array(classes).fill(bias[0]!) : bias

/** Of a matrix whose transpose has so many rows. */
function transpose(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows
  return Float32Array.from(values, (_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!)
}
