import { elementwise, scaled } from './elementwise.ts'

/** dy/dx = 1 − y². */
export const tanh = elementwise((context, _, y) => scaled(context, context.emit('Mul', [y, y]), -1, 1))
