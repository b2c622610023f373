import type { GradientRule } from './rule.ts'

/** Flatten, Reshape, Squeeze, Unsqueeze: the gradient takes the input's shape again. */
export const reshape: GradientRule = context => {
  context.copy()
  const [input] = context.node.input
  return gradient => {
    const [batch, ...rest] = context.dims(input!)
    const known = batch === null && rest.every(dim => dim !== null)
    const shape = known ? context.ints([-1, ...(rest as number[])]) : context.emit('Shape', [input!])
    return [context.emit('Reshape', [gradient, shape])]
  }
}
