/**
 * Shapes that a model computes while it runs, as exporters write `x.view(x.size(0), -1)`: Shape, Gather, Concat and others between a tensor and
 * a Reshape. Nothing of the image goes into them, so they are worked out beforehand: what comes out alike for batches of two sizes is a
 * constant, and of a Reshape's result the one dimension that differs is the batch's. Nodes that only computed those are left out.
 */
import {
  dataType,
  encodeModel,
  holdsGraphs,
  intTensor,
  type NodeProto,
  node,
  type TensorProto,
} from '../models/onnx.ts'
import { floats, openSession, type Tensor } from '../models/session.ts'
import { LearningError } from './errors.ts'
import type { Student } from './student.ts'

const batches = [2, 3] as const

/** The student as training reads it; its file stays as it is. @throws LearningError ModelInvalid where the model cannot be run */
export async function withKnownShapes(student: Student): Promise<Student> {
  const computing = nodesOfShapes(student)
  if (computing.size === 0) return student
  const made = new Set([...computing].flatMap(({ output }) => output))
  const reading = student.nodes.filter(
    each => !computing.has(each) && each.input.some(name => made.has(name)),
  )
  const found = await run(student, reading, made)

  const initializers = new Map(student.initializers)
  const known = new Map(reading.map(reader => [reader, withConstants(reader, made, found, initializers)]))
  return { ...student, nodes: without(computing, student, known), initializers }
}

/** Nodes that read nothing but shapes, whole numbers of the file, and what such nodes give; none where no shape is read. */
function nodesOfShapes({ nodes, initializers }: Student): ReadonlySet<NodeProto> {
  const given = new Set<string>()
  const isWhole = (name: string): boolean =>
    name === '' || given.has(name) || (initializers.get(name)?.dataType ?? dataType.float) !== dataType.float
  const found = nodes.filter(each => {
    const belongs = each.opType === 'Shape' || (each.input.every(isWhole) && !holdsGraphs(each))
    if (belongs) for (const output of each.output) given.add(output)
    return belongs
  })
  return new Set(found.some(({ opType }) => opType === 'Shape') ? found : [])
}

type Found = ReadonlyMap<string, readonly [Tensor, Tensor]>

const shapeOf = (output: string): string => `${output}/ekya.shape`

/** What is read of shapes, and the shapes of what Reshape nodes make of it, for either batch. */
async function run(
  { model, nodes, initializers, input }: Student,
  reading: readonly NodeProto[],
  made: ReadonlySet<string>,
): Promise<Found> {
  const reshapes = reading.filter(({ opType }) => opType === 'Reshape').map(({ output }) => output[0]!)
  const names = [
    ...new Set(reading.flatMap(each => each.input.filter(name => made.has(name)))),
    ...reshapes.map(shapeOf),
  ]
  const graph = {
    ...model.graph,
    node: [...nodes, ...reshapes.map(output => node('Shape', [output], [shapeOf(output)]))],
    initializer: [...initializers.values()],
    output: names.map(name => ({ name })),
  }
  try {
    const session = await openSession(encodeModel({ ...model, graph }), { optimise: false })
    try {
      const [image] = session.inputMetadata
      const sample = image?.isTensor ? image.shape.slice(1).map(Number) : []
      const size = sample.reduce((product, dim) => product * dim, 1)
      const [some, more] = [
        await session.run({ [input]: floats(new Float32Array(batches[0] * size), [batches[0], ...sample]) }),
        await session.run({ [input]: floats(new Float32Array(batches[1] * size), [batches[1], ...sample]) }),
      ]
      return new Map(names.map(name => [name, [some[name]!, more[name]!]]))
    } finally {
      await session.release()
    }
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n')
    throw new LearningError('ModelInvalid', `the model cannot be run: ${reason}`, { cause })
  }
}

/** The node with constants in place of what was worked out, which are added to the initializers. */
function withConstants(
  reader: NodeProto,
  made: ReadonlySet<string>,
  found: Found,
  initializers: Map<string, TensorProto>,
): NodeProto {
  const constant = (name: string): string => {
    if (!made.has(name)) return name
    const known = `${reader.output[0]}/${name}`
    const tensor =
      alike(known, found.get(name)!) ??
      (reader.opType === 'Reshape' ? freeBatch(known, found.get(shapeOf(reader.output[0]!))!) : undefined)
    if (tensor === undefined) return name
    initializers.set(known, tensor)
    return known
  }
  return { ...reader, input: reader.input.map(constant) }
}

const types: Readonly<Partial<Record<Tensor['type'], number>>> = {
  float32: dataType.float,
  int32: dataType.int32,
  int64: dataType.int64,
  bool: dataType.bool,
}

/** Undefined where the two differ. */
function alike(name: string, [some, more]: readonly [Tensor, Tensor]): TensorProto | undefined {
  const [a, b] = [some.data as BigInt64Array, more.data as BigInt64Array]
  const type = types[some.type]
  const differ =
    some.dims.join() !== more.dims.join() || a.length !== b.length || a.some((value, i) => value !== b[i])
  if (type === undefined || differ) return undefined
  const rawData = new Uint8Array(a.buffer.slice(a.byteOffset, a.byteOffset + a.byteLength))
  return { name, dims: [...some.dims], dataType: type, rawData }
}

/** A shape in which the only dimension that goes with the batch is free; undefined where there are several. */
function freeBatch(name: string, [some, more]: readonly [Tensor, Tensor]): TensorProto | undefined {
  const [a, b] = [some, more].map(({ data }) => Array.from(data as BigInt64Array, Number)) as [
    number[],
    number[],
  ]
  const free = a.filter((size, i) => size !== b[i]).length
  if (a.length !== b.length || free !== 1) return undefined
  const dims = a.map((size, i) => (size === b[i] ? size : -1))
  return intTensor(name, [dims.length], dims)
}

/** Nodes in order, those that are known by now replaced, without those that computed shapes for nobody else. */
function without(
  computing: ReadonlySet<NodeProto>,
  { nodes, output }: Student,
  known: ReadonlyMap<NodeProto, NodeProto>,
): NodeProto[] {
  // What graphs within nodes read is not seen here.
  const read = new Set(nodes.some(holdsGraphs) ? nodes.flatMap(each => each.output) : [output])
  const kept: NodeProto[] = []
  for (const each of nodes.toReversed()) {
    if (computing.has(each) && !each.output.some(name => read.has(name))) continue
    const next = known.get(each) ?? each
    for (const name of next.input) read.add(name)
    kept.unshift(next)
  }
  return kept
}
