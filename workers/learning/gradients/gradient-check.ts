/** Compares the gradient that a training step uses with central differences of the loss. For tests. */
import {
  encodeModel,
  floatTensor,
  floatValue,
  intTensor,
  model as modelOf,
  type NodeProto,
  node,
  type TensorProto,
} from '../../models/onnx.ts'
import { type Random, random } from '../../models/random.ts'
import { floats, openSession, type Session } from '../../models/session.ts'
import { inferShapes } from '../shapes.ts'
import { packValues, slotsLength } from '../slots.ts'
import { firstTrained, readStudent } from '../student.ts'
import { targetRows } from '../targets.ts'
import { wire, writeTrainingGraphs } from '../training-graph.ts'

export interface GradientCase {
  /** Nodes from tensor `x` to tensor `y`. */
  readonly nodes: readonly NodeProto[]
  readonly tensors?: (draw: Random) => readonly TensorProto[]
  /** Shape of x behind the batch. Default 3 × 6 × 5. */
  readonly x?: readonly [number, number, number]
  /** Values of y per image. */
  readonly size: number
  readonly trainable?: 'all' | number
}

const [batch, imageChannels, classes] = [5, 2, 3]

/** stem (1×1 convolution) → the nodes under test → dense head, so that gradients of inputs show in the stem's weights. */
export function caseModel(
  { nodes, tensors = () => [], x = [3, 6, 5], size }: GradientCase,
  draw: Random,
): Uint8Array {
  const normal = (name: string, dims: readonly number[], scale = 1) =>
    floatTensor(
      name,
      dims,
      Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => draw.normal() * scale),
    )
  return encodeModel(
    modelOf({
      name: 'case',
      node: [
        node('Conv', ['image', 'stem.weight', 'stem.bias'], ['x'], { kernel_shape: [1, 1] }),
        ...nodes,
        node('Reshape', ['y', 'flat'], ['features']),
        node('Gemm', ['features', 'head.weight', 'head.bias'], ['logits'], { transB: 1 }),
      ],
      initializer: [
        normal('stem.weight', [x[0], imageChannels, 1, 1]),
        normal('stem.bias', [x[0]]),
        normal('head.weight', [classes, size], 1 / Math.sqrt(size)),
        normal('head.bias', [classes]),
        intTensor('flat', [2], [-1, size]),
        ...tensors(draw),
      ],
      input: [floatValue('image', ['N', imageChannels, x[1], x[2]])],
      output: [floatValue('logits', ['N', classes])],
    }),
  )
}

export interface GradientDifference {
  /** Largest |analytic − numeric| over all parameters. */
  readonly largest: number
  /** Largest |numeric|. */
  readonly scale: number
  readonly parameters: readonly string[]
}

export async function gradientDifference(given: GradientCase, seed: number): Promise<GradientDifference> {
  const draw = random(seed, 'gradient-check')
  const student = readStudent(caseModel(given, draw))
  const { trainable = 'all' } = given
  const graphs = writeTrainingGraphs(student, await inferShapes(student), firstTrained(student, trainable))
  const [boundary] = graphs.boundary
  const session = await openSession(graphs.step)
  try {
    const size = boundary!.dims.reduce((a, b) => a * b, 1)
    const image = Float32Array.from({ length: batch * size }, () => draw.normal())
    const labels = Int32Array.from({ length: batch }, () => draw.integer(classes))
    const fixed = {
      [boundary!.name]: floats(image, [batch, ...boundary!.dims]),
      [wire.targets]: floats(targetRows(labels, Float32Array.of(1, 2, 0.5)), [batch, classes]),
      [wire.velocity]: floats(new Float32Array(slotsLength(graphs.parameters)), [
        slotsLength(graphs.parameters),
      ]),
      ...(graphs.statistics.length === 0
        ? {}
        : {
            [wire.statistics]: floats(packValues(graphs.statistics, student.initializers), [
              slotsLength(graphs.statistics),
            ]),
          }),
    }
    return await compare(
      session,
      fixed,
      packValues(graphs.parameters, student.initializers),
      graphs.parameters.map(slot => slot.name),
    )
  } finally {
    await session.release()
  }
}

const difference = 1e-3

async function compare(
  session: Session,
  fixed: Record<string, ReturnType<typeof floats>>,
  parameters: Float32Array,
  names: readonly string[],
): Promise<GradientDifference> {
  // With momentum 0 and decay 0 the velocity after a step is the gradient itself.
  const run = async (values: Float32Array) => {
    const feeds = {
      ...fixed,
      [wire.parameters]: floats(values, [values.length]),
      [wire.rates]: floats(Float32Array.of(0, 0, 0, 1), [4]),
    }
    const results = await session.run(feeds, [wire.loss, wire.nextVelocity])
    return {
      loss: (results[wire.loss]!.data as Float32Array)[0]!,
      gradient: results[wire.nextVelocity]!.data as Float32Array,
    }
  }
  const { gradient } = await run(parameters)
  let [largest, scale] = [0, 0]
  for (let i = 0; i < parameters.length; i++) {
    const moved = async (by: number) => (await run(parameters.with(i, parameters[i]! + by))).loss
    const numeric = ((await moved(difference)) - (await moved(-difference))) / (2 * difference)
    largest = Math.max(largest, Math.abs(numeric - gradient[i]!))
    scale = Math.max(scale, Math.abs(numeric))
  }
  return { largest, scale, parameters: names }
}
