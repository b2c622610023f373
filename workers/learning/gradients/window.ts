/** The sliding window of a convolution or pooling node, with every default and `auto_pad` resolved. */
import { intAttribute, intsAttribute, stringAttribute } from '../../models/onnx.ts'
import { type NodeContext, sampleDims } from './rule.ts'

type Pair = readonly [number, number]

export interface Window {
  readonly kernel: Pair
  readonly strides: Pair
  /** top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number]
  /** Height and width. */
  readonly input: Pair
  readonly output: Pair
}

/** @param kernel where the attribute is absent (Conv: from the weight). Two spatial dimensions, dilation 1. */
export function windowOf(context: NodeContext, kernel?: Pair): Window {
  const { node } = context
  const sides = (name: string): Pair => (intsAttribute(node, name) ?? [1, 1]) as unknown as Pair
  const dims = sampleDims(context, node.input[0]!)
  if (dims.length !== 3) context.refuse(`its input has ${dims.length + 1} dimensions; accepted: [N, C, H, W]`)
  if (sides('dilations').some(dilation => dilation !== 1))
    context.refuse('dilations differ from 1; accepted: 1')
  if (intAttribute(node, 'ceil_mode', 0) !== 0) context.refuse('ceil_mode is 1; accepted: 0')

  const size = (intsAttribute(node, 'kernel_shape') as Pair | undefined) ?? kernel
  if (size === undefined) return context.refuse('kernel_shape is missing')
  const strides = sides('strides')
  const input: Pair = [dims[1]!, dims[2]!]
  const pads = padsOf(context, input, size, strides)
  const extent = (axis: 0 | 1): number =>
    Math.floor((input[axis] + pads[axis] + pads[axis + 2]! - size[axis]) / strides[axis]) + 1
  return { kernel: size, strides, pads, input, output: [extent(0), extent(1)] }
}

function padsOf(context: NodeContext, input: Pair, kernel: Pair, strides: Pair): Window['pads'] {
  const mode = stringAttribute(context.node, 'auto_pad', 'NOTSET')
  if (mode === 'NOTSET')
    return (intsAttribute(context.node, 'pads') ?? [0, 0, 0, 0]) as unknown as Window['pads']
  if (mode === 'VALID') return [0, 0, 0, 0]
  const total = (axis: 0 | 1): number =>
    Math.max(0, (Math.ceil(input[axis] / strides[axis]) - 1) * strides[axis] + kernel[axis] - input[axis])
  const small = [total(0) >> 1, total(1) >> 1] as const
  const large = [total(0) - small[0], total(1) - small[1]] as const
  return mode === 'SAME_UPPER' ? [...small, ...large] : [...large, ...small]
}

/** What a transposed convolution must add at the bottom and right to give the input's size again. */
export const outputPadding = ({ kernel, strides, pads, input, output }: Window): number[] =>
  ([0, 1] as const).map(
    axis => input[axis] - ((output[axis] - 1) * strides[axis] + kernel[axis] - pads[axis] - pads[axis + 2]!),
  )
