import { elementwise, scaled } from './elementwise.ts'

/** dy/dx = y·(1 − y). */
export const sigmoid = elementwise((context, _, y) => context.emit('Mul', [y, scaled(context, y, -1, 1)]))
