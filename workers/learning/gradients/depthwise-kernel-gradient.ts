/**
 * Gradient of a depthwise convolution's weights [C, 1, kh, kw] as one depthwise convolution in the runtime's blocked layout, over the images of
 * the batch one below the other: X is what it slides over, dY is its kernel, and what it gives has the size of the weights.
 *
 *   X   [1, C, N · rows, …]              each image padded above and below to the rows that the forward window met
 *   dY  [C, 1, N · rows / stride, …]     each image followed by rows of zeros, so that no image meets the next one's
 *
 * Strides of the forward convolution are dilations here, and the other way round. One product and one sum per kernel place, as without the
 * blocked layout, take four times as long: each of them goes over whole maps in memory.
 */
import { blockedDomain } from '../../models/blocked-layout.ts'
import { reorder } from './convolution.ts'
import type { KernelGradient } from './kernel-gradient.ts'
import type { NodeContext } from './rule.ts'
import { extent, type Pair, type Window } from './window.ts'

/** Undefined where the blocked layout cannot do it. */
export function depthwiseByConvolution(
  context: NodeContext,
  window: Window,
  { input, gradient, outputs: channels }: KernelGradient,
): string | undefined {
  const { block } = context.strengths
  const { kernel, strides, dilations, pads, output } = window
  const reach = [extent(window, 0), extent(window, 1)] as const
  if (block < 2 || channels % block !== 0 || strides[0] > reach[0]) return undefined
  const met = ([0, 1] as const).map(axis => (output[axis] - 1) * strides[axis] + reach[axis])
  const rows = Math.ceil(met[0]! / strides[0])
  const below = rows * strides[0] - window.input[0] - pads[0]
  // Below 0 where windows left out columns.
  const right = met[1]! - window.input[1] - pads[1]
  const cut = Math.min(0, right)
  const x = stacked(context, input, channels, window.input, [pads[0], 0, below, cut])
  const dy = stacked(context, gradient, channels, output, [0, 0, rows - output[0], 0])
  const reshape = (tensor: string, dims: readonly number[]): string =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const result = context.emit(
    'Conv',
    [reshape(x, [1, channels, -1, window.input[1] + cut]), reshape(dy, [channels, 1, -1, output[1]])],
    // The kernel's height goes with the batch, so the runtime is left to see it. Below the last image it meets zeros of its own alone.
    {
      ...{ strides: dilations, dilations: strides, group: channels },
      pads: [0, pads[1], reach[0] - strides[0], right - cut],
    },
    blockedDomain,
  )
  const plain = context.emit('ReorderOutput', [result], { channels }, blockedDomain)
  return reshape(plain, [channels, 1, ...kernel])
}

/** [N, C, H, W] → [C / block, N, H, W · block], padded. */
function stacked(
  context: NodeContext,
  tensor: string,
  channels: number,
  [rows, columns]: Pair,
  [top, left, bottom, right]: Window['pads'],
): string {
  const { block } = context.strengths
  const apart = context.emit('Reshape', [
    reorder(context, tensor),
    context.ints([-1, channels / block, rows, columns * block]),
  ])
  const byChannel = context.emit('Transpose', [apart], { perm: [1, 0, 2, 3] })
  if ([top, left, bottom, right].every(side => side === 0)) return byChannel
  return context.emit('Pad', [
    byChannel,
    context.ints([0, 0, top, left * block, 0, 0, bottom, right * block]),
  ])
}
