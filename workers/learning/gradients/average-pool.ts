import { intAttribute } from '../../models/onnx.ts'
import { type GradientRule, sampleDims } from './rule.ts'
import { outputPadding, type Window, windowOf } from './window.ts'

/** Every place of a window gets dY / (places counted in that window): a transposed convolution with ones, channel by channel. */
export const averagePool: GradientRule = context => {
  const window = windowOf(context)
  const [channels, height, width] = sampleDims(context, context.node.input[0]!) as [number, number, number]
  const padsCount = intAttribute(context.node, 'count_include_pad', 0) === 1
  context.copy()

  return gradient => {
    const divisors = context.floats(
      placesCounted(window, padsCount).map(count => 1 / count),
      [1, 1, ...window.output],
    )
    const perPlace = context.emit('Mul', [gradient, divisors])
    const single = context.emit('Reshape', [perPlace, context.ints([-1, 1, ...window.output])])
    const ones = context.floats(new Float32Array(window.kernel[0] * window.kernel[1]).fill(1), [
      1,
      1,
      ...window.kernel,
    ])
    const spread = context.emit('ConvTranspose', [single, ones], {
      kernel_shape: window.kernel,
      strides: window.strides,
      pads: window.pads,
      output_padding: outputPadding(window),
    })
    return [context.emit('Reshape', [spread, context.ints([-1, channels, height, width])])]
  }
}

/** For each output place, by how many inputs its sum was divided. */
function placesCounted({ kernel, strides, pads, input, output }: Window, padsCount: boolean): number[] {
  const along = (axis: 0 | 1): number[] =>
    Array.from({ length: output[axis] }, (_, i) => {
      const start = i * strides[axis] - pads[axis]
      return padsCount ? kernel[axis] : Math.min(start + kernel[axis], input[axis]) - Math.max(start, 0)
    })
  return along(0).flatMap(rows => along(1).map(columns => rows * columns))
}
