/**
 * Convolution kernels as training holds them, which is not always as the file has them:
 *
 *   without rows and columns that meet nothing but padding (part-met.ts)            of a 3×3 kernel on maps of one place 8 of 9: no image has
 *                                                                                   anything to say of them, and they stay as they are
 *   with channels last, [O, kh, kw, C]                                              where the blocked layout convolves: from there the runtime
 *                                                                                   moves whole rows of channels into its blocks, and gradients
 *                                                                                   come out in this order
 *
 * What the network computes is the same. The file stays as it is.
 */
import {
  elementCount,
  floatTensor,
  floatValues,
  holdsGraphs,
  intAttribute,
  type NodeProto,
  node,
  type TensorProto,
} from '../models/onnx.ts'
import { type Convolution, isSinglePlace } from './gradients/convolution.ts'
import { type PartMet, partMet } from './gradients/part-met.ts'
import type { Dims } from './gradients/rule.ts'
import { type Pair, type Window, windowOf } from './gradients/window.ts'
import { inferShapes } from './shapes.ts'
import type { Strengths } from './strengths.ts'
import type { Student } from './student.ts'

export interface HeldKernels {
  /** The student as it is trained. */
  readonly student: Student
  readonly shapes: ReadonlyMap<string, Dims>
  /**
   * Values of the student's tensors as those of the file's.
   *
   * @param rest what stands where nothing is held: the file's weights, or zeros, as of velocities. Default weights.
   */
  intoFile(values: Values, rest?: 'weights' | 'zeros'): Values
  /** Values of the file's tensors as those of the student's. */
  fromFile(values: Values): Values
}

/** By the tensor's name. */
type Values = ReadonlyMap<string, Float32Array>

/** @param first index of the first layer that is trained. @throws LearningError ModelInvalid */
export async function holdKernels(
  given: Student,
  { first, strengths }: { readonly first: number; readonly strengths: Strengths },
): Promise<HeldKernels> {
  const shapes = new Map(await inferShapes(given))
  const initializers = new Map(given.initializers)
  const kernels = kernelsOf(given, shapes, first, strengths)
  const changed = new Map<NodeProto, readonly NodeProto[]>()
  for (const kernel of kernels) {
    const { tensor, conv } = kernel
    const name = tensor.name!
    const dims = heldDims(kernel)
    initializers.set(name, floatTensor(name, dims, held(kernel, floatValues(tensor))))
    shapes.set(name, dims)
    if (!kernel.channelsLast) {
      changed.set(conv, [withKernel(kernel, name)])
      continue
    }
    const ordered = `${conv.output[0]}/ekya.kernel`
    shapes.set(ordered, orderedDims(kernel))
    changed.set(conv, [
      node('Transpose', [name], [ordered], { perm: channelsFirst }, ordered),
      withKernel(kernel, ordered),
    ])
  }
  const byName = new Map(kernels.map(kernel => [kernel.tensor.name!, kernel]))
  const converted = (values: Values, by: (kernel: Kernel, given: Float32Array) => Float32Array): Values =>
    new Map(
      [...values].map(([name, given]) => {
        const kernel = byName.get(name)
        return [name, kernel === undefined ? given : by(kernel, given)]
      }),
    )
  return {
    student: { ...given, nodes: given.nodes.flatMap(each => changed.get(each) ?? [each]), initializers },
    shapes,
    intoFile: (values, rest = 'weights') => converted(values, (kernel, given) => inFile(kernel, given, rest)),
    fromFile: values => converted(values, held),
  }
}

/** Of all processors: narrower blocks divide it. */
const widestBlock = 16

/** Of [O, kh, kw, C]. */
const channelsFirst = [0, 3, 1, 2]

/** What of a kernel is held, and how. */
interface Kernel extends PartMet {
  readonly conv: NodeProto
  /** [O, C, kh, kw], of the file. */
  readonly tensor: TensorProto
  readonly channelsLast: boolean
}

/** Those of trained layers that are held otherwise than the file has them. */
function kernelsOf(
  { nodes, layers, initializers }: Student,
  shapes: ReadonlyMap<string, Dims>,
  first: number,
  strengths: Strengths,
): readonly Kernel[] {
  // What graphs within nodes read is not seen here.
  if (nodes.some(holdsGraphs)) return []
  const readers = Map.groupBy(
    nodes.flatMap(({ input }) => input),
    name => name,
  )
  return layers.slice(first).flatMap(({ node: conv }) => {
    const tensor = initializers.get(conv.input[1] ?? '')
    if (conv.opType !== 'Conv' || tensor?.dims.length !== 4 || readers.get(tensor.name!)!.length > 1)
      return []
    const window = windowIn(conv, tensor, shapes)
    return window === undefined ? [] : kernelOf(conv, tensor, window, strengths)
  })
}

/** Undefined where the node's own rule will refuse it. */
function windowIn(
  conv: NodeProto,
  tensor: TensorProto,
  shapes: ReadonlyMap<string, Dims>,
): Window | undefined {
  const refused = new Error()
  const refuse = (): never => {
    throw refused
  }
  try {
    return windowOf(
      { node: conv, refuse, dims: name => shapes.get(name) ?? refuse() },
      tensor.dims.slice(2) as unknown as Pair,
    )
  } catch (error) {
    if (error === refused) return undefined
    throw error
  }
}

function kernelOf(
  conv: NodeProto,
  tensor: TensorProto,
  window: Window,
  strengths: Strengths,
): readonly Kernel[] {
  const [outputs, channels] = tensor.dims as [number, number]
  const group = intAttribute(conv, 'group', 1)
  const part = partHeld(window, strengths)
  const { size, pads } = part
  const convolution: Convolution = {
    window: { ...window, kernel: size, pads },
    ...{ inputs: channels * group, outputs, group },
  }
  const channelsLast =
    group === 1 &&
    strengths.bound === 'work' &&
    size[0] * size[1] > 1 &&
    channels % widestBlock === 0 &&
    outputs % widestBlock === 0 &&
    !isSinglePlace(convolution)
  const isWhole = size.every((length, axis) => length === window.kernel[axis])
  return isWhole && !channelsLast ? [] : [{ conv, tensor, channelsLast, ...part }]
}

/** The part of the kernel that is held. */
function partHeld(window: Window, { bound }: Strengths): PartMet {
  const part = partMet(window)
  const isEven = ([top, left, bottom, right]: Window['pads']): boolean => top === bottom && left === right
  // CUDA's library has no padding that differs from side to side.
  return bound === 'nodes' && isEven(window.pads) && !isEven(part.pads)
    ? { from: [0, 0], size: window.kernel, pads: window.pads }
    : part
}

const orderedDims = ({ tensor: { dims }, size }: Kernel): readonly number[] => [dims[0]!, dims[1]!, ...size]

function heldDims(kernel: Kernel): readonly number[] {
  const [outputs, channels, rows, columns] = orderedDims(kernel) as [number, number, number, number]
  return kernel.channelsLast ? [outputs, rows, columns, channels] : [outputs, channels, rows, columns]
}

const withKernel = ({ conv, size, pads }: Kernel, name: string): NodeProto => {
  const { attribute } = node('Conv', [], [], { kernel_shape: size, pads })
  const replaced = new Set(['kernel_shape', 'pads', 'auto_pad'])
  return {
    ...conv,
    input: conv.input.with(1, name),
    attribute: [...(conv.attribute ?? []).filter(each => !replaced.has(each.name)), ...attribute!],
  }
}

function held(kernel: Kernel, values: Float32Array): Float32Array {
  const taken = new Float32Array(elementCount(heldDims(kernel)))
  const places = placesOfFilter(kernel)
  const [length, lengthInFile] = [places.length, filterSize(kernel)]
  for (let here = 0, from = 0; here < taken.length; here += length, from += lengthInFile)
    for (let i = 0; i < length; i++) taken[here + i] = values[from + places[i]!]!
  return taken
}

function inFile(kernel: Kernel, trained: Float32Array, rest: 'weights' | 'zeros'): Float32Array {
  const { tensor } = kernel
  const values = rest === 'zeros' ? new Float32Array(elementCount(tensor.dims)) : floatValues(tensor).slice()
  const places = placesOfFilter(kernel)
  const [length, lengthInFile] = [places.length, filterSize(kernel)]
  for (let here = 0, to = 0; here < trained.length; here += length, to += lengthInFile)
    for (let i = 0; i < length; i++) values[to + places[i]!] = trained[here + i]!
  return values
}

const filterSize = ({ tensor: { dims } }: Kernel): number => elementCount(dims.slice(1))

/** Where in one output's part of the file's tensor each value of the held one's lies. */
function placesOfFilter({ tensor, from, size, channelsLast }: Kernel): Int32Array {
  const [, channels, rows, columns] = tensor.dims as [number, number, number, number]
  const count = size[0] * size[1]
  return Int32Array.from({ length: channels * count }, (_, i) => {
    const [channel, place] = channelsLast
      ? [i % channels, Math.floor(i / channels)]
      : [Math.floor(i / count), i % count]
    const [row, column] = [from[0] + Math.floor(place / size[1]), from[1] + (place % size[1])]
    return (channel * rows + row) * columns + column
  })
}
