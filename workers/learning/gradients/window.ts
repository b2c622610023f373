/** The sliding window of a convolution or pooling node, with every default and `auto_pad` resolved. */
import { intAttribute, intsAttribute, stringAttribute } from '../../models/onnx.ts'
import { type NodeContext, sampleDims } from './rule.ts'

/** What a window is read from. */
type Described = Pick<NodeContext, 'node' | 'dims' | 'refuse'>

export type Pair = readonly [number, number]

export interface Window {
  readonly kernel: Pair
  readonly strides: Pair
  readonly dilations: Pair
  /** top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number]
  /** Height and width of what the window slides over. */
  readonly input: Pair
  /** Height and width of its positions. */
  readonly output: Pair
}

/** @param kernel where the attribute is absent (Conv: from the weight). Two spatial dimensions. */
export function windowOf(context: Described, kernel?: Pair): Window {
  const { node } = context
  const input = placesOf(context, node.input[0]!)
  const sliding = slidingOf(context, kernel)
  const pads = padsOf(context, input, sliding)
  const upwards = intAttribute(node, 'ceil_mode', 0) === 1
  const positions = (axis: 0 | 1): number => {
    const steps = (input[axis] + pads[axis] + pads[axis + 2]! - extent(sliding, axis)) / sliding.strides[axis]
    if (!upwards) return Math.floor(steps) + 1
    // A window that would begin behind the input is left out.
    const last = Math.ceil(steps)
    return last * sliding.strides[axis] < input[axis] + pads[axis] ? last + 1 : last
  }
  const output: Pair = [positions(0), positions(1)]
  const inferred = placesOf(context, node.output[0]!)
  if (output.some((size, axis) => size !== inferred[axis]))
    context.refuse(
      `its windows have ${output.join('×')} positions, the runtime infers ${inferred.join('×')}; accepted: no last window that begins behind the input`,
    )
  return { ...sliding, input, pads, output }
}

/** Kernel, strides and dilations. */
export function slidingOf(
  context: Described,
  kernel?: Pair,
): Pick<Window, 'kernel' | 'strides' | 'dilations'> {
  const pair = (name: string): Pair | undefined =>
    intsAttribute(context.node, name) as unknown as Pair | undefined
  return {
    kernel: pair('kernel_shape') ?? kernel ?? context.refuse('kernel_shape is missing'),
    strides: pair('strides') ?? [1, 1],
    dilations: pair('dilations') ?? [1, 1],
  }
}

/** Height and width. */
export function placesOf(context: Described, tensor: string): Pair {
  const dims = sampleDims(context, tensor)
  if (dims.length !== 3) context.refuse(`${tensor} has ${dims.length + 1} dimensions; accepted: [N, C, H, W]`)
  return [dims[1]!, dims[2]!]
}

/** How many places the window reaches over along an axis. */
export const extent = ({ kernel, dilations }: Pick<Window, 'kernel' | 'dilations'>, axis: 0 | 1): number =>
  (kernel[axis] - 1) * dilations[axis] + 1

export const kernelPlaces = ({ kernel }: Pick<Window, 'kernel'>): number => kernel[0] * kernel[1]

/** Whether the window meets each place once, and nothing else. */
export const isPointwise = ({ kernel, strides, pads }: Window): boolean =>
  [...kernel, ...strides].every(each => each === 1) && pads.every(side => side === 0)

function padsOf(
  context: Described,
  input: Pair,
  sliding: Pick<Window, 'kernel' | 'strides' | 'dilations'>,
): Window['pads'] {
  const { strides } = sliding
  const mode = stringAttribute(context.node, 'auto_pad', 'NOTSET')
  if (mode === 'NOTSET')
    return (intsAttribute(context.node, 'pads') ?? [0, 0, 0, 0]) as unknown as Window['pads']
  if (mode === 'VALID') return [0, 0, 0, 0]
  const total = (axis: 0 | 1): number =>
    Math.max(
      0,
      (Math.ceil(input[axis] / strides[axis]) - 1) * strides[axis] + extent(sliding, axis) - input[axis],
    )
  return splitPads(mode, [total(0), total(1)])
}

/** Both sides of what `auto_pad` adds: of an odd number SAME_UPPER puts the larger half last, SAME_LOWER first. */
export function splitPads(mode: string, [rows, columns]: Pair): Window['pads'] {
  const small = [rows >> 1, columns >> 1] as const
  const large = [rows - small[0], columns - small[1]] as const
  return mode === 'SAME_UPPER' ? [...small, ...large] : [...large, ...small]
}

/**
 * Attributes of the transposed convolution that takes the window's positions back to its input: where the last window ends before the
 * input does it must add places, where it reaches beyond the padding (`ceil_mode`) it must cut more.
 */
export function transposedAttributes(window: Window): Readonly<Record<string, readonly number[]>> {
  const { kernel, strides, dilations, pads, input, output } = window
  const missing = ([0, 1] as const).map(
    axis =>
      input[axis] -
      ((output[axis] - 1) * strides[axis] + extent(window, axis) - pads[axis] - pads[axis + 2]!),
  )
  return {
    kernel_shape: kernel,
    strides,
    dilations,
    pads: pads.map((side, i) => (i < 2 ? side : side + Math.max(0, -missing[i - 2]!))),
    output_padding: missing.map(places => Math.max(0, places)),
  }
}

/** The place of the input, row by row, that each place of the kernel meets at each output place; undefined: padding. Output places go first. */
export function placesMetAt({
  kernel,
  strides,
  dilations,
  pads,
  input,
  output,
}: Window): readonly (number | undefined)[] {
  const all = ([height, width]: Pair): Pair[] =>
    Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width] as const)
  const within = all(kernel)
  return all(output).flatMap(at =>
    within.map(place => {
      const [row, column] = ([0, 1] as const).map(
        axis => at[axis] * strides[axis] - pads[axis] + place[axis] * dilations[axis],
      ) as [number, number]
      const isInside = row >= 0 && row < input[0] && column >= 0 && column < input[1]
      return isInside ? row * input[1] + column : undefined
    }),
  )
}
