import { extraDomain } from '../../models/blocked-layout.ts'
import { dataType, floatAttribute } from '../../models/onnx.ts'
import { normalisedInFewNodes } from './normalised-in-few-nodes.ts'
import type { GradientRule, NodeContext } from './rule.ts'

/**
 * y = scale · (x − mean) / √(var + ε) + bias, per channel.
 *
 * Trained: mean and (biased) variance of the batch, which depend on x; running statistics follow them (descent.ts).
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
  if (!context.strengths.trainingOperators) return normalisedInFewNodes(context, epsilon)
  const channels = (context.dims(scale) as number[])[0]!
  const perChannel = context.ints([1, -1, ...Array.from({ length: rank - 2 }, () => 1)])
  const [mean, variance] = [context.batchStatistic(3), context.batchStatistic(4)]
  const vector = (value: number): string => context.floats(new Float32Array(channels).fill(value), [channels])
  // With momentum 0 the "running" statistics that come out are those of the batch.
  context.emitAs(
    'BatchNormalization',
    [x, scale, bias, vector(0), vector(1)],
    [node.output[0]!, mean, variance],
    { epsilon: { float: epsilon }, momentum: { float: 0 }, training_mode: 1 },
  )

  // With m(·) the mean over the batch: dx = scale / deviation · (dy − m(dy) − centred · m(dy · centred) / deviation²), per channel an
  // affine map of dy (one pass of BatchNormalization itself) plus a multiple of x.
  return gradient => {
    const { emit } = context
    const sum = (tensor: string): string => emit('ReduceSum', [tensor, context.ints(axes)], { keepdims: 0 })
    const biasGradient = sum(gradient)
    const deviation = emit('Sqrt', [emit('Add', [variance, context.floats([epsilon])])])
    const correlation = emit('Sub', [
      sumOfProducts(context, gradient, x, axes),
      emit('Mul', [mean, biasGradient]),
    ])
    const scaleGradient = emit('Div', [correlation, deviation])
    const input = (): string => {
      const factor = emit('Div', [scale, deviation])
      // −factor / number of values of a channel
      const less = emit('Div', [emit('Mul', [factor, context.floats([-channels])]), elements(context, x)])
      const slope = emit('Div', [emit('Mul', [less, scaleGradient]), deviation])
      const offset = emit('Sub', [emit('Mul', [less, biasGradient]), emit('Mul', [slope, mean])])
      return emit('Add', [
        affine(context, gradient, factor, offset),
        emit('Mul', [x, emit('Reshape', [slope, perChannel])]),
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

/** Places of a map; 0 where there is no map, or its size is not known. */
function mapSize(context: NodeContext): number {
  const [, , ...spatial] = context.dims(context.node.input[0]!)
  if (spatial.length !== 2 || spatial.includes(null)) return 0
  return (spatial as number[]).reduce((product, size) => product * size, 1)
}

/** From how many places on it is faster to multiply rows into rows than to multiply maps and add them up (measured: 256 to 1,024). */
const longRow = 512
/** From how many places on the affine map is faster as a convolution of each channel by itself (measured: 16 to 256). */
const largeMap = 128

/** Σ a · b per channel. */
function sumOfProducts(context: NodeContext, a: string, b: string, axes: number[]): string {
  const { emit } = context
  const places = mapSize(context)
  if (places < longRow) return emit('ReduceSum', [emit('Mul', [a, b]), context.ints(axes)], { keepdims: 0 })
  const row = (tensor: string): string => emit('Reshape', [tensor, context.ints([-1, 1, places])])
  const products = emit('FusedMatMul', [row(a), row(b)], { transB: 1 }, extraDomain)
  const channels = (context.dims(context.node.input[1]!) as number[])[0]!
  return emit('ReduceSum', [emit('Reshape', [products, context.ints([-1, channels])]), context.ints([0])], {
    keepdims: 0,
  })
}

/** factor · x + offset per channel, in one pass over x. */
function affine(context: NodeContext, x: string, factor: string, offset: string): string {
  const channels = (context.dims(context.node.input[1]!) as number[])[0]!
  if (mapSize(context) >= largeMap)
    return context.emit(
      'Conv',
      [x, context.emit('Reshape', [factor, context.ints([channels, 1, 1, 1])]), offset],
      { kernel_shape: [1, 1], group: channels },
    )
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
