/**
 * BatchNormalization on the batch for a runtime whose time goes by nodes: BatchNormalization as it is served does whole maps in one, whatever
 * vectors it is given, and means are taken over places first and then over images, which CUDA's provider is fast at.
 *
 *   normalised = (x − mean) / √(variance + ε)         y = scale · normalised + bias
 *   dx = scale / √(variance + ε) · (dy − m(dy) − normalised · m(dy · normalised)), m(·) the mean over the batch
 */
import { dataType } from '../../models/onnx.ts'
import type { Backward, NodeContext } from './rule.ts'

export function normalisedInFewNodes(context: NodeContext, epsilon: number): Backward {
  const { emit, node } = context
  const [x, scale, bias] = node.input as [string, string, string]
  const dims = context.dims(x)
  const [channels] = context.dims(scale) as [number]
  const vector = (value: number): string => context.floats(new Float32Array(channels).fill(value), [channels])
  const [mean, variance] = [context.batchStatistic(3), context.batchStatistic(4)]
  const spatial = Array.from({ length: dims.length - 2 }, (_, i) => i + 2)
  const over = (how: 'ReduceMean' | 'ReduceSum', tensor: string, keepdims: 0 | 1, output: string): void => {
    const each = spatial.length === 0 ? tensor : emit(how, [tensor, context.ints(spatial)], { keepdims })
    context.emitAs(how, [each, context.ints([0])], [output], { keepdims })
  }
  const normal = (inputs: readonly string[], by: number, output: string): void =>
    context.emitAs('BatchNormalization', inputs, [output], { epsilon: { float: by } })

  over('ReduceMean', x, 0, mean)
  const centred = context.fresh('centred')
  normal([x, vector(1), vector(0), mean, vector(1)], 0, centred)
  over('ReduceMean', emit('Mul', [centred, centred]), 0, variance)
  normal([x, scale, bias, mean, variance], epsilon, node.output[0]!)

  return gradient => {
    const normalised = context.fresh('normalised')
    normal([centred, vector(1), vector(0), vector(0), variance], epsilon, normalised)
    const biasGradient = context.fresh('bias.gradient')
    over('ReduceSum', gradient, 0, biasGradient)
    const scaleGradient = context.fresh('scale.gradient')
    over('ReduceSum', emit('Mul', [gradient, normalised]), 1, scaleGradient)
    const input = (): string => {
      // The provider divides by the number of values in a kernel of its own, so a mean is not cheaper than this.
      const mean = (sum: string): string =>
        emit('Mul', [sum, context.once('Reciprocal', [elements(context, x)])])
      const less = emit('Sub', [gradient, emit('Mul', [normalised, mean(scaleGradient)])])
      const found = context.fresh('input.gradient')
      normal([less, scale, vector(0), mean(biasGradient), variance], epsilon, found)
      return found
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

/** The number of values of a channel. */
function elements(context: NodeContext, x: string): string {
  const [, channels, ...spatial] = context.dims(x)
  if (spatial.includes(null))
    return context.once('Div', [
      context.once('Cast', [context.once('Size', [x])], { to: dataType.float }),
      context.floats([channels!]),
    ])
  const places = (spatial as number[]).reduce((product, size) => product * size, 1)
  return context.once('Mul', [context.images(), context.floats([places])])
}
