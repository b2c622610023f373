import { intAttribute } from '../../models/onnx.ts'
import type { GradientRule } from './rule.ts'

/** dX = y·(dY − Σ dY·y), summed along the axis. */
export const softmax: GradientRule = context => {
  context.copy()
  const [y] = context.node.output as [string]
  const axis = intAttribute(context.node, 'axis', -1)
  return gradient => {
    const weighted = context.emit('Mul', [gradient, y])
    const sum = context.emit('ReduceSum', [weighted, context.ints([axis])], { keepdims: 1 })
    return [context.emit('Mul', [y, context.emit('Sub', [gradient, sum])])]
  }
}
