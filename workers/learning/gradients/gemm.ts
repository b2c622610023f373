import { floatAttribute, intAttribute } from '../../models/onnx.ts'
import { sumToOperand } from './broadcast.ts'
import type { GradientRule } from './rule.ts'

/**
 * Y = alpha·A·B + beta·C, A and B possibly transposed beforehand. With A′ and B′ as they are multiplied: dA′ = alpha·dY·B′ᵀ,
 * dB′ = alpha·A′ᵀ·dY, dC = beta·dY summed as C was repeated.
 */
export const gemm: GradientRule = context => {
  const { node } = context
  const [transA, transB] = [intAttribute(node, 'transA', 0), intAttribute(node, 'transB', 0)]
  const alpha = { float: floatAttribute(node, 'alpha', 1) }
  const beta = floatAttribute(node, 'beta', 1)
  const [a, b, c] = node.input as [string, string, string?]
  context.copy()

  const product = (left: string, right: string, transA: number, transB: number): string =>
    context.emit('Gemm', [left, right], { alpha, transA, transB })
  const backwardC = (gradient: string): string => {
    const scaled = beta === 1 ? gradient : context.emit('Mul', [gradient, context.floats([beta])])
    return sumToOperand(context, scaled, context.dims(node.output[0]!), c!)
  }
  return gradient => [
    !context.wants(0)
      ? undefined
      : transA === 1
        ? product(b, gradient, transB, 1)
        : product(gradient, b, 0, 1 - transB),
    !context.wants(1)
      ? undefined
      : transB === 1
        ? product(gradient, a, 1, transA)
        : product(a, gradient, 1 - transA, 0),
    c && context.wants(2) ? backwardC(gradient) : undefined,
  ]
}
