/** Linear maps along one axis of a tensor. */
import type { NodeContext } from './rule.ts'

/**
 * Multiplies every line along `axis` by a matrix.
 *
 * @param matrix [new size][old size]
 */
export function alongAxis(
  context: NodeContext,
  tensor: string,
  axis: number,
  matrix: readonly (readonly number[])[],
): string {
  const rank = context.dims(context.node.input[0]!).length
  const [rows, columns] = [matrix.length, matrix[0]!.length]
  if (axis === rank - 2)
    return context.emit('MatMul', [context.floats(matrix.flat(), [rows, columns]), tensor])
  const right = (each: string): string =>
    context.emit('MatMul', [each, context.floats(transposed(matrix).flat(), [columns, rows])])
  if (axis === rank - 1) return right(tensor)
  const perm = Array.from({ length: rank }, (_, i) => i)
  perm[axis] = rank - 1
  perm[rank - 1] = axis
  const swap = (each: string): string => context.emit('Transpose', [each], { perm })
  return swap(right(swap(tensor)))
}

/** Turns rows into columns. */
export const transposed = (matrix: readonly (readonly number[])[]): number[][] =>
  matrix[0]!.map((_, j) => matrix.map(row => row[j]!))
