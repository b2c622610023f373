import { sumToOperand } from './broadcast.ts'
import type { GradientRule } from './rule.ts'

/** Y = A·B: dA = dY·B, dB = dY·A. */
export const mul: GradientRule = context => {
  context.copy()
  const [a, b] = context.node.input as [string, string]
  const dims = context.dims(context.node.output[0]!)
  return gradient => {
    const part = (input: number, operand: string, other: string): string | undefined =>
      context.wants(input)
        ? sumToOperand(context, context.emit('Mul', [gradient, other]), dims, operand)
        : undefined
    return [part(0, a, b), part(1, b, a)]
  }
}
