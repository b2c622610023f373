/**
 * Graphs of many training steps, or of many batches to judge, at once: for providers that would copy all weights to the device and back at each
 * run. The runtime's Scan goes through the batches; weights stay on the device.
 *
 *   step        weights, velocity and statistics, packed; batches, targets, rate and keep of each step; momentum, decay
 *               → the same weights behind the last step; loss and logits of each
 *   evaluation  weights and statistics, packed; batches → logits of each
 *
 * A step does what descent.ts does. Inputs and outputs are named by `wire`.
 */
import {
  encodeModel,
  floatTensor,
  floatValue,
  type GraphProto,
  node,
  type TensorProto,
  type ValueInfoProto,
} from '../models/onnx.ts'
import type { Cut } from './cut.ts'
import { emitter } from './emitter.ts'
import type { Dims, Emitter } from './gradients/rule.ts'
import { graphOf, modelOf, namesOf, stepOpset, untyped } from './graph-parts.ts'
import { dimsWithin, type Part, partsOf } from './rows.ts'
import { classesOf, writeStep } from './step-nodes.ts'
import type { Strengths } from './strengths.ts'
import type { Student } from './student.ts'
import { dropUnread } from './unread.ts'
import { wire } from './wire.ts'

/** Packed values that a step changes, as the body of the scan sees them. */
interface Carried {
  /** As everything outside knows it. */
  readonly name: string
  readonly part: Part
  readonly before: string
  readonly behind: string
}

const carriedOf = (vector: Parameters<typeof wire.part>[0], part: Part): Carried => {
  const name = wire.part(vector, part.kind)
  return { name, part, before: `${name}/before`, behind: `${name}/behind` }
}

export function manySteps(
  student: Student,
  shapes: ReadonlyMap<string, Dims>,
  cut: Cut,
  strengths: Strengths,
): Uint8Array {
  const body = graphOf('step', student, cut)
  const emit = emitter(body, [...namesOf(student, cut), ...wiredNames(cut)])
  const moved = partsOf(cut.parameters).map(part => ({
    part,
    weights: carriedOf('parameters', part),
    velocity: carriedOf('velocity', part),
  }))
  const followed = partsOf(cut.statistics).map(part => carriedOf('statistics', part))

  for (const { part, weights } of moved) takeApart(emit, part, weights.before)
  const gradients = writeStep(body, emit, student, shapes, cut, strengths)
  const gradientOf = new Map(cut.parameters.map(({ name }, i) => [name, gradients[i]!.tensor]))
  for (const { part, weights, velocity } of moved) {
    const gradient = putTogether(body, emit, part, name => gradientOf.get(name)!)
    const slowed = emit.emit('Mul', [velocity.before, wire.momentum])
    const decayed = emit.emit('Mul', [weights.before, decayOf(part)])
    emit.emitAs('Sum', [slowed, gradient, decayed], [velocity.behind])
    const step = emit.emit('Mul', [velocity.behind, wire.rate])
    emit.emitAs('Sub', [weights.before, step], [weights.behind])
  }
  for (const { part, before, behind } of followed) {
    const batch = putTogether(body, emit, part, wire.batch)
    const kept = emit.emit('Mul', [emit.emit('Sub', [before, batch]), wire.keep])
    emit.emitAs('Add', [batch, kept], [behind])
  }

  const classes = classesOf(student, shapes)
  const carried = [...moved.flatMap(({ weights, velocity }) => [weights, velocity]), ...followed]
  body.input.push(
    floatValue(wire.targets, ['N', classes]),
    floatValue(wire.rate, []),
    floatValue(wire.keep, []),
  )
  body.output.push(floatValue(wire.loss, []), floatValue(student.output, ['N', classes]))
  const graph = scanning(body, carried)
  graph.input.push(floatValue(wire.momentum, []), floatValue(wire.decay, []))
  for (const { part } of moved) {
    graph.initializer.push(decayMask(part))
    graph.node.unshift(node('Mul', [maskOf(part), wire.decay], [decayOf(part)]))
  }
  return encodeModel(modelOf(graph, stepOpset(student)))
}

export function manyEvaluations(student: Student, shapes: ReadonlyMap<string, Dims>, cut: Cut): Uint8Array {
  const body = graphOf('evaluation', student, cut)
  const inBody = [...body.initializer.map(tensor => tensor.name!), ...body.input.map(value => value.name)]
  body.node.push(...cut.fixed, ...cut.trained)
  body.output.push(floatValue(student.output, ['N', classesOf(student, shapes)]))
  const graph = scanning(body, [])
  const weights: GraphProto = { node: [], initializer: [], input: [], output: [] }
  const emit = emitter(weights, [...namesOf(student, cut), ...wiredNames(cut), ...inBody])
  for (const [vector, slots] of [
    ['parameters', cut.parameters],
    ['statistics', cut.statistics],
  ] as const)
    for (const part of partsOf(slots)) {
      const { name } = carriedOf(vector, part)
      graph.input.push(floatValue(name, part.dims))
      takeApart(emit, part, name)
    }
  graph.node.unshift(...weights.node)
  graph.initializer.push(...weights.initializer)
  // The trained part stands in it as the file has it.
  return encodeModel(modelOf(graph, student.opset))
}

const maskOf = ({ kind }: Part): string => `ekya.mask/${kind}`
const decayOf = ({ kind }: Part): string => `ekya.decays/${kind}`

const wiredNames = ({ boundary }: Cut): string[] => [
  ...boundary.map(({ name }) => wire.many(name)),
  ...[wire.rate, wire.keep, wire.momentum, wire.decay],
]

/** 1 where weights decay: those with two or more dimensions. A row belongs to one slot, so one number is enough for it. */
function decayMask(part: Part): TensorProto {
  const mask = part.slots.flatMap(slot => {
    const [places] = dimsWithin(part, slot) as [number]
    return new Array<number>(places).fill(slot.dims.length > 1 ? 1 : 0)
  })
  return floatTensor(maskOf(part), part.kind === 'rows' ? [mask.length, 1] : [mask.length], mask)
}

/** Each of the part's slots under its own name. */
function takeApart(emit: Emitter, part: Part, packed: string): void {
  const apart = part.slots.map(slot => ({ ...slot, within: dimsWithin(part, slot) }))
  const names = apart.map(({ name, dims, within }) =>
    sameDims(dims, within) ? name : emit.fresh(`${name}/packed`),
  )
  emit.emitAs('Split', [packed, emit.ints(apart.map(({ within }) => within[0]!))], names, { axis: 0 })
  for (const [i, { name, dims }] of apart.entries())
    if (names[i] !== name) emit.emitAs('Reshape', [names[i]!, emit.ints(dims)], [name])
}

/** Tensors with the values of the part's slots, in whatever shapes, as one. */
function putTogether(
  graph: GraphProto,
  emit: Emitter,
  part: Part,
  tensorOf: (slot: string) => string,
): string {
  const makers = new Map(graph.node.flatMap(each => each.output.map(output => [output, each] as const)))
  const valuesOf = (tensor: string): string => {
    const maker = makers.get(tensor)
    return maker?.opType === 'Reshape' ? valuesOf(maker.input[0]!) : tensor
  }
  const tensors = part.slots.map(slot =>
    emit.emit('Reshape', [valuesOf(tensorOf(slot.name)), emit.ints(dimsWithin(part, slot))]),
  )
  return emit.emit('Concat', tensors, { axis: 0 })
}

const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i])

/**
 * A graph that goes through batches with `body`. What is carried comes from the batch before; all else that the body reads is given once for
 * each batch, and all else that it makes is given out for each.
 */
function scanning(body: GraphProto, carried: readonly Carried[]): GraphProto {
  const [given, made] = [body.input, body.output]
  const many = ({ name, type }: ValueInfoProto): ValueInfoProto => {
    const { elemType, shape } = type!.tensorType!
    return {
      name: wire.many(name),
      type: { tensorType: { elemType, shape: { dim: [{ dimParam: 'K' }, ...(shape!.dim ?? [])] } } },
    }
  }
  const whole = {
    ...body,
    input: [...carried.map(each => floatValue(each.before, each.part.dims)), ...given],
    output: [...carried.map(each => floatValue(each.behind, each.part.dims)), ...made],
  }
  dropUnread(whole)
  const scan = node(
    'Scan',
    [...carried.map(each => each.name), ...given.map(each => wire.many(each.name))],
    [...carried.map(each => wire.after(each.name)), ...made.map(each => wire.many(each.name))],
    { num_scan_inputs: given.length, body: { graph: whole } },
  )
  return {
    name: 'many',
    node: [scan],
    initializer: [],
    input: [...carried.map(each => floatValue(each.name, each.part.dims)), ...given.map(many)],
    output: scan.output.map(untyped),
  }
}
