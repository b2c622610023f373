import { intAttribute } from '../../models/onnx.ts'
import { kernelGradient } from './kernel-gradient.ts'
import type { GradientRule } from './rule.ts'
import { type Pair, transposedAttributes, windowOf } from './window.ts'

/**
 * Convolution [N, C, H, W] * [O, C/group, kh, kw].
 *
 * dX: the transposed convolution of dY with the same weights. dB: dY summed over images and places. dW: see kernel-gradient.ts.
 */
export const conv: GradientRule = context => {
  const { node } = context
  const group = intAttribute(node, 'group', 1)
  const [input, weight, bias] = node.input as [string, string, string?]
  const [outputs, channels, ...kernel] = context.dims(weight) as number[]
  const window = windowOf(context, kernel as unknown as Pair)
  context.copy()

  return gradient => [
    context.wants(0)
      ? context.emit('ConvTranspose', [gradient, weight], { ...transposedAttributes(window), group })
      : undefined,
    context.wants(1)
      ? kernelGradient(context, window, {
          ...{ input, gradient, group },
          inputs: channels! * group,
          outputs: outputs!,
        })
      : undefined,
    bias && context.wants(2)
      ? context.emit('ReduceSum', [gradient, context.ints([0, 2, 3])], { keepdims: 0 })
      : undefined,
  ]
}
