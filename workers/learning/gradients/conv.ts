import { intAttribute } from '../../models/onnx.ts'
import type { GradientRule, NodeContext } from './rule.ts'
import { outputPadding, type Window, windowOf } from './window.ts'

/**
 * Convolution [N, C, H, W] * [O, C, kh, kw].
 *
 * dX: the transposed convolution of dY with the same weights. dB: dY summed over images and places.
 * dW[o, c, i, j] = Σ over images and places of dY[o] · X[c] shifted by (i, j): one matrix product per kernel place over X cut at that
 * place, with images and places as one long inner dimension. With few input channels the cuts are joined first, since a product
 * of a handful of columns wastes the processor's vector width.
 */
export const conv: GradientRule = context => {
  const { node } = context
  if (intAttribute(node, 'group', 1) !== 1)
    context.refuse(`group is ${intAttribute(node, 'group', 1)}; accepted: 1`)
  const [input, weight, bias] = node.input as [string, string, string?]
  const [outputs, channels, ...kernel] = context.dims(weight) as number[]
  const window = windowOf(context, kernel as [number, number])
  context.copy()

  return gradient => [
    context.wants(0)
      ? context.emit('ConvTranspose', [gradient, weight], {
          kernel_shape: window.kernel,
          strides: window.strides,
          pads: window.pads,
          output_padding: outputPadding(window),
        })
      : undefined,
    context.wants(1) ? weightGradient(context, window, input, gradient, outputs!, channels!) : undefined,
    bias !== undefined && bias !== '' && context.wants(2)
      ? context.emit('ReduceSum', [gradient, context.ints([0, 2, 3])], { keepdims: 0 })
      : undefined,
  ]
}

/** From how many input channels on one product per kernel place is faster than one over all joined (measured: 16 to 32). */
const channelsForSeparateProducts = 16

function weightGradient(
  context: NodeContext,
  window: Window,
  input: string,
  gradient: string,
  outputs: number,
  channels: number,
): string {
  const [kh, kw] = window.kernel
  const byChannel = (tensor: string): string => context.emit('Transpose', [tensor], { perm: [1, 0, 2, 3] })
  const rows = (tensor: string, count: number): string =>
    context.emit('Reshape', [tensor, context.ints([count, -1])])

  const padded = pad(context, byChannel(input), window)
  const upstream = rows(byChannel(gradient), outputs)
  const cuts: string[] = []
  for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) cuts.push(cut(context, padded, window, i, j))

  const product = (patch: string): string => context.emit('Gemm', [upstream, patch], { transB: 1 })
  const joined =
    channels < channelsForSeparateProducts
      ? product(rows(context.emit('Concat', cuts, { axis: 0 }), channels * kh * kw))
      : context.emit(
          'Concat',
          cuts.map(each => product(rows(each, channels))),
          { axis: 1 },
        )
  const places = context.emit('Reshape', [joined, context.ints([outputs, kh, kw, channels])])
  return context.emit('Transpose', [places], { perm: [0, 3, 1, 2] })
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
  { strides, output }: Window,
  i: number,
  j: number,
): string {
  const end = (start: number, axis: 0 | 1): number => start + (output[axis] - 1) * strides[axis] + 1
  return context.emit('Slice', [
    padded,
    context.ints([i, j]),
    context.ints([end(i, 0), end(j, 1)]),
    context.ints([2, 3]),
    context.ints(strides),
  ])
}
