import type { GradientRule } from './rule.ts'

export const constant: GradientRule = context => {
  context.copy()
  return () => []
}
