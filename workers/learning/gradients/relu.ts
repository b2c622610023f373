import type { GradientRule } from './rule.ts'

/** dX = dY where the output is positive. */
export const relu: GradientRule = context => {
  context.copy()
  const [output] = context.node.output
  return gradient => {
    const positive = context.emit('Greater', [output!, context.floats([0])])
    return [context.emit('Where', [positive, gradient, context.floats([0])])]
  }
}
