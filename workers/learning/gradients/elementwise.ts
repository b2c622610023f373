/** Gradients of operators that map each value by itself. `y` is the node's output. */
import { dataType } from '../../models/onnx.ts'
import type { GradientRule, NodeContext } from './rule.ts'

/** @param derivative emits dy/dx, in the shape of x. */
export function elementwise(
  derivative: (context: NodeContext, x: string, y: string) => string,
): GradientRule {
  return context => {
    context.copy()
    const [x] = context.node.input as [string]
    const [y] = context.node.output as [string]
    return gradient => [context.emit('Mul', [gradient, derivative(context, x, y)])]
  }
}

/** The gradient where a condition holds, and zero elsewhere. (Where is one node, and makes two temporary tensors on the way on a CPU.) */
export const where = (context: NodeContext, condition: string, gradient: string): string =>
  context.strengths.bound === 'nodes'
    ? context.emit('Where', [condition, gradient, context.floats([0])])
    : context.emit('Mul', [gradient, context.emit('Cast', [condition], { to: dataType.float })])

/** factor · x + offset. */
export function scaled(context: NodeContext, x: string, factor: number, offset = 0): string {
  const product = factor === 1 ? x : context.emit('Mul', [x, context.floats([factor])])
  return offset === 0 ? product : context.emit('Add', [product, context.floats([offset])])
}
