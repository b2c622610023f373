import { intAttribute, intsAttribute, stringAttribute } from '../../models/onnx.ts'
import { kernelGradient } from './kernel-gradient.ts'
import type { GradientRule, NodeContext } from './rule.ts'
import { extent, type Pair, placesOf, slidingOf, splitPads, type Window } from './window.ts'

/**
 * Transposed convolution [N, C, H, W] * [C, O/group, kh, kw], the transpose of a convolution that slides over its output.
 *
 * dX: that convolution of dY. dW: its weight gradient, dY and X in the roles of input and gradient. dB: dY summed over images and places.
 */
export const convTranspose: GradientRule = context => {
  const { node } = context
  const group = intAttribute(node, 'group', 1)
  const [input, weight, bias] = node.input as [string, string, string?]
  const [channels, filters, ...kernel] = context.dims(weight) as number[]
  const window = slidingOverOutput(context, kernel as unknown as Pair)
  const { kernel: kernel_shape, strides, dilations, pads } = window
  context.copy()

  return gradient => [
    context.wants(0)
      ? context.emit('Conv', [gradient, weight], { kernel_shape, strides, dilations, pads, group })
      : undefined,
    context.wants(1)
      ? kernelGradient(context, window, {
          ...{ input: gradient, gradient: input, group },
          inputs: filters! * group,
          outputs: channels!,
        })
      : undefined,
    bias && context.wants(2)
      ? context.emit('ReduceSum', [gradient, context.ints([0, 2, 3])], { keepdims: 0 })
      : undefined,
  ]
}

function slidingOverOutput(context: NodeContext, kernel: Pair): Window {
  const { node } = context
  const sliding = slidingOf(context, kernel)
  const [small, large] = [placesOf(context, node.input[0]!), placesOf(context, node.output[0]!)]
  const mode = stringAttribute(node, 'auto_pad', 'NOTSET')
  const added = (intsAttribute(node, 'output_padding') ?? [0, 0]) as unknown as Pair
  const cutAway = (axis: 0 | 1): number =>
    (small[axis] - 1) * sliding.strides[axis] + extent(sliding, axis) + added[axis] - large[axis]
  const given = mode === 'NOTSET' && intsAttribute(node, 'output_shape') === undefined
  const pads = given
    ? ((intsAttribute(node, 'pads') ?? [0, 0, 0, 0]) as unknown as Window['pads'])
    : splitPads(mode, [cutAway(0), cutAway(1)])
  if (pads.some(side => side < 0)) context.refuse('its output is larger than its windows reach')
  return { ...sliding, pads, input: large, output: small }
}
