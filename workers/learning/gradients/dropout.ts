import type { GradientRule } from './rule.ts'

/** As it is served: the input passes through. */
export const dropout: GradientRule = context => {
  if (context.node.input[2])
    context.refuse('training_mode is given; accepted: none, as in a model that serves')
  context.copy()
  return gradient => [gradient]
}
