import { elementwise, scaled, where } from './elementwise.ts'
import { strictlyBetween } from './hard-sigmoid.ts'

/** y = x·max(0, min(1, x/6 + 1/2)): dy/dx is 0 below −3, 1 above 3, and x/3 + 1/2 between. */
export const hardSwish = elementwise((context, x) => {
  const gate = context.emit('Clip', [
    scaled(context, x, 1 / 6, 0.5),
    context.floats([0]),
    context.floats([1]),
  ])
  const slope = where(context, strictlyBetween(context, x, -3, 3), scaled(context, x, 1 / 6))
  return context.emit('Add', [gate, slope])
})
