import type { Convolution } from './convolution.ts'
import type { Backward, NodeContext } from './rule.ts'

/** From how many places on the runtime's Conv is as fast (measured: 4 to 16). */
const mostPlaces = 8

/** Whether it is a 1×1 convolution of maps so small that one product over the whole batch is faster than one for each image. */
export const isFewPlaces = ({ window, group }: Convolution): boolean =>
  group === 1 &&
  [...window.kernel, ...window.strides].every(each => each === 1) &&
  window.pads.every(side => side === 0) &&
  window.output[0] * window.output[1] <= mostPlaces

/**
 * A 1×1 convolution as a matrix product: with channels last Y [N·H·W, O] = X · Wᵀ, dX = dY · W and dW = dYᵀ · X. The weights are read once for
 * all images, and what is turned around is small.
 */
export function fewPlaces(context: NodeContext, { window, inputs, outputs }: Convolution): Backward {
  const { node } = context
  const [input, weight, bias] = node.input as [string, string, string?]
  const reshape = (tensor: string, dims: readonly number[]): string =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const rows = (tensor: string, channels: number): string =>
    reshape(context.emit('Transpose', [tensor], { perm: [0, 2, 3, 1] }), [-1, channels])
  const asMaps = (flat: string, channels: number): string => reshape(flat, [-1, ...window.output, channels])
  const perm = [0, 3, 1, 2]

  const x = rows(input, inputs)
  const w = reshape(weight, [outputs, inputs])
  const y = context.emit('Gemm', bias ? [x, w, bias] : [x, w], { transB: 1 })
  context.emitAs('Transpose', [asMaps(y, outputs)], [node.output[0]!], { perm })

  return gradient => {
    const dy = rows(gradient, outputs)
    const inputGradient = (): string =>
      context.emit('Transpose', [asMaps(context.emit('Gemm', [dy, w]), inputs)], { perm })
    return [
      context.wants(0) ? inputGradient() : undefined,
      context.wants(1)
        ? reshape(context.emit('Gemm', [dy, x], { transA: 1 }), [outputs, inputs, 1, 1])
        : undefined,
      bias && context.wants(2)
        ? context.emit('ReduceSum', [dy, context.ints([0])], { keepdims: 0 })
        : undefined,
    ]
  }
}
