import { stringAttribute } from '../../models/onnx.ts'
import { elementwise, scaled } from './elementwise.ts'
import type { GradientRule, NodeContext } from './rule.ts'

/** y = x·Φ(x) with Φ the normal distribution function, exactly (by erf) or approximated by tanh. */
export const gelu: GradientRule = context =>
  stringAttribute(context.node, 'approximate', 'none') === 'tanh' ? approximate(context) : exact(context)

/** dy/dx = Φ(x) + x·φ(x), φ the normal density. */
const exact = elementwise((context, x) => {
  const distribution = scaled(context, context.emit('Erf', [scaled(context, x, Math.SQRT1_2)]), 0.5, 0.5)
  const bell = context.emit('Exp', [scaled(context, context.emit('Mul', [x, x]), -0.5)])
  const density = scaled(context, bell, 1 / Math.sqrt(2 * Math.PI))
  return context.emit('Add', [distribution, context.emit('Mul', [x, density])])
})

const slope = Math.sqrt(2 / Math.PI)
const cubic = 0.044715

/** With t = tanh(slope·(x + cubic·x³)): dy/dx = (1 + t)/2 + x/2·(1 − t²)·slope·(1 + 3·cubic·x²). */
const approximate = elementwise((context: NodeContext, x) => {
  const multiply = (a: string, b: string): string => context.emit('Mul', [a, b])
  const square = multiply(x, x)
  const t = context.emit('Tanh', [multiply(x, scaled(context, square, slope * cubic, slope))])
  const flank = multiply(
    scaled(context, multiply(t, t), -0.5, 0.5),
    scaled(context, square, 3 * slope * cubic, slope),
  )
  return context.emit('Add', [scaled(context, t, 0.5, 0.5), multiply(x, flank)])
})
