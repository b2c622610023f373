import { intAttribute } from '../../models/onnx.ts'
import { type Convolution, fastConvolution, fastInputGradient, isSinglePlace } from './convolution.ts'
import { fewPlaces, isFewPlaces } from './few-places.ts'
import { kernelGradient } from './kernel-gradient.ts'
import type { Backward, GradientRule, NodeContext } from './rule.ts'
import { singlePlace } from './single-place.ts'
import { type Pair, transposedAttributes, windowOf } from './window.ts'

/**
 * Convolution [N, C, H, W] * [O, C/group, kh, kw].
 *
 * dX: the transposed convolution of dY with the same weights. dB: dY summed over images and places. dW: see kernel-gradient.ts.
 * Which operators do it is a matter of speed: see convolution.ts.
 */
export const conv: GradientRule = context => {
  const { node } = context
  const group = intAttribute(node, 'group', 1)
  const [outputs, channels, ...kernel] = context.dims(node.input[1]!) as number[]
  const window = windowOf(context, kernel as unknown as Pair)
  const given = { window, inputs: channels! * group, outputs: outputs!, group }
  if (context.strengths.bound === 'nodes') return manyPlaces(context, given)
  if (isSinglePlace(given)) return singlePlace(context, given)
  return isFewPlaces(context, given) ? fewPlaces(context, given) : manyPlaces(context, given)
}

function manyPlaces(context: NodeContext, given: Convolution): Backward {
  const { node } = context
  const { window, inputs, outputs, group } = given
  const [input, weight, bias] = node.input as [string, string, string?]
  const fast = fastConvolution(context, input, weight, given)
  if (fast === undefined) context.copy()
  else if (bias) {
    const perChannel = context.emit('Reshape', [bias, context.ints([outputs, 1, 1])])
    context.emitAs('Add', [fast, perChannel], [node.output[0]!])
  } else context.emitAs('Identity', [fast], [node.output[0]!])

  return gradient => [
    context.wants(0)
      ? (fastInputGradient(context, gradient, weight, given) ??
        context.emit('ConvTranspose', [gradient, weight], { ...transposedAttributes(window), group }))
      : undefined,
    context.wants(1)
      ? kernelGradient(context, window, { input, gradient, inputs, outputs, group })
      : undefined,
    bias && context.wants(2)
      ? context.emit('ReduceSum', [gradient, context.ints([0, 2, 3])], { keepdims: 0 })
      : undefined,
  ]
}
