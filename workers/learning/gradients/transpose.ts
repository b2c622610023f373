import { intsAttribute } from '../../models/onnx.ts'
import type { GradientRule } from './rule.ts'

/** The inverse permutation. */
export const transpose: GradientRule = context => {
  context.copy()
  const rank = context.dims(context.node.input[0]!).length
  const perm = intsAttribute(context.node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  const inverse = perm.map((_, i) => perm.indexOf(i))
  return gradient => [context.emit('Transpose', [gradient], { perm: inverse })]
}
