/**
 * The fastest way to convolve on this runtime, by shape (measured with two threads on AVX2):
 *
 *   one output place     a matrix product over the window: the per-image products of Conv read all weights for every image
 *   maps ≤ 4, 1×1 ≤ 8    matrix products over the batch (few-places.ts): half the time of Conv
 *   depthwise            the blocked layout: 5 to 10 times as fast as Conv, both reorders included
 *   3×3 and larger       the blocked layout: 1.1 to 1.4 times as fast
 *   otherwise            Conv
 *
 * Gradients of the input are convolutions, too: of the output's gradient, spread by the stride, with the kernel turned around.
 */
import { blockedDomain } from '../../models/blocked-layout.ts'
import { intsAttribute } from '../../models/onnx.ts'
import type { NodeContext } from './rule.ts'
import { isPointwise, type Window } from './window.ts'

export interface Convolution {
  readonly window: Window
  readonly inputs: number
  readonly outputs: number
  readonly group: number
}

type Pads = Window['pads']

/** Whether there is one window, which has places of the input alone, without gaps. */
export const isSinglePlace = ({
  window: { kernel, dilations, pads, input, output },
  group,
}: Convolution): boolean =>
  group === 1 &&
  [...output, ...dilations].every(each => each === 1) &&
  kernel.every((size, axis) => pads[axis] === 0 && size <= input[axis]!)

const isDepthwise = ({ inputs, outputs, group }: Convolution): boolean =>
  group > 1 && group === inputs && group === outputs

/** Whether the blocked layout can and should do it. */
function isBlocked({ strengths: { block } }: NodeContext, convolution: Convolution): boolean {
  const { window, inputs, outputs, group } = convolution
  if (block < 2 || outputs % block !== 0 || inputs % block !== 0) return false
  if (isDepthwise(convolution)) return true
  return group === 1 && window.kernel[0] * window.kernel[1] > 1
}

/** x [N, inputs, H, W] * weight [outputs, inputs / group, kh, kw], without bias; undefined: Conv itself is best. */
export function fastConvolution(
  context: NodeContext,
  x: string,
  weight: string,
  given: Convolution,
): string | undefined {
  if (!isBlocked(context, given)) return undefined
  const { kernel, strides, pads } = given.window
  return blocked(context, reorder(context, x), blockedWeight(context, weight, given, false), given.outputs, {
    ...{ kernel, strides, pads, dilations: given.window.dilations },
    group: given.group,
  })
}

/** The gradient of x; undefined: a transposed convolution is best. */
export function fastInputGradient(
  context: NodeContext,
  gradient: string,
  weight: string,
  given: Convolution,
): string | undefined {
  const { window, inputs, outputs, group } = given
  const pads = turnedPads(window)
  if (pads === undefined) return undefined
  if (isBlocked(context, given)) {
    const turned = blockedWeight(context, weight, given, true)
    const spread = spreadOut(context, reorder(context, gradient), given)
    return blocked(context, spread, turned, inputs, {
      ...{ kernel: window.kernel, strides: [1, 1], dilations: [1, 1], pads, group },
    })
  }
  if (!isPointwise(window) || group > 1 || context.strengths.bound === 'nodes') return undefined
  return context.emit(
    'Conv',
    [
      gradient,
      context.emit('Reshape', [
        context.emit('Transpose', [context.emit('Reshape', [weight, context.ints([outputs, inputs])])], {
          perm: [1, 0],
        }),
        context.ints([inputs, outputs, 1, 1]),
      ]),
    ],
    { kernel_shape: [1, 1], pads },
  )
}

/** Of the convolution that goes back; undefined where it would have to cut. */
function turnedPads({ kernel, strides, dilations, pads, input, output }: Window): Pads | undefined {
  if (dilations.some(each => each !== 1)) return undefined
  const begin = ([0, 1] as const).map(axis => kernel[axis] - 1 - pads[axis])
  const end = ([0, 1] as const).map(
    axis => input[axis] - output[axis] * strides[axis] - begin[axis]! + kernel[axis] - 1,
  )
  const sides = [...begin, ...end] as unknown as Pads
  return sides.every(side => side >= 0) ? sides : undefined
}

/** Zeros between the places, as many as the stride left out, and behind the last. In the blocked layout: so a block moves at a time. */
function spreadOut(context: NodeContext, reordered: string, { window, outputs }: Convolution): string {
  const { strides, output } = window
  if (strides.every(stride => stride === 1)) return reordered
  const { block } = context.strengths
  const reshape = (tensor: string, dims: readonly number[]): string =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const [rows, columns] = [strides[0] - 1, strides[1] - 1]
  const filled = context.emit('Pad', [
    reshape(reordered, [-1, 1, output[1], block]),
    context.ints([0, 0, 0, 0, 0, rows, 0, columns * block]),
  ])
  return reshape(filled, [-1, outputs, output[0] * strides[0], output[1] * strides[1]])
}

/** The weight as the blocked convolution reads it; turned: of the convolution that goes back. */
function blockedWeight(context: NodeContext, weight: string, given: Convolution, turned: boolean): string {
  const { inputs, outputs, window } = given
  const { block } = context.strengths
  const places = window.kernel[0] * window.kernel[1]
  const reshape = (tensor: string, dims: readonly number[]) =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const reversed = (tensor: string, axis: number): string =>
    turned && places > 1
      ? context.emit(
          'Gather',
          [tensor, context.ints(Array.from({ length: places }, (_, i) => places - 1 - i))],
          { axis },
        )
      : tensor
  if (isDepthwise(given)) {
    const apart = reshape(weight, [outputs / block, block, places])
    const inner = context.emit('Transpose', [apart], { perm: [0, 2, 1] })
    return reshape(reversed(inner, 1), [outputs, 1, ...window.kernel])
  }
  const [ob, ib] = [outputs / block, inputs / block]
  const transpose = (tensor: string, perm: readonly number[]) => context.emit('Transpose', [tensor], { perm })
  const [to, from] = turned ? [inputs, outputs] : [outputs, inputs]
  const held = channelsLast(context, weight)
  if (held !== undefined && turned) {
    // [O/b, bo, place, I/b, bi] → [I/b, O/b, place, bo, bi], in rows of a block.
    const blocks = transpose(reshape(held, [ob, block, places, ib, block]), [3, 0, 2, 1, 4])
    const inOrder = reversed(reshape(blocks, [ib * ob, places, block * block]), 1)
    return reshape(inOrder, [to, from, ...window.kernel])
  }
  if (held !== undefined) {
    // [O/b, bo, place, I/b, bi] → [O/b, I/b, place, bi, bo]: one axis element by element, then whole blocks.
    const inner = transpose(reshape(held, [ob, block, places * inputs]), [0, 2, 1])
    const blocks = transpose(reshape(inner, [ob, places, ib, block * block]), [0, 2, 1, 3])
    return reshape(blocks, [to, from, ...window.kernel])
  }
  // [O/b, bo, I/b, bi, place] → [O/b, I/b, place, bi, bo], or with input and output in each other's role. Step by step: blocks first, then
  // one axis at a time. At once it would be element by element, which takes the runtime several times as long.
  const apart = reshape(weight, [ob, block, ib, block * places])
  const blocks = transpose(apart, turned ? [2, 0, 1, 3] : [0, 2, 1, 3])
  const byPlace = transpose(reshape(blocks, [ob * ib, block * block, places]), [0, 2, 1])
  const inner = turned ? byPlace : transpose(reshape(byPlace, [ob * ib * places, block, block]), [0, 2, 1])
  return reshape(reversed(inner, 1), [to, from, ...window.kernel])
}

/** [O, kh, kw, C] of a kernel [O, C, kh, kw], where that is how it is held (held-kernels.ts). */
export function channelsLast(context: NodeContext, weight: string): string | undefined {
  const maker = context.maker(weight)
  const perm = maker?.opType === 'Transpose' ? intsAttribute(maker, 'perm') : undefined
  return perm?.join() === '0,3,1,2' ? maker!.input[0] : undefined
}

/** In the blocked layout. */
export const reorder = (context: NodeContext, x: string): string =>
  context.once('ReorderInput', [x], {}, blockedDomain)

function blocked(
  context: NodeContext,
  reordered: string,
  weight: string,
  channels: number,
  {
    kernel,
    strides,
    dilations,
    pads,
    group,
  }: Pick<Window, 'kernel' | 'strides' | 'dilations' | 'pads'> & { group: number },
): string {
  const attributes = { kernel_shape: kernel, strides, dilations, pads, group }
  const result = context.emit('Conv', [reordered, weight], attributes, blockedDomain)
  return context.emit('ReorderOutput', [result], { channels }, blockedDomain)
}
