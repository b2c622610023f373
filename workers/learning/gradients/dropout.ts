import { isTrue } from '../../models/onnx.ts'
import type { GradientRule } from './rule.ts'

/** As it is served: the input passes through. */
export const dropout: GradientRule = context => {
  const mode = context.constant(2)
  if (context.node.input[2] && (mode === undefined || isTrue(mode)))
    context.refuse('training_mode may be true; accepted: none, or false, as in a model that serves')
  context.copy()
  return gradient => [gradient]
}
