/** Lists of numbers. */

export const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i)

/** Of an argument such as `1,2,3`. */
export const numbersOf = (list: string): number[] => list.split(',').map(Number)

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

/** Of what the values are a sample of; 0 for one value. */
export function variance(values: readonly number[]): number {
  const middle = mean(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length - 1)
}
