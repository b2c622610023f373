/**
 * Gradient of a convolution's weights [O, C/group, kh, kw].
 *
 * dW[o, c, i, j] = Σ over images and places of dY[o] · X[c] shifted by (i, j): one matrix product per kernel place over X cut at that
 * place, with images and places as one long inner dimension. X has its channels last there, so that cuts move whole rows of places and
 * products read both sides as they lie. With few input channels the cuts are joined first, since a product of a handful of columns wastes
 * the processor's vector width. Groups are products of their own, in one batch; so are the images of large maps under a small 1×1 kernel.
 */
import { extraDomain } from '../../models/blocked-layout.ts'
import { depthwiseByConvolution } from './depthwise-kernel-gradient.ts'
import { kernelGradientInFewNodes } from './kernel-gradient-in-few-nodes.ts'
import type { NodeContext } from './rule.ts'
import { isPointwise, type Pair, type Window } from './window.ts'

export interface KernelGradient {
  /** [N, inputs, H, W], what the window slides over. */
  readonly input: string
  /** [N, outputs, H, W] of the outputs. */
  readonly gradient: string
  readonly inputs: number
  readonly outputs: number
  readonly group: number
}

/** From how many input channels on one product per kernel place is faster than one over all joined (measured: 16 to 32). */
const channelsForSeparateProducts = 16

export function kernelGradient(context: NodeContext, window: Window, given: KernelGradient): string {
  const { inputs, outputs, group } = given
  const [kh, kw] = window.kernel
  if (isOneProductAnImage(window, given)) return oneProductAnImage(context, window, given)
  if (context.strengths.bound === 'nodes') return kernelGradientInFewNodes(context, window, given)
  if (group === inputs && group === outputs)
    return depthwiseByConvolution(context, window, given) ?? depthwise(context, window, given)
  const upstream = byChannel(context, given.gradient)
  if (group > 1) return grouped(context, window, upstream, cutsByChannel(context, window, given.input), given)

  const reshape = (tensor: string, dims: readonly number[]): string =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const flat = reshape(upstream, [outputs, -1])
  const joined = (): string => {
    const cuts = context.emit('Concat', cutsByChannel(context, window, given.input), { axis: 0 })
    return context.emit('Gemm', [flat, reshape(cuts, [inputs * kh * kw, -1])], { transB: 1 })
  }
  const apart = (): string[] =>
    cutsByPlace(context, window, given.input).map(each =>
      context.emit('Gemm', [flat, reshape(each, [-1, inputs])]),
    )
  const products = inputs < channelsForSeparateProducts ? [joined()] : apart()
  if (kh * kw === 1) return reshape(products[0]!, [outputs, inputs, 1, 1])
  const places = products.length === 1 ? products[0]! : context.emit('Concat', products, { axis: 1 })
  return context.emit('Transpose', [reshape(places, [outputs, kh, kw, inputs])], { perm: [0, 3, 1, 2] })
}

/** Whether a 1×1 kernel is so small beside its maps that a gradient of every image costs less than turning the maps around. */
const isOneProductAnImage = (window: Window, { inputs, outputs, group }: KernelGradient): boolean =>
  group === 1 &&
  isPointwise(window) &&
  8 * inputs * outputs <= (inputs + outputs) * window.input[0] * window.input[1]

function oneProductAnImage(
  context: NodeContext,
  { input: [rows, columns] }: Window,
  { input, gradient, inputs, outputs }: KernelGradient,
): string {
  const flat = (tensor: string, channels: number): string =>
    context.emit('Reshape', [tensor, context.ints([-1, channels, rows * columns])])
  const products = context.emit(
    'FusedMatMul',
    [flat(gradient, outputs), flat(input, inputs)],
    { transB: 1 },
    extraDomain,
  )
  const sum = context.emit('ReduceSum', [products, context.ints([0])], { keepdims: 0 })
  return context.emit('Reshape', [sum, context.ints([outputs, inputs, 1, 1])])
}

const byChannel = (context: NodeContext, tensor: string): string =>
  context.emit('Transpose', [tensor], { perm: [1, 0, 2, 3] })

/** What each kernel place meets, [C, N, H, W] of the outputs. */
function cutsByChannel(context: NodeContext, window: Window, input: string): string[] {
  const padded = pad(context, byChannel(context, input), window, 2)
  const { kernel, strides } = window
  if (strides[0] * strides[1] === 1 || kernel[0] * kernel[1] <= strides[0] * strides[1])
    return offsetsIn(window).map(place => cut(context, padded, window, place, 2))
  return offsetsIn(window).map(place => cutOfPhase(context, padded, window, place))
}

/** Maps are taken apart by the strides, once for all kernel places: then cuts move whole runs of places, not one at a time. */
function cutOfPhase(
  context: NodeContext,
  padded: string,
  { strides, dilations, output }: Window,
  place: Pair,
): string {
  const axes = context.ints([2, 3])
  const at = place.map((each, axis) => each * dilations[axis]!)
  const phase = context.once('Slice', [
    padded,
    context.ints(at.map((each, axis) => each % strides[axis]!)),
    context.ints([toTheEnd, toTheEnd]),
    axes,
    context.ints(strides),
  ])
  const starts = at.map((each, axis) => Math.floor(each / strides[axis]!))
  const ends = starts.map((start, axis) => start + output[axis]!)
  return context.emit('Slice', [phase, context.ints(starts), context.ints(ends), axes])
}

const toTheEnd = 2 ** 31 - 1

/** What each kernel place meets, [N, H, W, C] of the outputs. */
function cutsByPlace(context: NodeContext, window: Window, input: string): string[] {
  const padded = pad(context, context.emit('Transpose', [input], { perm: [0, 2, 3, 1] }), window, 1)
  return offsetsIn(window).map(place => cut(context, padded, window, place, 1))
}

const offsetsIn = ({ kernel: [kh, kw] }: Window): Pair[] =>
  Array.from({ length: kh * kw }, (_, place) => [Math.floor(place / kw), place % kw] as const)

/** Channel by channel: the sum of dY times X cut at the place. A product of one row and one column is far slower. */
function depthwise(
  context: NodeContext,
  window: Window,
  { input, gradient, outputs }: KernelGradient,
): string {
  const [kh, kw] = window.kernel
  const padded = pad(context, input, window, 2)
  const sums = offsetsIn(window).map(place => {
    const products = context.emit('Mul', [cut(context, padded, window, place, 2), gradient])
    const sum = context.emit('ReduceSum', [products, context.ints([0, 2, 3])], { keepdims: 0 })
    return context.emit('Reshape', [sum, context.ints([outputs, 1])])
  })
  const joined = sums.length === 1 ? sums[0]! : context.emit('Concat', sums, { axis: 1 })
  return context.emit('Reshape', [joined, context.ints([outputs, 1, kh, kw])])
}

/** Per kernel place [group, O/group, P] × [group, P, C/group]; of one input channel the second is a mere reshape. */
function grouped(
  context: NodeContext,
  { kernel: [kh, kw] }: Window,
  upstream: string,
  cuts: readonly string[],
  { inputs, outputs, group }: KernelGradient,
): string {
  const [channels, filters] = [inputs / group, outputs / group]
  const reshape = (tensor: string, dims: readonly number[]): string =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const rows = reshape(upstream, [group, filters, -1])
  const columns = (patch: string): string =>
    channels === 1
      ? reshape(patch, [group, -1, 1])
      : context.emit('Transpose', [reshape(patch, [group, channels, -1])], { perm: [0, 2, 1] })
  const products = cuts.map(each =>
    reshape(context.emit('MatMul', [rows, columns(each)]), [outputs, channels, 1]),
  )
  return reshape(context.emit('Concat', products, { axis: 2 }), [outputs, channels, kh, kw])
}

/** @param axis the first of the two spatial ones */
function pad(context: NodeContext, tensor: string, { pads }: Window, axis: 1 | 2): string {
  if (pads.every(side => side === 0)) return tensor
  const [top, left, bottom, right] = pads
  const around = (rows: number, columns: number): number[] =>
    axis === 1 ? [0, rows, columns, 0] : [0, 0, rows, columns]
  return context.emit('Pad', [tensor, context.ints([...around(top, left), ...around(bottom, right)])])
}

/** The part of the padded input that a kernel place meets. */
function cut(
  context: NodeContext,
  padded: string,
  { strides, dilations, pads, input, output }: Window,
  place: Pair,
  axis: 1 | 2,
): string {
  const starts = [place[0] * dilations[0], place[1] * dilations[1]] as const
  const end = (of: 0 | 1): number => starts[of] + (output[of] - 1) * strides[of] + 1
  const isWhole = ([0, 1] as const).every(
    of => starts[of] === 0 && strides[of] === 1 && end(of) === pads[of] + input[of] + pads[of + 2]!,
  )
  if (isWhole) return padded
  return context.emit('Slice', [
    padded,
    context.ints(starts),
    context.ints([end(0), end(1)]),
    context.ints([axis, axis + 1]),
    context.ints(strides),
  ])
}
