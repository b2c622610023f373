/** ReduceMean, ReduceSum: the gradient is spread over the dimensions that were reduced; of a mean, each place gets its share. */
import { dataType, intAttribute } from '../../models/onnx.ts'
import { fromFront, type GradientRule, integers } from './rule.ts'

export const reduceSum: GradientRule = context => reduction(context, false)
export const reduceMean: GradientRule = context => reduction(context, true)

function reduction(context: Parameters<GradientRule>[0], mean: boolean): ReturnType<GradientRule> {
  const { node } = context
  const [x] = node.input as [string]
  const [y] = node.output as [string]
  const rank = context.dims(x).length
  const given = integers(context, 'axes', 1) ?? []
  const none = given.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) === 1
  const axes =
    given.length > 0 || none
      ? given.map(axis => fromFront(axis, rank)).sort((a, b) => a - b)
      : Array.from({ length: rank }, (_, axis) => axis)
  if (none) {
    context.emitAs('Identity', [x], [y])
    return gradient => [gradient]
  }
  const keepdims = intAttribute(node, 'keepdims', 1)
  context.emitAs(node.opType, [x, context.ints(axes)], [y], { keepdims })

  return gradient => {
    const kept = keepdims === 1 ? gradient : context.emit('Unsqueeze', [gradient, context.ints(axes)])
    const spread = context.emit('Expand', [kept, context.emit('Shape', [x])])
    if (!mean) return [spread]
    const size = (tensor: string): string =>
      context.emit('Cast', [context.emit('Size', [tensor])], { to: dataType.float })
    return [context.emit('Mul', [spread, context.emit('Div', [size(y), size(x)])])]
  }
}
