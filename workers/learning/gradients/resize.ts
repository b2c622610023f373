/**
 * Resize by nearest or linear interpolation: a linear map along each axis, so the gradient goes through the transposed maps.
 *
 * Coordinates as in ONNX's definition of Resize: output place i lies at `at(i)` of the input.
 */
import { floatValues, intAttribute, intsAttribute, stringAttribute } from '../../models/onnx.ts'
import { alongAxis, transposed } from './along-axis.ts'
import { fromFront, type GradientRule, type NodeContext } from './rule.ts'

interface Axis {
  readonly size: number
  readonly outputSize: number
  /** Output size by input size, as the node names it. */
  readonly scale: number
}

/** Where output place `i` lies on the input. */
type Coordinates = (i: number, axis: Axis) => number

/** The runtime computes in float32, and a rounding may hang on the last bit. */
const { fround } = Math
const halfPixel: Coordinates = (i, { scale }) => fround(fround(fround(i + 0.5) / fround(scale)) - 0.5)

const coordinates: Readonly<Record<string, Coordinates>> = {
  half_pixel: halfPixel,
  half_pixel_symmetric: (i, axis) => {
    const adjusted = fround(axis.outputSize / fround(fround(axis.scale) * axis.size))
    return fround(fround((axis.size / 2) * fround(1 - adjusted)) + halfPixel(i, axis))
  },
  pytorch_half_pixel: (i, axis) => (axis.outputSize > 1 ? halfPixel(i, axis) : 0),
  align_corners: (i, { size, outputSize }) =>
    outputSize === 1 ? 0 : fround((i * (size - 1)) / (outputSize - 1)),
  asymmetric: (i, { scale }) => fround(i / fround(scale)),
}

const roundings: Readonly<Record<string, (at: number) => number>> = {
  round_prefer_floor: at => Math.ceil(at - 0.5),
  round_prefer_ceil: at => Math.floor(at + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
}

export const resize: GradientRule = context => {
  const { node } = context
  const chosen = <T>(of: Readonly<Record<string, T>>, name: string, fallback: string): T => {
    const value = stringAttribute(node, name, fallback)
    return of[value] ?? context.refuse(`${name} is ${value}; accepted: ${Object.keys(of).join(', ')}`)
  }
  const at = chosen(coordinates, 'coordinate_transformation_mode', 'half_pixel')
  const round = chosen(roundings, 'nearest_mode', 'round_prefer_floor')
  const row = chosen({ nearest: nearest(round), linear }, 'mode', 'nearest')
  if (intAttribute(node, 'antialias', 0) !== 0) context.refuse('antialias is 1; accepted: 0')
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch')
  if (policy !== 'stretch') context.refuse(`keep_aspect_ratio_policy is ${policy}; accepted: stretch`)
  if (intAttribute(node, 'exclude_outside', 0) !== 0) context.refuse('exclude_outside is 1; accepted: 0')
  context.copy()

  return gradient => {
    let spread = gradient
    for (const [number, axis] of axesOf(context)) {
      const matrix = Array.from({ length: axis.outputSize }, (_, i) => row(at(i, axis), axis.size))
      spread = alongAxis(context, spread, number, transposed(matrix))
    }
    return [spread]
  }
}

const clamp = (place: number, size: number): number => Math.min(size - 1, Math.max(0, place))

const nearest =
  (round: (at: number) => number) =>
  (at: number, size: number): number[] =>
    Array.from({ length: size }, (_, place) => (place === clamp(round(at), size) ? 1 : 0))

function linear(at: number, size: number): number[] {
  const weights = new Array<number>(size).fill(0)
  const low = Math.floor(at)
  weights[clamp(low, size)]! += 1 - (at - low)
  weights[clamp(low + 1, size)]! += at - low
  return weights
}

/** The axes that change their size. */
function axesOf(context: NodeContext): [number, Axis][] {
  const { node } = context
  const [from, to] = [context.dims(node.input[0]!), context.dims(node.output[0]!)]
  const scales = node.input[2] ? context.constant(2) : undefined
  const given = scales === undefined ? [] : [...floatValues(scales)]
  const axes =
    intsAttribute(node, 'axes')?.map(axis => fromFront(axis, from.length)) ?? given.map((_, i) => i)
  return from.flatMap((size, axis): [number, Axis][] => {
    const outputSize = to[axis]
    if (size === null && axis === 0) return []
    if (size === null || outputSize === null || outputSize === undefined)
      return context.refuse(`axis ${axis} has an unknown size; accepted: axes of known size`)
    const scale = given[axes.indexOf(axis)] ?? outputSize / size
    return size === outputSize && scale === 1 ? [] : [[axis, { size, outputSize, scale }]]
  })
}
