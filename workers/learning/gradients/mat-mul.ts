import { sumToOperand } from './broadcast.ts'
import type { Dims, GradientRule, NodeContext } from './rule.ts'

/**
 * Y = A·B over the last two dimensions, those before them broadcast: dA = dY·Bᵀ, dB = Aᵀ·dY, summed as A and B were repeated.
 * With a plain matrix B all rows of A are taken as one long matrix.
 */
export const matMul: GradientRule = context => {
  const [a, b] = context.node.input as [string, string]
  const [left, right] = [context.dims(a), context.dims(b)]
  if (left.length < 2 || right.length < 2)
    context.refuse('an operand is a vector; accepted: operands of two or more dimensions')
  context.copy()
  if (right.length === 2) return byMatrix(context, a, b, left)

  const repeated = context.dims(context.node.output[0]!).slice(0, -2)
  return gradient => [
    context.wants(0)
      ? sumToOperand(
          context,
          context.emit('MatMul', [gradient, swapped(context, b, right.length)]),
          [...repeated, ...left.slice(-2)],
          a,
        )
      : undefined,
    context.wants(1)
      ? sumToOperand(
          context,
          context.emit('MatMul', [swapped(context, a, left.length), gradient]),
          [...repeated, ...right.slice(-2)],
          b,
        )
      : undefined,
  ]
}

function byMatrix(context: NodeContext, a: string, b: string, left: Dims): ReturnType<GradientRule> {
  const [inner, columns] = context.dims(b)
  const rows = (tensor: string, width: number | null | undefined): string =>
    left.length === 2
      ? tensor
      : context.emit('Reshape', [
          tensor,
          context.ints([-1, width ?? context.refuse(`the shape of ${b} is unknown; accepted: a known one`)]),
        ])
  return gradient => {
    const upstream = rows(gradient, columns)
    const backwardA = (): string => {
      const product = context.emit('Gemm', [upstream, b], { transB: 1 })
      return left.length === 2 ? product : context.emit('Reshape', [product, context.emit('Shape', [a])])
    }
    return [
      context.wants(0) ? backwardA() : undefined,
      context.wants(1) ? context.emit('Gemm', [rows(a, inner), upstream], { transA: 1 }) : undefined,
    ]
  }
}

function swapped(context: NodeContext, tensor: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, i) => i)
  perm.splice(-2, 2, rank - 1, rank - 2)
  return context.emit('Transpose', [tensor], { perm })
}
