import type { GradientRule } from './rule.ts'

/** Y = A·B with A [N, K], B [K, M]: dA = dY·Bᵀ, dB = Aᵀ·dY. */
export const matMul: GradientRule = context => {
  const [a, b] = context.node.input as [string, string]
  if (context.dims(a).length !== 2 || context.dims(b).length !== 2)
    context.refuse('an operand has more than two dimensions; accepted: [N, K] × [K, M]')
  context.copy()
  return gradient => [
    context.wants(0) ? context.emit('Gemm', [gradient, b], { transB: 1 }) : undefined,
    context.wants(1) ? context.emit('Gemm', [a, gradient], { transA: 1 }) : undefined,
  ]
}
