import { intAttribute } from '../../models/onnx.ts'
import { fromFront, type GradientRule } from './rule.ts'

/** The pieces' gradients joined again; a piece that the loss does not depend on counts as zeros. */
export const split: GradientRule = context => {
  const { node } = context
  const rank = context.dims(node.input[0]!).length
  const axis = fromFront(intAttribute(node, 'axis', 0), rank)
  const sizes = node.output.map(
    name =>
      context.dims(name)[axis] ??
      context.refuse(`output ${name} has an unknown size along axis ${axis}; accepted: a known one`),
  )
  context.emitAs('Split', [node.input[0]!, context.ints(sizes)], node.output, { axis })

  return (_, gradients) => {
    const pieces = node.output.map(
      (name, i) =>
        gradients[i] ?? context.emit('Expand', [context.floats([0]), context.emit('Shape', [name])]),
    )
    return [context.emit('Concat', pieces, { axis })]
  }
}
