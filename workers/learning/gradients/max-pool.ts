import { intAttribute } from '../../models/onnx.ts'
import type { GradientRule } from './rule.ts'
import { windowOf } from './window.ts'

/** The gradient goes to the place of the maximum. Where windows overlap, a place collects from several. */
export const maxPool: GradientRule = context => {
  const { node } = context
  if (intAttribute(node, 'storage_order', 0) !== 0) context.refuse('storage_order is 1; accepted: 0')
  const window = windowOf(context)
  const overlap = window.kernel.some((size, axis) => size > window.strides[axis]!)
  const [input] = node.input
  const indices = node.output[1] || context.fresh('indices')
  context.copy([node.output[0]!, indices])

  return gradient => {
    const shape = context.emit('Shape', [input!])
    const flat = (tensor: string): string => context.emit('Reshape', [tensor, context.ints([-1])])
    if (!overlap)
      return [
        context.emit('MaxUnpool', [gradient, indices, shape], {
          kernel_shape: window.kernel,
          strides: window.strides,
        }),
      ]
    const zeros = flat(context.emit('Mul', [input!, context.floats([0])]))
    const scattered = context.emit('ScatterElements', [zeros, flat(indices), flat(gradient)], {
      reduction: 'add',
    })
    return [context.emit('Reshape', [scattered, shape])]
  }
}
