import { sumToOperand } from './broadcast.ts'
import type { GradientRule } from './rule.ts'

export const sub: GradientRule = context => {
  context.copy()
  const [a, b] = context.node.input as [string, string]
  const dims = context.dims(context.node.output[0]!)
  return gradient => [
    context.wants(0) ? sumToOperand(context, gradient, dims, a) : undefined,
    context.wants(1) ? sumToOperand(context, context.emit('Neg', [gradient]), dims, b) : undefined,
  ]
}
