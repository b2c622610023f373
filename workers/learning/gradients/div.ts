import { sumToOperand } from './broadcast.ts'
import type { GradientRule } from './rule.ts'

/** Y = A/B: dA = dY/B, dB = −dY·Y/B. */
export const div: GradientRule = context => {
  context.copy()
  const [a, b] = context.node.input as [string, string]
  const [y] = context.node.output as [string]
  const dims = context.dims(y)
  return gradient => {
    const quotient = context.emit('Div', [gradient, b])
    const backwardB = (): string => context.emit('Neg', [context.emit('Mul', [quotient, y])])
    return [
      context.wants(0) ? sumToOperand(context, quotient, dims, a) : undefined,
      context.wants(1) ? sumToOperand(context, backwardB(), dims, b) : undefined,
    ]
  }
}
