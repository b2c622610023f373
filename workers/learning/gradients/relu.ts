import type { GradientRule } from './rule.ts'

/** dX = dY where the output is positive: its sign is 0 or 1 there. */
export const relu: GradientRule = context => {
  context.copy()
  const [output] = context.node.output
  return gradient => [context.emit('Mul', [gradient, context.emit('Sign', [output!])])]
}
