/**
 * A student network as training sees it: nodes in order, weights by name, and which of them belong to which layer.
 *
 * A layer is a node with a weight matrix of its own (Conv, Gemm, MatMul), counted from the input; the last is the head. The scale and
 * bias of a BatchNormalization, and the bias added after a MatMul, belong to the layer whose output they act on.
 */
import {
  dataType,
  decodeModel,
  floatTensor,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  tensorAttribute,
} from '../models/onnx.ts'
import { LearningError } from './errors.ts'

export interface Layer {
  readonly node: NodeProto
  /** Names of the initializers that belong to it, weight first. */
  readonly parameters: readonly string[]
}

export interface Student {
  readonly model: ModelProto
  /** In topological order, constants taken out. */
  readonly nodes: readonly NodeProto[]
  readonly initializers: ReadonlyMap<string, TensorProto>
  readonly input: string
  readonly output: string
  readonly layers: readonly Layer[]
}

const weightOperators = new Set(['Conv', 'Gemm', 'MatMul'])

/** @throws LearningError ModelInvalid */
export function readStudent(bytes: Uint8Array): Student {
  const model = decodeModel(bytes)
  liftConstants(model.graph)
  return describeStudent(model)
}

export function describeStudent(model: ModelProto): Student {
  const { graph } = model
  const initializers = new Map(graph.initializer.map(tensor => [tensor.name!, tensor]))
  const inputs = graph.input.filter(value => !initializers.has(value.name))
  if (inputs.length !== 1 || graph.output.length !== 1)
    throw new LearningError(
      'ModelInvalid',
      `the model has ${inputs.length} inputs and ${graph.output.length} outputs; accepted: one of each`,
    )
  const layers = findLayers(graph.node, initializers)
  if (layers.length === 0)
    throw new LearningError(
      'ModelInvalid',
      'the model has no weights to train; accepted: Conv, Gemm or MatMul nodes',
    )
  return {
    model,
    nodes: graph.node,
    initializers,
    input: inputs[0]!.name,
    output: graph.output[0]!.name,
    layers,
  }
}

/** Index of the first layer that is trained. */
export function firstTrained(student: Student, trainable: 'all' | 'head' | number): number {
  if (trainable === 'all') return 0
  return Math.max(0, student.layers.length - (trainable === 'head' ? 1 : trainable))
}

/** Constant nodes become initializers, so that weights are found in one place. */
function liftConstants(graph: GraphProto): void {
  graph.node = graph.node.filter(node => {
    const value = node.opType === 'Constant' ? tensorAttribute(node, 'value') : undefined
    if (value === undefined) return true
    graph.initializer.push({ ...value, name: node.output[0]! })
    return false
  })
}

function findLayers(nodes: readonly NodeProto[], initializers: ReadonlyMap<string, TensorProto>): Layer[] {
  const isFloat = (name: string | undefined): name is string =>
    name !== undefined && initializers.get(name)?.dataType === dataType.float
  const layers: { node: NodeProto; parameters: string[] }[] = []
  /** The layer whose output a tensor is, possibly through nodes without weights. */
  const origin = new Map<string, number>()

  for (const node of nodes) {
    const own = node.input.filter(isFloat)
    const upstream = node.input.map(name => origin.get(name)).filter(index => index !== undefined)
    let index = upstream.length === 0 ? -1 : Math.max(...upstream)
    if (weightOperators.has(node.opType) && own.length > 0) {
      index = layers.push({ node, parameters: own }) - 1
    } else if (node.opType === 'BatchNormalization' && index >= 0) {
      layers[index]!.parameters.push(...node.input.slice(1, 3).filter(isFloat))
    } else if (node.opType === 'Add' && own.length === 1 && follows(layers[index]?.node, 'MatMul', node)) {
      layers[index]!.parameters.push(...own)
    }
    for (const output of node.output) if (output !== '') origin.set(output, index)
  }
  return layers
}

const follows = (from: NodeProto | undefined, opType: string, node: NodeProto): boolean =>
  from?.opType === opType && node.input.includes(from.output[0]!)

/** A copy of the model with other values for some float initializers. */
export function withWeights(model: ModelProto, values: ReadonlyMap<string, Float32Array>): ModelProto {
  const initializer = model.graph.initializer.map(tensor => {
    const changed = values.get(tensor.name!)
    return changed === undefined ? tensor : floatTensor(tensor.name!, tensor.dims, changed)
  })
  return { ...model, graph: { ...model.graph, initializer } }
}
