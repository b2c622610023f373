import { floatAttribute } from '../../models/onnx.ts'
import { scaled, where } from './elementwise.ts'
import type { GradientRule, NodeContext } from './rule.ts'

/** y = max(0, min(1, alpha·x + beta)): dX = alpha·dY strictly between 0 and 1. */
export const hardSigmoid: GradientRule = context => {
  context.copy()
  const [y] = context.node.output as [string]
  const alpha = floatAttribute(context.node, 'alpha', 0.2)
  return gradient => [where(context, strictlyBetween(context, y, 0, 1), scaled(context, gradient, alpha))]
}

export const strictlyBetween = (context: NodeContext, x: string, least: number, most: number): string =>
  context.emit('And', [
    context.emit('Greater', [x, context.floats([least])]),
    context.emit('Less', [x, context.floats([most])]),
  ])
