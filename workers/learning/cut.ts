/** Where a student is cut: what is trained, what that reads, and what is left as it is. */
import { holdsGraphs, type NodeProto, type TensorProto } from '../models/onnx.ts'
import { LearningError } from './errors.ts'
import { gradientRules } from './gradients/registry.ts'
import type { Dims } from './gradients/rule.ts'
import { inRows } from './rows.ts'
import { packSlots, type Slot } from './slots.ts'
import type { Student } from './student.ts'

export interface CutOptions {
  /** Index of the first trained layer. */
  readonly first: number
  /** BatchNormalization keeps its running statistics and normalises with them, as it is served. Default false. */
  readonly freezeStatistics?: boolean
}

/** A tensor that the trained part reads and that depends on the image. */
export interface Boundary {
  readonly name: string
  /** Behind the batch. */
  readonly dims: readonly number[]
}

export interface Cut {
  /** Nodes that depend on neither the input nor a trained weight, and that the trained part reads: they are computed where it is. */
  readonly fixed: readonly NodeProto[]
  /** Nodes that depend on a trained weight, in order. */
  readonly trained: readonly NodeProto[]
  readonly boundary: readonly Boundary[]
  readonly parameters: readonly Slot[]
  readonly statistics: readonly Slot[]
  /** BatchNormalization nodes that use the batch's statistics. */
  readonly onBatch: ReadonlySet<NodeProto>
}

/** @throws LearningError OperatorUnsupported, ModelInvalid */
export function cutAt(
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
    parameters: packSlots(inRows([...names].map(tensor))),
    statistics: packSlots(inRows(statistics)),
    onBatch,
  }
}

/**
 * The nodes that depend on any of these tensors, in order, and all that they give.
 *
 * @param byGraphs whether graphs within nodes may be the first to read one of them
 */
function dependentOn(
  nodes: readonly NodeProto[],
  names: ReadonlySet<string>,
  byGraphs = false,
): [readonly NodeProto[], ReadonlySet<string>] {
  const given = new Set<string>()
  const found = nodes.filter(node => {
    // A graph within a node may read anything that there is before it.
    const depends =
      node.input.some(name => names.has(name) || given.has(name)) ||
      (holdsGraphs(node) && (byGraphs || given.size > 0))
    if (depends) for (const output of node.output) given.add(output)
    return depends
  })
  return [found, given]
}

function fixedNodes({ nodes, input }: Student, trained: readonly NodeProto[]): NodeProto[] {
  const varying = new Set([...dependentOn(nodes, new Set([input]), true)[0], ...trained])
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
export const constantsOf = (student: Student, cut: Cut): TensorProto[] => {
  const packed = new Set([...cut.parameters, ...cut.statistics].map(slot => slot.name))
  const read = new Set([...cut.fixed, ...cut.trained].flatMap(node => node.input))
  return initializersOf(student, name => read.has(name) && !packed.has(name))
}

export const initializersOf = (student: Student, wanted: (name: string) => boolean): TensorProto[] =>
  [...student.initializers].filter(([name]) => wanted(name)).map(([, tensor]) => tensor)
