import { floatAttribute } from '../../models/onnx.ts'
import { scaled } from './elementwise.ts'
import type { GradientRule } from './rule.ts'

/** dX = dY where x is positive, alpha·dY elsewhere. */
export const leakyRelu: GradientRule = context => {
  context.copy()
  const [x] = context.node.input as [string]
  const alpha = floatAttribute(context.node, 'alpha', 0.01)
  return gradient => {
    const positive = context.emit('Greater', [x, context.floats([0])])
    return [context.emit('Where', [positive, gradient, scaled(context, gradient, alpha)])]
  }
}
