import type { GradientRule } from './rule.ts'

export const identity: GradientRule = context => {
  context.copy()
  return gradient => [gradient]
}
