/**
 * Gradient of a convolution's weights [O, C/group, kh, kw].
 *
 * dW[o, c, i, j] = Σ over images and places of dY[o] · X[c] shifted by (i, j): one matrix product per kernel place over X cut at that
 * place, with images and places as one long inner dimension. With few input channels the cuts are joined first, since a product
 * of a handful of columns wastes the processor's vector width. Groups are products of their own, in one batch.
 */
import { depthwiseByConvolution } from './depthwise-kernel-gradient.ts'
import type { NodeContext } from './rule.ts'
import type { Window } from './window.ts'

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
  if (group === inputs && group === outputs)
    return depthwiseByConvolution(context, window, given) ?? depthwise(context, window, given)
  const byChannel = (tensor: string): string => context.emit('Transpose', [tensor], { perm: [1, 0, 2, 3] })
  const padded = pad(context, byChannel(given.input), window)
  const upstream = byChannel(given.gradient)
  const cuts: string[] = []
  for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) cuts.push(cut(context, padded, window, i, j))
  if (group > 1) return grouped(context, window, upstream, cuts, given)

  const rows = (tensor: string, count: number): string =>
    context.emit('Reshape', [tensor, context.ints([count, -1])])
  const flat = rows(upstream, outputs)
  const product = (patch: string): string => context.emit('Gemm', [flat, patch], { transB: 1 })
  const joined =
    inputs < channelsForSeparateProducts
      ? product(rows(context.emit('Concat', cuts, { axis: 0 }), inputs * kh * kw))
      : context.emit(
          'Concat',
          cuts.map(each => product(rows(each, inputs))),
          { axis: 1 },
        )
  const places = context.emit('Reshape', [joined, context.ints([outputs, kh, kw, inputs])])
  return context.emit('Transpose', [places], { perm: [0, 3, 1, 2] })
}

/** Channel by channel: the sum of dY times X cut at the place. A product of one row and one column is far slower. */
function depthwise(
  context: NodeContext,
  window: Window,
  { input, gradient, outputs }: KernelGradient,
): string {
  const [kh, kw] = window.kernel
  const padded = pad(context, input, window)
  const sums: string[] = []
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const products = context.emit('Mul', [cut(context, padded, window, i, j), gradient])
      const sum = context.emit('ReduceSum', [products, context.ints([0, 2, 3])], { keepdims: 0 })
      sums.push(context.emit('Reshape', [sum, context.ints([outputs, 1])]))
    }
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

function pad(context: NodeContext, tensor: string, { pads }: Window): string {
  if (pads.every(side => side === 0)) return tensor
  const [top, left, bottom, right] = pads
  return context.emit('Pad', [tensor, context.ints([0, 0, top, left, 0, 0, bottom, right])])
}

/** The part of the padded input that kernel place (i, j) meets. */
function cut(
  context: NodeContext,
  padded: string,
  { strides, dilations, output }: Window,
  i: number,
  j: number,
): string {
  const starts = [i * dilations[0], j * dilations[1]] as const
  const end = (axis: 0 | 1): number => starts[axis] + (output[axis] - 1) * strides[axis] + 1
  return context.emit('Slice', [
    padded,
    context.ints(starts),
    context.ints([end(0), end(1)]),
    context.ints([2, 3]),
    context.ints(strides),
  ])
}
