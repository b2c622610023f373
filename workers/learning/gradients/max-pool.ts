import { intAttribute } from '../../models/onnx.ts'
import { isSideBySide, maxPoolSideBySide } from './max-pool-side-by-side.ts'
import type { GradientRule } from './rule.ts'
import { windowOf } from './window.ts'

/** The gradient goes to the place of the maximum. Where windows overlap, a place collects from several. */
export const maxPool: GradientRule = context => {
  const { node } = context
  if (node.output[1] && intAttribute(node, 'storage_order', 0) !== 0)
    context.refuse('storage_order is 1 and its indices are used; accepted: 0')
  const window = windowOf(context)
  if (isSideBySide(context, window)) return maxPoolSideBySide(context, window)
  const plain =
    context.strengths.trainingOperators &&
    window.kernel.every((size, axis) => size <= window.strides[axis]!) &&
    [...window.pads, intAttribute(node, 'ceil_mode', 0)].every(each => each === 0) &&
    window.dilations.every(dilation => dilation === 1)
  const [input] = node.input
  const indices = node.output[1] || context.fresh('indices')
  const attribute = node.attribute?.filter(({ name }) => name !== 'storage_order')
  context.copyAs(node.input, [node.output[0]!, indices], attribute)

  return gradient => {
    const shape = context.emit('Shape', [input!])
    const flat = (tensor: string): string => context.emit('Reshape', [tensor, context.ints([-1])])
    if (plain)
      return [
        context.emit('MaxUnpool', [gradient, indices, shape], {
          kernel_shape: window.kernel,
          strides: window.strides,
        }),
      ]
    const zeros = flat(context.emit('Expand', [context.floats([0]), shape]))
    const scattered = context.emit('ScatterElements', [zeros, flat(indices), flat(gradient)], {
      reduction: 'add',
    })
    return [context.emit('Reshape', [scattered, shape])]
  }
}
