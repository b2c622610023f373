import { floatAttribute, intAttribute } from '../../models/onnx.ts'
import { sumToOperand } from './broadcast.ts'
import type { GradientRule } from './rule.ts'

/** Y = alpha·A·B + beta·C with A [N, K]. dA = alpha·dY·Bᵀ, dB = alpha·Aᵀ·dY, dC = beta·dY summed as C was repeated. */
export const gemm: GradientRule = context => {
  const { node } = context
  if (intAttribute(node, 'transA', 0) !== 0) context.refuse('transA is 1; accepted: 0')
  const transB = intAttribute(node, 'transB', 0)
  const alpha = { float: floatAttribute(node, 'alpha', 1) }
  const beta = floatAttribute(node, 'beta', 1)
  const [a, b, c] = node.input
  context.copy()

  const backwardC = (gradient: string): string => {
    const scaled = beta === 1 ? gradient : context.emit('Mul', [gradient, context.floats([beta])])
    return sumToOperand(context, scaled, context.dims(node.output[0]!), c!)
  }
  return gradient => [
    context.wants(0) ? context.emit('Gemm', [gradient, b!], { alpha, transB: 1 - transB }) : undefined,
    !context.wants(1)
      ? undefined
      : transB === 1
        ? context.emit('Gemm', [gradient, a!], { alpha, transA: 1 })
        : context.emit('Gemm', [a!, gradient], { alpha, transA: 1 }),
    c !== undefined && c !== '' && context.wants(2) ? backwardC(gradient) : undefined,
  ]
}
