/**
 * Writes a student's training as ONNX graphs.
 *
 *   frozen      input → boundary                                 the part below the trained layers; absent when everything is trained
 *   step        boundary, targets, parameters                    forward, softmax cross-entropy, backward
 *               → gradients, statistics of the batch, loss, logits
 *   evaluation  boundary, parameters, statistics → logits        the trained part as it is served
 *
 * Every weight is an input under its own name, so that the runtime reads it where it lies and nothing is copied. What a step does to the
 * weights is outside (descent.ts): in place, in one pass. `statistics` are BatchNormalization's running mean and variance.
 * `targets` [N, classes] are one-hot rows times the sample's weight; weights of a batch that sum to 1 give the weighted mean.
 */
import { blockedDomain, extraDomain } from '../models/blocked-layout.ts'
import {
  encodeModel,
  floatValue,
  type GraphProto,
  holdsGraphs,
  intAttribute,
  type ModelProto,
  model,
  type NodeProto,
  type TensorProto,
} from '../models/onnx.ts'
import { emitter } from './emitter.ts'
import { LearningError } from './errors.ts'
import { giveOut } from './give-out.ts'
import { gradientRules } from './gradients/registry.ts'
import type { Backward, Dims, Emitter, NodeContext } from './gradients/rule.ts'
import { packSlots, type Slot } from './slots.ts'
import type { Student } from './student.ts'

export interface TrainingGraphs {
  readonly boundary: readonly { readonly name: string; readonly dims: readonly number[] }[]
  readonly frozen: Uint8Array | null
  readonly step: Uint8Array
  readonly evaluation: Uint8Array
  readonly parameters: readonly Slot[]
  readonly statistics: readonly Slot[]
  readonly logits: string
}

/** Names of what goes in and out besides boundary, weights and logits. */
export const wire = {
  targets: 'ekya.targets',
  loss: 'ekya.loss',
  /** Loss gradient of a parameter: its values in their order, in whatever shape. */
  gradient: (parameter: string): string => `ekya.gradient/${parameter}`,
  /** Of the batch, what a running statistic follows. */
  batch: (statistic: string): string => `ekya.batch/${statistic}`,
} as const

export interface CutOptions {
  /** Index of the first trained layer. */
  readonly first: number
  /** BatchNormalization keeps its running statistics and normalises with them, as it is served. Default false. */
  readonly freezeStatistics?: boolean
  /** Channels in a block of the runtime's blocked layout (models/blocked-layout.ts). Default 1: it is not used. */
  readonly block?: number
  /** Whether the runtime has BatchNormalization in training mode; its CUDA provider has not. Default true. */
  readonly fusedBatchStatistics?: boolean
}

/** @throws LearningError OperatorUnsupported */
export function writeTrainingGraphs(
  student: Student,
  shapes: ReadonlyMap<string, Dims>,
  options: CutOptions,
): TrainingGraphs {
  const cut = cutAt(student, shapes, options)
  const { parameters, statistics } = cut
  return {
    boundary: cut.boundary,
    frozen: frozenModel(student, cut),
    step: stepModel(student, shapes, cut, options),
    evaluation: evaluationModel(student, cut),
    parameters,
    statistics,
    logits: student.output,
  }
}

interface Cut {
  /** Nodes that depend on neither the input nor a trained weight, and that the trained part reads: they are computed where it is. */
  readonly fixed: readonly NodeProto[]
  /** Nodes that depend on a trained weight, in order. */
  readonly trained: readonly NodeProto[]
  readonly boundary: TrainingGraphs['boundary']
  readonly parameters: readonly Slot[]
  readonly statistics: readonly Slot[]
  /** BatchNormalization nodes that use the batch's statistics. */
  readonly onBatch: ReadonlySet<NodeProto>
}

function cutAt(
  student: Student,
  shapes: ReadonlyMap<string, Dims>,
  { first, freezeStatistics = false }: CutOptions,
): Cut {
  const names = new Set(student.layers.slice(first).flatMap(layer => layer.parameters))
  const [trained, dependent] = dependentOn(student.nodes, names)
  refuseUnsupported(trained)
  const fixed = fixedNodes(student, trained)
  const local = new Set([...dependent, ...fixed.flatMap(node => node.output)])

  const onBatch = new Set(
    trained.filter(
      node =>
        !freezeStatistics &&
        node.opType === 'BatchNormalization' &&
        node.input.slice(1, 3).every(name => names.has(name)),
    ),
  )
  const tensor = (name: string): TensorProto => student.initializers.get(name)!
  const statistics = [...onBatch].flatMap(node => node.input.slice(3, 5)).map(tensor)
  const outside = new Set(
    trained.flatMap(node =>
      node.input.filter(name => name !== '' && !local.has(name) && !student.initializers.has(name)),
    ),
  )
  return {
    fixed,
    trained,
    boundary: [...outside].map(name => ({ name, dims: boundaryDims(name, shapes) })),
    parameters: packSlots([...names].map(tensor)),
    statistics: packSlots(statistics),
    onBatch,
  }
}

/** The nodes that depend on any of these tensors, in order, and all that they give. */
function dependentOn(
  nodes: readonly NodeProto[],
  names: ReadonlySet<string>,
): [readonly NodeProto[], ReadonlySet<string>] {
  const given = new Set<string>()
  const found = nodes.filter(node => {
    // A graph within a node may read anything that there is before it.
    const depends =
      node.input.some(name => names.has(name) || given.has(name)) || (given.size > 0 && holdsGraphs(node))
    if (depends) for (const output of node.output) given.add(output)
    return depends
  })
  return [found, given]
}

function fixedNodes({ nodes, input }: Student, trained: readonly NodeProto[]): NodeProto[] {
  const varying = new Set([...dependentOn(nodes, new Set([input]))[0], ...trained])
  const wanted = new Set(trained.flatMap(node => node.input))
  const fixed: NodeProto[] = []
  for (const node of nodes.toReversed()) {
    if (varying.has(node) || !node.output.some(name => wanted.has(name))) continue
    for (const name of node.input) wanted.add(name)
    fixed.unshift(node)
  }
  return fixed
}

function boundaryDims(name: string, shapes: ReadonlyMap<string, Dims>): readonly number[] {
  const [, ...dims] = shapes.get(name) ?? []
  if (dims.length === 0 || dims.some(dim => dim === null))
    throw new LearningError(
      'ModelInvalid',
      `tensor ${name} has the shape [${shapes.get(name)}]; accepted: only a free batch`,
    )
  return dims as number[]
}

function refuseUnsupported(trained: readonly NodeProto[]): void {
  const unknown = trained.filter(node => (node.domain ?? '') !== '' || !gradientRules.has(node.opType))
  if (unknown.length === 0) return
  const named = unknown.slice(0, 5).map(node => `${node.opType} (node ${node.name || node.output[0]})`)
  throw new LearningError(
    'OperatorUnsupported',
    `cannot train through ${named.join(', ')}; supported: ${[...gradientRules.keys()].join(', ')}. ` +
      'Operators below the trained layers need no support: train fewer layers',
  )
}

/** The weights that the trained part reads but does not train. */
const constantsOf = (student: Student, cut: Cut): TensorProto[] => {
  const packed = new Set([...cut.parameters, ...cut.statistics].map(slot => slot.name))
  const read = new Set([...cut.fixed, ...cut.trained].flatMap(node => node.input))
  return initializersOf(student, name => read.has(name) && !packed.has(name))
}

const initializersOf = (student: Student, wanted: (name: string) => boolean): TensorProto[] =>
  [...student.initializers].filter(([name]) => wanted(name)).map(([, tensor]) => tensor)

function frozenModel(student: Student, { trained, boundary }: Cut): Uint8Array | null {
  const wanted = new Set(boundary.map(each => each.name))
  if (wanted.size === 1 && wanted.has(student.input)) return null
  const skipped = new Set(trained)
  // What graphs within nodes read is not seen here.
  const whole = student.nodes.some(holdsGraphs)
  const needed: NodeProto[] = []
  for (const node of student.nodes.toReversed()) {
    if (skipped.has(node) || !(whole || node.output.some(name => wanted.has(name)))) continue
    for (const name of node.input) wanted.add(name)
    needed.unshift(node)
  }
  const { model } = student
  return encodeModel({
    ...model,
    graph: {
      name: 'frozen',
      node: needed,
      initializer: initializersOf(student, name => whole || wanted.has(name)),
      input: model.graph.input.filter(value => value.name === student.input),
      output: boundary
        .filter(each => each.name !== student.input)
        .map(each => floatValue(each.name, ['N', ...each.dims])),
    },
  })
}

function evaluationModel(student: Student, cut: Cut): Uint8Array {
  const graph = graphOf('evaluation', student, cut)
  graph.input.push(...cut.statistics.map(asValue))
  graph.node.push(...cut.fixed, ...cut.trained)
  graph.output.push({ name: student.output, type: { tensorType: { elemType: 1 } } })
  return encodeModel(modelOf(graph, student.opset))
}

function stepModel(
  student: Student,
  shapes: ReadonlyMap<string, Dims>,
  cut: Cut,
  { block = 1, fusedBatchStatistics = true }: CutOptions,
): Uint8Array {
  const graph = graphOf('step', student, cut)
  const emit = emitter(graph, namesOf(student, cut))
  graph.node.push(...cut.fixed)
  const wanted = new Set(cut.parameters.map(slot => slot.name))
  for (const node of cut.trained) for (const output of node.output) wanted.add(output)
  const constants = new Map(constantsOf(student, cut).map(tensor => [tensor.name!, tensor]))
  const backward = cut.trained.map(node => {
    const context = nodeContext(emit, graph, node, {
      shapes,
      constants,
      wanted,
      block,
      fusedBatchStatistics,
      trained: cut.onBatch.has(node),
    })
    return gradientRules.get(node.opType)!(context)
  })

  const scores = scoresOf(student, shapes)
  const gradients = new Map<string, string[]>([[scores, [crossEntropy(emit, scores)]]])
  const gradientOf = (name: string): string | undefined => {
    const parts = gradients.get(name)
    return parts === undefined || parts.length === 1 ? parts?.[0] : emit.emit('Sum', parts)
  }
  for (let i = cut.trained.length - 1; i >= 0; i--)
    backpropagate(cut.trained[i]!, backward[i]!, gradientOf, gradients)
  const found = cut.parameters.map(({ name, dims, size }) => ({
    tensor: gradientOf(name) ?? emit.floats(new Float32Array(size), dims),
    name: wire.gradient(name),
  }))
  giveOut(graph, emit, found, namesOf(student, cut))

  graph.input.push(floatValue(wire.targets, ['N', classesOf(student, shapes)]))
  const outputs = [
    ...[wire.loss, student.output],
    ...cut.parameters.map(({ name }) => wire.gradient(name)),
    ...cut.statistics.map(({ name }) => wire.batch(name)),
  ]
  graph.output.push(...outputs.map(name => ({ name, type: { tensorType: { elemType: 1 } } })))
  return encodeModel(modelOf(graph, Math.max(emittedOpset, student.opset)))
}

function classesOf(student: Student, shapes: ReadonlyMap<string, Dims>): number {
  const [, classes, ...rest] = shapes.get(student.output) ?? []
  if (typeof classes !== 'number' || rest.length > 0)
    throw new LearningError(
      'ModelInvalid',
      `the output ${student.output} has the shape [${shapes.get(student.output)}]; accepted: [N, classes]`,
    )
  return classes
}

/** What the gradient rules emit: nodes of opset 18, which mean the same up to 22. */
const emittedOpset = 18

const runtimeDomains = [blockedDomain, extraDomain].map(domain => ({ domain, version: 1 }))

function modelOf(graph: GraphProto, opset: number): ModelProto {
  return { ...model(graph), opsetImport: [{ version: opset }, ...runtimeDomains] }
}

function graphOf(name: string, student: Student, cut: Cut): GraphProto {
  const input = cut.boundary.map(each => floatValue(each.name, ['N', ...each.dims]))
  input.push(...cut.parameters.map(asValue))
  return { name, node: [], initializer: constantsOf(student, cut), input, output: [] }
}

const asValue = ({ name, dims }: Slot) => floatValue(name, dims)

const namesOf = (student: Student, { parameters, statistics }: Cut): Set<string> =>
  new Set([
    ...student.nodes.flatMap(node => [...node.input, ...node.output, node.name ?? '']),
    ...student.initializers.keys(),
    ...[wire.targets, wire.loss],
    ...parameters.map(({ name }) => wire.gradient(name)),
    ...statistics.map(({ name }) => wire.batch(name)),
  ])

/** What the loss takes the softmax of: where a model ends with one of its own, what that reads. */
function scoresOf({ nodes, output }: Student, shapes: ReadonlyMap<string, Dims>): string {
  const last = nodes.find(node => node.output[0] === output)
  const rank = shapes.get(output)?.length ?? 0
  const overClasses = last?.opType === 'Softmax' && [-1, rank - 1].includes(intAttribute(last, 'axis', -1))
  return overClasses ? last.input[0]! : output
}

/** loss = −Σ targets · log softmax(logits); its gradient is softmax · (row sum of targets) − targets. */
function crossEntropy(emit: Emitter, logits: string): string {
  const logarithms = emit.emit('LogSoftmax', [logits], { axis: 1 })
  const terms = emit.emit('Mul', [wire.targets, logarithms])
  emit.emitAs('Neg', [emit.emit('ReduceSum', [terms], { keepdims: 0 })], [wire.loss])
  const rowSums = emit.emit('ReduceSum', [wire.targets, emit.ints([1])], { keepdims: 1 })
  const expected = emit.emit('Mul', [emit.emit('Exp', [logarithms]), rowSums])
  return emit.emit('Sub', [expected, wire.targets])
}

function backpropagate(
  node: NodeProto,
  backward: Backward,
  gradientOf: (name: string) => string | undefined,
  gradients: Map<string, string[]>,
): void {
  const given = node.output.map(gradientOf)
  if (given.every(gradient => gradient === undefined)) return
  for (const [i, part] of backward(given[0]!, given).entries()) {
    if (part === undefined) continue
    const name = node.input[i]!
    gradients.set(name, [...(gradients.get(name) ?? []), part])
  }
}

/** What a node's rule may ask of the graph around it. */
interface Surroundings {
  readonly shapes: ReadonlyMap<string, Dims>
  /** By name: what the trained part reads and does not train. */
  readonly constants: ReadonlyMap<string, TensorProto>
  /** Tensors whose gradients are needed. */
  readonly wanted: ReadonlySet<string>
  readonly block: number
  readonly fusedBatchStatistics: boolean
  readonly trained: boolean
}

function nodeContext(
  emit: Emitter,
  graph: GraphProto,
  node: NodeProto,
  { shapes, constants, wanted, block, fusedBatchStatistics, trained }: Surroundings,
): NodeContext {
  const refuse = (reason: string): never => {
    throw new LearningError(
      'OperatorUnsupported',
      `node ${node.name || node.output[0]} (${node.opType}): ${reason}`,
    )
  }
  return {
    ...emit,
    node,
    trained,
    block,
    fusedBatchStatistics,
    refuse,
    copy: (outputs = node.output) => {
      graph.node.push({ ...node, output: [...outputs] })
    },
    copyAs: (inputs, outputs, attribute = node.attribute) => {
      const name = emit.fresh(`${node.opType}/${outputs[0]}`)
      graph.node.push({ ...node, name, input: [...inputs], output: [...outputs], attribute })
    },
    wants: input => wanted.has(node.input[input] ?? ''),
    constant: input => constants.get(node.input[input] ?? ''),
    dims: tensor => shapes.get(tensor) ?? refuse(`the shape of ${tensor} is unknown`),
    batchStatistic: input => wire.batch(node.input[input]!),
  }
}
