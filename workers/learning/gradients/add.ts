import { sumToOperand } from './broadcast.ts'
import type { GradientRule } from './rule.ts'

export const add: GradientRule = context => {
  context.copy()
  const [output] = context.node.output
  return gradient =>
    context.node.input.map((operand, i) =>
      context.wants(i) ? sumToOperand(context, gradient, context.dims(output!), operand) : undefined,
    )
}
