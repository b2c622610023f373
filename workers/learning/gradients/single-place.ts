import type { Convolution } from './convolution.ts'
import type { Backward, NodeContext } from './rule.ts'

/**
 * A convolution with one window, which begins where the input does and ends within it: Y [N, O] = X′ · Wᵀ, with X′ the part of the input in the
 * window, both flat. dX′ = dY · W, with zeros outside the window, and dW = dYᵀ · X′.
 */
export function singlePlace(context: NodeContext, { window, inputs, outputs }: Convolution): Backward {
  const { node } = context
  const [input, weight, bias] = node.input as [string, string, string?]
  const { kernel } = window
  const size = inputs * kernel[0] * kernel[1]
  const beyond = kernel.map((length, axis) => window.input[axis]! - length)
  const isWhole = beyond.every(places => places === 0)
  const reshape = (tensor: string, dims: readonly number[]): string =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const part = isWhole
    ? input
    : context.emit('Slice', [input, context.ints([0, 0]), context.ints(kernel), context.ints([2, 3])])
  const x = reshape(part, [-1, size])
  const inputGradient = (flat: string): string => {
    const places = reshape(flat, [-1, inputs, ...kernel])
    if (isWhole) return places
    return context.emit('Pad', [places, context.ints([0, 0, 0, 0, 0, 0, ...beyond])])
  }

  const w = reshape(weight, [outputs, size])
  const y = context.emit('Gemm', bias ? [x, w, bias] : [x, w], { transB: 1 })
  context.emitAs('Reshape', [y, context.ints([-1, outputs, 1, 1])], [node.output[0]!])

  return gradient => {
    const dy = reshape(gradient, [-1, outputs])
    return [
      context.wants(0) ? inputGradient(context.emit('Gemm', [dy, w])) : undefined,
      context.wants(1)
        ? reshape(context.emit('Gemm', [dy, x], { transA: 1 }), [outputs, inputs, ...kernel])
        : undefined,
      bias && context.wants(2)
        ? context.emit('ReduceSum', [dy, context.ints([0])], { keepdims: 0 })
        : undefined,
    ]
  }
}
