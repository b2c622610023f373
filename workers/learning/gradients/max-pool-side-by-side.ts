/**
 * Max pooling whose windows lie side by side and fill the input, without indices, which are the runtime's slow path (it looks at one place
 * after the other). Backwards the maxima are found again: a matrix of ones spreads a row of windows over its places, and
 *
 *   at a maximum   where X − spread(Y) is 0; otherwise it is negative, and a steep HardSigmoid tells the two apart
 *   dX             at a maximum, spread(dY / number of maxima in the window)
 *
 * Places that hold the same maximum share the gradient alike, which is a subgradient as good as any; PyTorch gives all of it to the first.
 * The product copies values, one times each and zero times the others, so the difference is exact. An infinity becomes a NaN there, so a window must
 * not meet padding alone, which may be −∞.
 */
import { type Backward, type NodeContext, sampleDims } from './rule.ts'
import type { Window } from './window.ts'

/** A product does work for each window of the row at each place; up to so many it is faster than indices (measured: 4 to 64). */
const mostColumns = 32

export function isSideBySide({ strengths, node, maker }: NodeContext, window: Window): boolean {
  const { kernel, strides, dilations, pads, input, output } = window
  return (
    strengths.bound === 'work' &&
    !node.output[1] &&
    maker(node.input[0]!)?.opType !== 'Pad' &&
    output[1] <= mostColumns &&
    pads.every(side => side === 0) &&
    dilations.every(dilation => dilation === 1) &&
    kernel.every((size, axis) => size === strides[axis] && size * output[axis]! === input[axis])
  )
}

export function maxPoolSideBySide(context: NodeContext, { kernel, input, output }: Window): Backward {
  const { node, emit } = context
  const [[x], [y]] = [node.input, node.output] as [[string], [string]]
  const columns = output[1]
  const places = kernel[0] * input[1]
  const ones = matrices(columns, kernel)
  context.copy()

  return gradient => {
    const rows = (tensor: string, length: number): string =>
      emit('Reshape', [tensor, context.ints([-1, length])])
    const spread = context.floats(ones.spread, [columns, places])
    const collect = context.floats(ones.collect, [places, columns])
    const differences = emit('Gemm', [rows(y, columns), spread, rows(x, places)], { alpha: { float: -1 } })
    const atMaximum = emit('HardSigmoid', [differences], { alpha: { float: 3e38 }, beta: { float: 1 } })
    const maxima = emit('MatMul', [atMaximum, collect])
    const shares = emit('Div', [rows(gradient, columns), maxima])
    const spreadShares = emit('MatMul', [shares, spread])
    return [
      emit('Reshape', [
        emit('Mul', [atMaximum, spreadShares]),
        context.ints([-1, ...sampleDims(context, x)]),
      ]),
    ]
  }
}

/** With ones where a window of the row holds a place: a product with the first copies windows to their places, with the second adds places up. */
function matrices(columns: number, [height, width]: Window['kernel']) {
  const across = columns * width
  const places = height * across
  const holds = (window: number, place: number): number =>
    Math.floor((place % across) / width) === window ? 1 : 0
  const filled = (at: (i: number) => number): Float32Array =>
    Float32Array.from({ length: columns * places }, (_, i) => at(i))
  return {
    spread: filled(i => holds(Math.floor(i / places), i % places)),
    collect: filled(i => holds(i % columns, Math.floor(i / columns))),
  }
}
