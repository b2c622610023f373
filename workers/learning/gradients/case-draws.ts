/** What cases of gradients draw at random. For tests. */
import type { Attributes } from '../../models/onnx.ts'
import type { Random } from '../../models/random.ts'
import type { GradientCase } from './gradient-check.ts'

export type DrawCase = (draw: Random) => GradientCase

export const among = <T>(draw: Random, values: readonly T[]): T => values[draw.integer(values.length)]!
export const between = (draw: Random, least: number, most: number): number =>
  least + draw.integer(most - least + 1)
export const pair = (draw: Random, least: number, most: number): [number, number] => [
  between(draw, least, most),
  between(draw, least, most),
]
/** Of x. */
export const shape = (draw: Random, channels = between(draw, 1, 4)): [number, number, number] => [
  channels,
  between(draw, 5, 7),
  between(draw, 5, 7),
]

/** A window that fits into 5 places, with pads smaller than the kernel. */
export function sliding(
  draw: Random,
  mostDilation = 2,
): { kernel: [number, number]; attributes: Attributes } {
  const kernel = pair(draw, 1, 3)
  const dilations = kernel.map(size => (size === 3 ? 1 : between(draw, 1, mostDilation)))
  const attributes = { strides: pair(draw, 1, 3), dilations }
  const pad = (axis: 0 | 1): number => draw.integer(kernel[axis])
  if (draw.next() < 0.6)
    return { kernel, attributes: { ...attributes, pads: [pad(0), pad(1), pad(0), pad(1)] } }
  return {
    kernel,
    attributes: {
      // The runtime refuses SAME where windows leave places out.
      strides: kernel.map(size => between(draw, 1, size)),
      dilations: [1, 1],
      auto_pad: among(draw, ['SAME_UPPER', 'SAME_LOWER', 'VALID']),
    },
  }
}
