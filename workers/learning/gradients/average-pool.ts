import { type GradientRule, sampleDims } from './rule.ts'
import { transposedAttributes, type Window, windowOf } from './window.ts'

/**
 * Every place of a window gets dY / (places counted in that window): a transposed convolution with ones, channel by channel.
 *
 * Which places count at the edges differs between versions of the operator: the node itself, run on ones, tells.
 */
export const averagePool: GradientRule = context => {
  const { node } = context
  const window = windowOf(context)
  const [channels, height, width] = sampleDims(context, node.input[0]!) as [number, number, number]
  context.copy()

  return gradient => {
    const ones = (dims: readonly number[]): string =>
      context.floats(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims)
    const within = context.floats(placesWithin(window), [1, 1, ...window.output])
    const averages = context.fresh('averages')
    context.copyAs([ones([1, 1, ...window.input])], [averages])
    const perPlace = context.emit('Mul', [gradient, context.emit('Div', [averages, within])])
    const single = context.emit('Reshape', [perPlace, context.ints([-1, 1, ...window.output])])
    const spread = context.emit(
      'ConvTranspose',
      [single, ones([1, 1, ...window.kernel])],
      transposedAttributes(window),
    )
    return [context.emit('Reshape', [spread, context.ints([-1, channels, height, width])])]
  }
}

/** For each output place, how many places of its window lie on the input. */
function placesWithin({ kernel, strides, dilations, pads, input, output }: Window): number[] {
  const along = (axis: 0 | 1): number[] =>
    Array.from({ length: output[axis] }, (_, i) => {
      const start = i * strides[axis] - pads[axis]
      const places = Array.from({ length: kernel[axis] }, (_, k) => start + k * dilations[axis])
      return places.filter(place => place >= 0 && place < input[axis]).length
    })
  return along(0).flatMap(rows => along(1).map(columns => rows * columns))
}
