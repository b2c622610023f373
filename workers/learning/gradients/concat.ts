import { intAttribute } from '../../models/onnx.ts'
import { fromFront, type GradientRule } from './rule.ts'

/** Each input gets its piece of the gradient. */
export const concat: GradientRule = context => {
  context.copy()
  const { node } = context
  const rank = context.dims(node.input[0]!).length
  const axis = fromFront(intAttribute(node, 'axis', 0), rank)
  return gradient => {
    const sizes = node.input.map(
      name =>
        context.dims(name)[axis] ??
        context.refuse(`input ${name} has an unknown size along axis ${axis}; accepted: a known one`),
    )
    const pieces = node.input.map(() => context.fresh('piece'))
    context.emitAs('Split', [gradient, context.ints(sizes)], pieces, { axis })
    return pieces
  }
}
