import { where } from './elementwise.ts'
import type { GradientRule } from './rule.ts'

/** dX = dY where the value came through unchanged. The limits themselves are not trained. */
export const clip: GradientRule = context => {
  context.copy()
  const [x] = context.node.input as [string]
  const [y] = context.node.output as [string]
  return gradient => [where(context, context.emit('Equal', [x, y]), gradient)]
}
