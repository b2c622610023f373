/** The nodes of one training step: forward, softmax cross-entropy, backward. */
import { dataType, type GraphProto, intAttribute, type NodeProto, type TensorProto } from '../models/onnx.ts'
import { type Cut, constantsOf } from './cut.ts'
import { LearningError } from './errors.ts'
import type { Given } from './give-out.ts'
import { gradientRules } from './gradients/registry.ts'
import type { Backward, Dims, Emitter, NodeContext } from './gradients/rule.ts'
import { reluAfterPooling } from './relu-after-pooling.ts'
import type { Strengths } from './strengths.ts'
import type { Student } from './student.ts'
import { wire } from './wire.ts'

/**
 * Writes them into a graph that has boundary, targets, weights and constants; the loss, the logits and the statistics of the batch get the
 * names of `wire` and of the student.
 *
 * @returns the gradient of each parameter, in the order of the slots
 */
export function writeStep(
  graph: GraphProto,
  emit: Emitter,
  student: Student,
  givenShapes: ReadonlyMap<string, Dims>,
  cut: Cut,
  strengths: Strengths,
): readonly Given[] {
  const { nodes, shapes } = reluAfterPooling(
    { nodes: cut.trained, shapes: givenShapes },
    student.output,
    emit.fresh,
  )
  graph.node.push(...cut.fixed)
  const wanted = new Set(cut.parameters.map(slot => slot.name))
  for (const node of nodes) for (const output of node.output) wanted.add(output)
  const constants = new Map(constantsOf(student, cut).map(tensor => [tensor.name!, tensor]))
  const classes = classesOf(student, shapes)
  const images = (): string =>
    emit.once('Div', [
      emit.once('Cast', [emit.once('Size', [wire.targets])], { to: dataType.float }),
      emit.floats([classes]),
    ])
  const makers = new Map(nodes.flatMap(node => node.output.map(output => [output, node] as const)))
  const surroundings = { shapes, constants, wanted, strengths, images, makers }
  const backward = nodes.map(node => {
    const trained = cut.onBatch.has(node)
    const context = nodeContext(emit, graph, node, { ...surroundings, trained })
    return gradientRules.get(node.opType)!(context)
  })

  const scores = scoresOf(student, shapes)
  const gradients = new Map<string, string[]>([[scores, [crossEntropy(emit, scores)]]])
  const gradientOf = (name: string): string | undefined => {
    const parts = gradients.get(name)
    return parts === undefined || parts.length === 1 ? parts?.[0] : emit.emit('Sum', parts)
  }
  for (let i = nodes.length - 1; i >= 0; i--) backpropagate(nodes[i]!, backward[i]!, gradientOf, gradients)
  return cut.parameters.map(({ name, dims, size }) => ({
    tensor: gradientOf(name) ?? emit.floats(new Float32Array(size), dims),
    name: wire.gradient(name),
  }))
}

/** @throws LearningError ModelInvalid */
export function classesOf(student: Student, shapes: ReadonlyMap<string, Dims>): number {
  const [, classes, ...rest] = shapes.get(student.output) ?? []
  if (typeof classes !== 'number' || rest.length > 0)
    throw new LearningError(
      'ModelInvalid',
      `the output ${student.output} has the shape [${shapes.get(student.output)}]; accepted: [N, classes]`,
    )
  return classes
}

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
  readonly strengths: Strengths
  /** By what they make. */
  readonly makers: ReadonlyMap<string, NodeProto>
  /** The number of images, as a float. */
  images(): string
  readonly trained: boolean
}

function nodeContext(
  emit: Emitter,
  graph: GraphProto,
  node: NodeProto,
  { shapes, constants, wanted, strengths, makers, images, trained }: Surroundings,
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
    strengths,
    images,
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
    maker: tensor => makers.get(tensor),
    batchStatistic: input => wire.batch(node.input[input]!),
  }
}
