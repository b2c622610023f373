/** Undoes ONNX's broadcasting: sums a gradient over the dimensions in which the operand was repeated. */
import type { Dims, NodeContext } from './rule.ts'

export function sumToOperand(context: NodeContext, gradient: string, from: Dims, operand: string): string {
  const to = context.dims(operand)
  const missing = from.length - to.length
  const repeated = from.flatMap((dim, axis) => {
    const own = axis < missing ? 1 : to[axis - missing]
    return own === 1 && dim !== 1 ? [axis] : []
  })
  const summed =
    repeated.length === 0
      ? gradient
      : context.emit('ReduceSum', [gradient, context.ints(repeated)], { keepdims: 1 })
  if (missing === 0) return summed
  const unknown = to.filter(dim => dim === null).length
  const shape = unknown <= 1 ? context.ints(to.map(dim => dim ?? -1)) : context.emit('Shape', [operand])
  return context.emit('Reshape', [summed, shape])
}
