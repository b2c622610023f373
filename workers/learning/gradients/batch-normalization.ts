import { dataType, floatAttribute } from '../../models/onnx.ts'
import type { GradientRule, NodeContext } from './rule.ts'

/**
 * y = scale · (x − mean) / √(var + ε) + bias, per channel.
 *
 * Trained: mean and (biased) variance of the batch, which depend on x; running statistics follow them.
 * Frozen: the running statistics, which are constants.
 */
export const batchNormalization: GradientRule = context => {
  const rank = context.dims(context.node.input[0]!).length
  const axes = Array.from({ length: rank }, (_, axis) => axis).filter(axis => axis !== 1)
  return context.trained ? onBatch(context, axes, rank) : onRunningStatistics(context, axes, rank)
}

function onBatch(context: NodeContext, axes: number[], rank: number): ReturnType<GradientRule> {
  const { node } = context
  const [x, scale, bias] = node.input as [string, string, string]
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const perChannel = context.ints([1, -1, ...Array.from({ length: rank - 2 }, () => 1)])
  const channel = (vector: string): string => context.emit('Reshape', [vector, perChannel])
  const vector = (tensor: string): string => context.emit('Reshape', [tensor, context.ints([-1])])

  const mean = context.emit('ReduceMean', [x, context.ints(axes)], { keepdims: 1 })
  const centred = context.emit('Sub', [x, mean])
  const squares = context.emit('Mul', [centred, centred])
  const variance = context.emit('ReduceMean', [squares, context.ints(axes)], { keepdims: 0 })
  const meanVector = vector(mean)
  context.updateStatistic(3, meanVector)
  context.updateStatistic(4, variance)
  const deviation = context.emit('Sqrt', [context.emit('Add', [variance, context.floats([epsilon])])])
  context.emitAs('BatchNormalization', [x, scale, bias, meanVector, variance], [node.output[0]!], {
    epsilon: { float: epsilon },
  })

  // With m(·) the mean over the batch: dx = scale / deviation · (dy − m(dy) − centred · m(dy · centred) / deviation²),
  // an affine map of dy per channel (one pass of BatchNormalization itself) plus a multiple of centred.
  return gradient => {
    const sum = (tensor: string): string =>
      context.emit('ReduceSum', [tensor, context.ints(axes)], { keepdims: 0 })
    const biasGradient = sum(gradient)
    const correlation = sum(context.emit('Mul', [gradient, centred]))
    const scaleGradient = context.emit('Div', [correlation, deviation])
    const input = (): string => {
      const count = context.emit('Div', [elements(context, x), elements(context, scale)])
      const factor = context.emit('Div', [scale, deviation])
      const perElement = context.emit('Div', [factor, count])
      const offset = context.emit('Neg', [context.emit('Mul', [perElement, biasGradient])])
      const slope = context.emit('Neg', [
        context.emit('Div', [
          context.emit('Mul', [perElement, correlation]),
          context.emit('Mul', [deviation, deviation]),
        ]),
      ])
      return context.emit('Add', [
        affine(context, gradient, factor, offset),
        context.emit('Mul', [centred, channel(slope)]),
      ])
    }
    return [
      context.wants(0) ? input() : undefined,
      context.wants(1) ? scaleGradient : undefined,
      context.wants(2) ? biasGradient : undefined,
      undefined,
      undefined,
    ]
  }
}

const elements = (context: NodeContext, tensor: string): string =>
  context.emit('Cast', [context.emit('Size', [tensor])], { to: dataType.float })

/** factor · x + offset per channel, in one pass over x. */
function affine(context: NodeContext, x: string, factor: string, offset: string): string {
  const channels = (context.dims(context.node.input[1]!) as number[])[0]!
  const zeros = context.floats(new Float32Array(channels), [channels])
  const ones = context.floats(new Float32Array(channels).fill(1), [channels])
  return context.emit('BatchNormalization', [x, factor, offset, zeros, ones], { epsilon: { float: 0 } })
}

function onRunningStatistics(context: NodeContext, axes: number[], rank: number): ReturnType<GradientRule> {
  const { node } = context
  const [x, scale, , mean, variance] = node.input as [string, string, string, string, string]
  context.copy()
  const epsilon = context.floats([floatAttribute(node, 'epsilon', 1e-5)])
  const perChannel = context.ints([1, -1, ...Array.from({ length: rank - 2 }, () => 1)])
  const channel = (vector: string): string => context.emit('Reshape', [vector, perChannel])

  return gradient => {
    const deviation = context.emit('Sqrt', [context.emit('Add', [variance, epsilon])])
    const sum = (tensor: string): string =>
      context.emit('ReduceSum', [tensor, context.ints(axes)], { keepdims: 0 })
    const normalised = (): string =>
      context.emit('Div', [context.emit('Sub', [x, channel(mean)]), channel(deviation)])
    return [
      context.wants(0)
        ? context.emit('Mul', [gradient, channel(context.emit('Div', [scale, deviation]))])
        : undefined,
      context.wants(1) ? sum(context.emit('Mul', [gradient, normalised()])) : undefined,
      context.wants(2) ? sum(gradient) : undefined,
      undefined,
      undefined,
    ]
  }
}
