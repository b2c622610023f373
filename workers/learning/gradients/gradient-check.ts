/** Compares the gradient that a training step uses with central differences of the loss. For tests. */
import {
  encodeModel,
  floatTensor,
  floatValue,
  type GraphProto,
  intTensor,
  model as modelOf,
  type NodeProto,
  node,
  opsetVersion,
  type TensorProto,
} from '../../models/onnx.ts'
import { type Random, random } from '../../models/random.ts'
import { floats, openSession, type Session } from '../../models/session.ts'
import { holdKernels } from '../held-kernels.ts'
import { packValues, type Slot, slotsLength, slotTensors } from '../slots.ts'
import { type Strengths, strengthsOf } from '../strengths.ts'
import { firstTrained, readStudent } from '../student.ts'
import { targetRows } from '../targets.ts'
import { writeTrainingGraphs } from '../training-graph.ts'
import { wire } from '../wire.ts'

export interface GradientCase {
  /** Nodes from tensor `x` to tensor `y`. */
  readonly nodes: readonly NodeProto[]
  /** What they read besides. */
  readonly tensors?: readonly TensorProto[]
  /** Shape of x behind the batch. Default 3 × 6 × 5. */
  readonly x?: readonly [number, number, number]
  readonly trainable?: 'all' | number
  readonly freezeStatistics?: boolean
  /** Default: that of models built here. */
  readonly opset?: number
}

const [batch, imageChannels, classes] = [5, 2, 3]

/** Normally distributed values. */
export const normal = (draw: Random, name: string, dims: readonly number[], scale = 1): TensorProto =>
  floatTensor(
    name,
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => draw.normal() * scale),
  )

/** stem (1×1 convolution) → the nodes under test → dense head, so that gradients of inputs show in the stem's weights. */
export async function caseModel(given: GradientCase, draw: Random): Promise<Uint8Array> {
  const { nodes, tensors = [], x = [3, 6, 5], opset = opsetVersion } = given
  const encode = (graph: Omit<GraphProto, 'input'>): Uint8Array => {
    const input = [floatValue('image', ['N', imageChannels, x[1], x[2]])]
    return encodeModel({ ...modelOf({ ...graph, input }), opsetImport: [{ version: opset }] })
  }
  const body = {
    name: 'case',
    node: [node('Conv', ['image', 'stem.weight', 'stem.bias'], ['x'], { kernel_shape: [1, 1] }), ...nodes],
    initializer: [
      normal(draw, 'stem.weight', [x[0], imageChannels, 1, 1]),
      normal(draw, 'stem.bias', [x[0]]),
      ...tensors,
    ],
  }
  const size = await sizeOfOutput(encode({ ...body, output: [{ name: 'y' }] }))
  return encode({
    ...body,
    node: [
      ...body.node,
      node('Reshape', ['y', 'flat'], ['features']),
      node('Gemm', ['features', 'head.weight', 'head.bias'], ['logits'], { transB: 1 }),
    ],
    initializer: [
      ...body.initializer,
      normal(draw, 'head.weight', [classes, size], 1 / Math.sqrt(size)),
      normal(draw, 'head.bias', [classes]),
      intTensor('flat', [2], [-1, size]),
    ],
    output: [floatValue('logits', ['N', classes])],
  })
}

async function sizeOfOutput(bytes: Uint8Array): Promise<number> {
  const session = await openSession(bytes)
  const [output] = session.outputMetadata
  await session.release()
  const dims = output?.isTensor ? output.shape.filter(dim => typeof dim === 'number') : []
  return dims.reduce((product, dim) => product * dim, 1)
}

export interface GradientDifference {
  /** Largest |analytic − numeric| of all parameters looked at, by the largest |numeric|. */
  readonly relative: number
  /** Largest |numeric|. */
  readonly scale: number
  /** Share of the parameters looked at whose numeric derivative is reliable: no kink of the loss lies near. */
  readonly reliable: number
  readonly parameters: readonly string[]
}

/** @param strengths by which the graph is written; default: those of the CPU provider */
export async function gradientDifference(
  given: GradientCase,
  seed: number,
  strengths?: Strengths,
): Promise<GradientDifference> {
  const draw = random(seed, 'gradient-check')
  const read = readStudent(await caseModel(given, draw))
  const { trainable = 'all', freezeStatistics } = given
  const first = firstTrained(read, trainable)
  // One step, with its gradients, is what is looked at.
  const by = { ...(strengths ?? (await strengthsOf('cpu'))), weightsInPlace: true }
  const { student, shapes } = await holdKernels(read, { first, strengths: by })
  const graphs = writeTrainingGraphs(student, shapes, { first, freezeStatistics, strengths: by })
  const [boundary] = graphs.boundary
  const session = await openSession(graphs.step)
  try {
    const size = boundary!.dims.reduce((a, b) => a * b, 1)
    const image = Float32Array.from({ length: batch * size }, () => draw.normal())
    const labels = Int32Array.from({ length: batch }, () => draw.integer(classes))
    const fixed = {
      [boundary!.name]: floats(image, [batch, ...boundary!.dims]),
      [wire.targets]: floats(targetRows(labels, Float32Array.of(1, 2, 0.5)), [batch, classes]),
    }
    const parameters = packValues(graphs.parameters, student.initializers)
    // In the order of the student, whatever theirs is in the packed vector.
    const order = student.layers.flatMap(layer => layer.parameters)
    const slots = graphs.parameters.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
    return await compare(session, fixed, parameters, slots, draw)
  } finally {
    await session.release()
  }
}

/** Of each tensor so many parameters are looked at. */
const perTensor = 12
/** Differences over this and half of it are combined to fourth order (Richardson): float32 leaves about 1e-5 of the loss. */
const difference = 0.02
/** In parts of the largest derivative: by how much the two may disagree, and how large a jump of the slope between them may seem. */
const unreliable = { apart: 6e-4, jump: 1.2e-3 }

const suspicious = 1e-3

async function compare(
  session: Session,
  fixed: Record<string, ReturnType<typeof floats>>,
  parameters: Float32Array,
  slots: readonly Slot[],
  draw: Random,
): Promise<GradientDifference> {
  const gradients = slots.map(({ name }) => wire.gradient(name))
  const run = async (values: Float32Array) => {
    const results = await session.run({ ...fixed, ...slotTensors(slots, values) }, [wire.loss, ...gradients])
    const data = (name: string) => results[name]!.data as Float32Array
    const gradient = new Float32Array(slotsLength(slots))
    for (const { name, offset } of slots) gradient.set(data(wire.gradient(name)), offset)
    return { loss: data(wire.loss)[0]!, gradient }
  }
  const { loss, gradient } = await run(parameters)
  /** The central difference over ±by, and the change of the slope from one side to the other. */
  const differences = async (i: number, by: number) => {
    const [above, below] = [parameters[i]! + by, parameters[i]! - by].map(Math.fround) as [number, number]
    const [high, low] = [
      (await run(parameters.with(i, above))).loss,
      (await run(parameters.with(i, below))).loss,
    ]
    return { slope: (high - low) / (above - below), bend: (high - 2 * loss + low) / by }
  }
  const looked = slots.flatMap(({ offset, size }) =>
    [...draw.permutation(size).subarray(0, perTensor)].map(i => offset + i),
  )
  const found = []
  for (const i of looked) {
    const [coarse, fine] = [await differences(i, difference), await differences(i, difference / 2)]
    found.push({
      ...{ i, fine },
      apart: Math.abs(coarse.slope - fine.slope),
      // Where the loss is smooth the bend halves with the difference; at a kink it stays.
      jump: Math.abs(coarse.bend - 2 * fine.bend),
      numeric: (4 * fine.slope - coarse.slope) / 3,
      analytic: gradient[i]!,
    })
  }
  const scale = Math.max(...found.map(each => Math.abs(each.numeric)))
  const reliable = []
  for (const each of found) {
    if (each.apart > unreliable.apart * scale || each.jump > unreliable.jump * scale) continue
    if (Math.abs(each.numeric - each.analytic) > suspicious * scale) {
      // Kinks on both sides can cancel at one pair of differences, not at the next one, too.
      const finer = await differences(each.i, difference / 4)
      if (Math.abs(each.fine.bend - 2 * finer.bend) > (unreliable.jump / 2) * scale) continue
    }
    reliable.push(each)
  }
  const largest = Math.max(...reliable.map(each => Math.abs(each.numeric - each.analytic)))
  return {
    relative: largest / scale,
    scale,
    reliable: reliable.length / found.length,
    parameters: slots.map(slot => slot.name),
  }
}
