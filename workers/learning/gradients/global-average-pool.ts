import { type GradientRule, sampleDims } from './rule.ts'

/** Every place of a map gets its share: a product with a row of shares, which the runtime does several times as fast as Expand. */
export const globalAveragePool: GradientRule = context => {
  context.copy()
  const [input] = context.node.input
  return gradient => {
    const [channels, ...map] = sampleDims(context, input!) as [number, ...number[]]
    const places = map.reduce((product, dim) => product * dim, 1)
    const reshape = (tensor: string, dims: readonly number[]): string =>
      context.emit('Reshape', [tensor, context.ints(dims)])
    const shares = context.floats(new Float32Array(places).fill(1 / places), [1, places])
    const spread = context.emit('MatMul', [reshape(gradient, [-1, 1]), shares])
    return [reshape(spread, [-1, channels, ...map])]
  }
}
