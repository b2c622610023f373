/**
 * A student network as training sees it: nodes in order, weights by name, and which of them belong to which layer.
 *
 * A layer is a node with a weight matrix of its own (Conv, ConvTranspose, Gemm, MatMul), counted from the input; the last is the head. The weight may be
 * computed from tensors of the file, which belong to the layer then, numbers apart. The scale and bias of a BatchNormalization or LayerNormalization, and the
 * bias added after a MatMul, belong to the layer whose output they act on.
 */
import {
  dataType,
  decodeModel,
  floatTensor,
  holdsGraphs,
  intAttribute,
  isTrue,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../models/onnx.ts'
import { constantValue, tensorValue } from './constants.ts'
import { LearningError } from './errors.ts'
import { type Place, withOwnTensors, withoutAliases } from './shared-tensors.ts'

export interface Layer {
  readonly node: NodeProto
  /** Names of the initializers that belong to it, weight first. */
  readonly parameters: readonly string[]
  /** Where they are read, and running statistics beside them. */
  readonly places: readonly Place[]
}

export interface Student {
  /** The file as it was read, tensors not listed as inputs. */
  readonly model: ModelProto
  /** Of the operators' default domain, 13 to 22. */
  readonly opset: number
  /** In topological order, constants and other names for them taken out. */
  readonly nodes: readonly NodeProto[]
  /** Constants included. */
  readonly initializers: ReadonlyMap<string, TensorProto>
  readonly input: string
  readonly output: string
  readonly layers: readonly Layer[]
}

const normalisations = new Set(['BatchNormalization', 'LayerNormalization'])
const weightOperators = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])
const [oldestOpset, newestOpset] = [13, 22]

/** @param origin names the file in messages. @throws LearningError ModelInvalid */
export function readStudent(bytes: Uint8Array, origin?: string): Student {
  return describeStudent(decodeModel(bytes, origin))
}

/** @throws LearningError ModelInvalid */
export function describeStudent(given: ModelProto): Student {
  const model = withoutListed(given)
  const { graph } = model
  const opset = opsetOf(model)
  const initializers = new Map(graph.initializer.map(tensor => [tensor.name!, tensor]))
  const computed = graph.node.filter(node => {
    const value = constantValue(node)
    if (value !== undefined) initializers.set(value.name!, value)
    return value === undefined
  })
  const nodes = withoutAliases(computed, initializers)
  const { input: inputs } = graph
  if (inputs.length !== 1 || graph.output.length !== 1)
    throw new LearningError(
      'ModelInvalid',
      `the model has ${inputs.length} inputs and ${graph.output.length} outputs; accepted: one of each`,
    )
  const layers = findLayers(nodes, initializers)
  if (layers.length === 0)
    throw new LearningError(
      'ModelInvalid',
      'the model has no weights to train; accepted: Conv, ConvTranspose, Gemm or MatMul nodes',
    )
  return {
    model,
    opset,
    nodes,
    initializers,
    input: inputs[0]!.name,
    output: graph.output[0]!.name,
    layers,
  }
}

/** Some exporters list tensors of the file as inputs, with dimensions that training may change. */
function withoutListed(model: ModelProto): ModelProto {
  const { graph } = model
  const stored = new Set(graph.initializer.map(({ name }) => name))
  return { ...model, graph: { ...graph, input: graph.input.filter(({ name }) => !stored.has(name)) } }
}

/** The first node that is in training mode: what it gives hangs on the other images of a batch, or on chance. */
export const nodeInTraining = ({ nodes, initializers }: Student): NodeProto | undefined =>
  nodes.find(node => isInTraining(node, initializers))

function isInTraining(node: NodeProto, initializers: ReadonlyMap<string, TensorProto>): boolean {
  if (node.opType === 'BatchNormalization') return intAttribute(node, 'training_mode', 0) === 1
  const mode = node.opType === 'Dropout' ? initializers.get(node.input[2] ?? '') : undefined
  return mode !== undefined && isTrue(mode)
}

/** Index of the first layer that is trained. */
export function firstTrained(student: Student, trainable: 'all' | 'head' | number): number {
  if (trainable === 'all') return 0
  return Math.max(0, student.layers.length - (trainable === 'head' ? 1 : trainable))
}

function opsetOf({ opsetImport }: ModelProto): number {
  const opset = opsetImport.find(({ domain = '' }) => domain === '' || domain === 'ai.onnx')?.version ?? 0
  if (opset < oldestOpset || opset > newestOpset)
    throw new LearningError(
      'ModelInvalid',
      `the model is written in opset ${opset}; accepted: ${oldestOpset} to ${newestOpset}`,
    )
  return opset
}

function findLayers(nodes: readonly NodeProto[], initializers: ReadonlyMap<string, TensorProto>): Layer[] {
  const isFloat = (name: string | undefined): name is string =>
    name !== undefined && initializers.get(name)?.dataType === dataType.float
  const layers: { node: NodeProto; places: Place[] }[] = []
  /** The layer whose output a tensor is, possibly through nodes without weights. */
  const origin = new Map<string, number>()
  /** Where what a tensor is computed from lies in the file, for tensors that nothing else goes into. */
  const sources = new Map<string, readonly Place[]>()

  for (const node of nodes) {
    const own = node.input.flatMap((tensor, input): Place[] =>
      isFloat(tensor) ? [{ output: node.output[0]!, input, tensor, statistic: false }] : [],
    )
    const computed = node.input.flatMap(name => sources.get(name) ?? [])
    const isOfFile = (name: string): boolean => name === '' || initializers.has(name) || sources.has(name)
    if (node.input.every(isOfFile) && !holdsGraphs(node)) {
      const varying = own.filter(({ tensor }) => initializers.get(tensor)!.dims.length > 0)
      for (const output of node.output) sources.set(output, [...varying, ...computed])
      continue
    }
    const upstream = node.input.map(name => origin.get(name)).filter(index => index !== undefined)
    let index = upstream.length === 0 ? -1 : Math.max(...upstream)
    if (weightOperators.has(node.opType) && own.length + computed.length > 0) {
      index = layers.push({ node, places: [...computed, ...own] }) - 1
    } else if (normalisations.has(node.opType) && index >= 0) {
      // Scale and bias, then running statistics.
      const places = own.filter(({ input }) => input > 0)
      layers[index]!.places.push(...places.map(each => ({ ...each, statistic: each.input > 2 })))
    } else if (node.opType === 'Add' && own.length === 1 && follows(layers[index]?.node, 'MatMul', node)) {
      layers[index]!.places.push(...own)
    }
    for (const output of node.output) if (output !== '') origin.set(output, index)
  }
  return layers.map(({ node, places }) => ({
    node,
    places,
    parameters: places.filter(({ statistic }) => !statistic).map(({ tensor }) => tensor),
  }))
}

const follows = (from: NodeProto | undefined, opType: string, node: NodeProto): boolean =>
  from?.opType === opType && node.input.includes(from.output[0]!)

/** The student whose layers from `first` on share no tensor with another place that trains apart from them (shared-tensors.ts). */
export function withOwnWeights(student: Student, first: number): Student {
  const model = withOwnTensors(
    student,
    student.layers.slice(first).flatMap(({ places }) => places),
  )
  return model === undefined ? student : describeStudent(model)
}

/** A copy of the model with other values for some float weights; nothing else differs. */
export function withWeights(model: ModelProto, values: ReadonlyMap<string, Float32Array>): ModelProto {
  return replaceTensors(model, tensor => {
    const next = values.get(tensor.name!)
    return next === undefined ? tensor : floatTensor(tensor.name!, tensor.dims, next)
  })
}

/** A copy of the model with other tensors in its initializers and Constant nodes. */
export function replaceTensors(model: ModelProto, changed: (tensor: TensorProto) => TensorProto): ModelProto {
  const { graph } = model
  const node = graph.node.map(each => {
    const value = constantValue(each)
    const next = value === undefined ? undefined : changed(value)
    return next === undefined || next === value ? each : { ...each, attribute: [tensorValue(next)] }
  })
  return { ...model, graph: { ...graph, node, initializer: graph.initializer.map(changed) } }
}
