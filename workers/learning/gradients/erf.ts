import { elementwise, scaled } from './elementwise.ts'

/** dy/dx = 2/√π · exp(−x²). */
export const erf = elementwise((context, x) => {
  const bell = context.emit('Exp', [scaled(context, context.emit('Mul', [x, x]), -1)])
  return scaled(context, bell, 2 / Math.sqrt(Math.PI))
})
