import { type Convolution, placesMet } from './convolution.ts'
import type { Backward, NodeContext } from './rule.ts'
import type { Pair } from './window.ts'

/**
 * A convolution whose output is one place, with a kernel within the input: Y [N, O] = X′ · Wᵀ, with X′ the part of the input that the window meets,
 * both flat. dX′ = dY · W, with zeros where nothing was met, and dW = dYᵀ · X′.
 */
export function singlePlace(context: NodeContext, { window, inputs, outputs }: Convolution): Backward {
  const { node } = context
  const [input, weight, bias] = node.input as [string, string, string?]
  const [rows, columns] = placesMet(window)
  const met = [rows[1] - rows[0], columns[1] - columns[0]] as const
  const size = inputs * met[0] * met[1]
  const from = [rows[0] - window.pads[0], columns[0] - window.pads[1]] as const
  const reshape = (tensor: string, dims: readonly number[]): string =>
    context.emit('Reshape', [tensor, context.ints(dims)])
  const isWhole = (of: Pair): boolean => met.every((length, axis) => length === of[axis])
  const ends = from.map((at, axis) => at + met[axis]!)
  const part = isWhole(window.input)
    ? input
    : context.emit('Slice', [input, context.ints(from), context.ints(ends), context.ints([2, 3])])
  const x = reshape(part, [-1, size])
  const inputGradient = (flat: string): string => {
    const places = reshape(flat, [-1, inputs, ...met])
    if (isWhole(window.input)) return places
    const after = ends.map((end, axis) => window.input[axis]! - end)
    return context.emit('Pad', [places, context.ints([0, 0, ...from, 0, 0, ...after])])
  }

  const w = reshape(weight, [outputs, size])
  const y = context.emit('Gemm', bias ? [x, w, bias] : [x, w], { transB: 1 })
  context.emitAs('Reshape', [y, context.ints([-1, outputs, 1, 1])], [node.output[0]!])

  return gradient => {
    const dy = reshape(gradient, [-1, outputs])
    return [
      context.wants(0) ? inputGradient(context.emit('Gemm', [dy, w])) : undefined,
      context.wants(1)
        ? reshape(context.emit('Gemm', [dy, x], { transA: 1 }), [outputs, inputs, ...window.kernel])
        : undefined,
      bias && context.wants(2)
        ? context.emit('ReduceSum', [dy, context.ints([0])], { keepdims: 0 })
        : undefined,
    ]
  }
}
