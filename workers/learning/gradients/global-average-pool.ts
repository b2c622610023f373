import { type GradientRule, sampleDims } from './rule.ts'

export const globalAveragePool: GradientRule = context => {
  context.copy()
  const [input] = context.node.input
  return gradient => {
    const places = sampleDims(context, input!)
      .slice(1)
      .reduce((product, dim) => product * dim, 1)
    const share = context.emit('Mul', [gradient, context.floats([1 / places])])
    return [context.emit('Expand', [share, context.emit('Shape', [input!])])]
  }
}
