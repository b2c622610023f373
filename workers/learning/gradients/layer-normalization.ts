import { intAttribute } from '../../models/onnx.ts'
import { sumToOperand } from './broadcast.ts'
import { fromFront, type GradientRule } from './rule.ts'

/**
 * y = scale · n + bias with n = (x − mean) / deviation, both over the axes from `axis` on.
 *
 * With g = dY·scale and m(·) the mean over those axes: dX = (g − m(g) − n·m(g·n)) / deviation.
 */
export const layerNormalization: GradientRule = context => {
  const { node } = context
  const [x, scale, bias] = node.input as [string, string, string?]
  const dims = context.dims(x)
  const first = fromFront(intAttribute(node, 'axis', -1), dims.length)
  const axes = Array.from({ length: dims.length - first }, (_, i) => first + i)
  const mean = node.output[1] || context.fresh('mean')
  const inverse = node.output[2] || context.fresh('inverse')
  context.copy([node.output[0]!, mean, inverse])

  return gradient => {
    const multiply = (a: string, b: string): string => context.emit('Mul', [a, b])
    const normalised = multiply(context.emit('Sub', [x, mean]), inverse)
    const input = (): string => {
      const average = (tensor: string): string =>
        context.emit('ReduceMean', [tensor, context.ints(axes)], { keepdims: 1 })
      const g = multiply(gradient, scale)
      const centred = context.emit('Sub', [g, average(g)])
      const along = multiply(normalised, average(multiply(g, normalised)))
      return multiply(context.emit('Sub', [centred, along]), inverse)
    }
    return [
      context.wants(0) ? input() : undefined,
      context.wants(1) ? sumToOperand(context, multiply(gradient, normalised), dims, scale) : undefined,
      bias && context.wants(2) ? sumToOperand(context, gradient, dims, bias) : undefined,
    ]
  }
}
