import { type Convolution, channelsLast } from './convolution.ts'
import type { Backward, NodeContext } from './rule.ts'
import { isPointwise, kernelPlaces, type Pair, placesMetAt, type Window } from './window.ts'

/** Up to how many places products over the batch are faster than the runtime's convolutions (measured: 4 to 16, and 4 to 16). */
const mostPlaces = { pointwise: 8, larger: 4 }

/** Whether it gives maps so small that products over the whole batch are faster than a convolution of each image. */
export function isFewPlaces(context: NodeContext, { window, outputs, group }: Convolution): boolean {
  const places = window.output[0] * window.output[1]
  if (group > 1) return false
  if (isPointwise(window)) return places <= mostPlaces.pointwise
  return (
    places <= mostPlaces.larger &&
    // Otherwise it would be more work to choose what windows meet than to convolve it.
    window.input[0] * window.input[1] <= outputs &&
    (kernelPlaces(window) === 1 || channelsLast(context, context.node.input[1]!) !== undefined)
  )
}

/**
 * A convolution as matrix products over the batch, with channels last: Y [N·output places, O] = X · Wᵀ, dX = dY · W and dW = dYᵀ · X, where a row of X
 * [N·output places, kernel places·C] is all that a window meets. The weights are read once for all images and as they are held, and what is turned
 * around is small. What windows meet is chosen by a product with zeros and ones, which leaves zeros for padding and adds up on the way back.
 */
export function fewPlaces(context: NodeContext, { window, inputs, outputs }: Convolution): Backward {
  const { node } = context
  const [input, weight, bias] = node.input as [string, string, string?]
  const [places, filter] = [kernelPlaces(window), kernelPlaces(window) * inputs]
  const reshape = (tensor: string, dims: readonly number[]): string =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const asRows = (tensor: string): string => context.once('Transpose', [tensor], { perm: [0, 2, 3, 1] })
  const asMaps = (flat: string, size: Pair, channels: number): string =>
    reshape(flat, [-1, ...size, channels])
  const perm = [0, 3, 1, 2]

  const met = (rows: string): string =>
    isPointwise(window)
      ? rows
      : context.emit('MatMul', [meetings(context, window), reshape(rows, [-1, size(window.input), inputs])])
  const given = (flat: string): string =>
    isPointwise(window)
      ? flat
      : context.emit('MatMul', [
          meetings(context, window, 'backwards'),
          reshape(flat, [-1, size(window.output) * places, inputs]),
        ])

  const x = reshape(met(asRows(input)), [-1, filter])
  const w = reshape(places === 1 ? weight : channelsLast(context, weight)!, [outputs, filter])
  const y = context.emit('Gemm', bias ? [x, w, bias] : [x, w], { transB: 1 })
  context.emitAs('Transpose', [asMaps(y, window.output, outputs)], [node.output[0]!], { perm })

  return gradient => {
    const dy = reshape(asRows(gradient), [-1, outputs])
    const inputGradient = (): string =>
      context.emit('Transpose', [asMaps(given(context.emit('Gemm', [dy, w])), window.input, inputs)], {
        perm,
      })
    const weightGradient = (): string => {
      const product = context.emit('Gemm', [dy, x], { transA: 1 })
      if (places === 1) return reshape(product, [outputs, inputs, 1, 1])
      return context.emit('Transpose', [reshape(product, [outputs, ...window.kernel, inputs])], { perm })
    }
    return [
      context.wants(0) ? inputGradient() : undefined,
      context.wants(1) ? weightGradient() : undefined,
      bias && context.wants(2)
        ? context.emit('ReduceSum', [dy, context.ints([0])], { keepdims: 0 })
        : undefined,
    ]
  }
}

const size = ([height, width]: Pair): number => height * width

/** [output places · kernel places, input places]: 1 where the first meets the second; backwards turned around. */
function meetings(context: NodeContext, window: Window, way?: 'backwards'): string {
  const [columns, met] = [size(window.input), placesMetAt(window)]
  const ones = new Float32Array(met.length * columns)
  for (const [row, place] of met.entries())
    if (place !== undefined) ones[way === 'backwards' ? place * met.length + row : row * columns + place] = 1
  return context.floats(ones, way === 'backwards' ? [columns, met.length] : [met.length, columns])
}
