/**
 * Packed tensors as rows of one length, as graphs part them and join them again. Along an axis of as many places as there are weights the CUDA
 * provider makes a table of all places each time (125 ms for ten million); of rows there are few. What does not fill whole rows is packed
 * behind them, place by place.
 */
import type { TensorProto } from '../models/onnx.ts'
import type { Slot } from './slots.ts'

/** Some of the slots, one behind the other, as one tensor. */
export interface Part {
  readonly kind: 'rows' | 'rest'
  readonly slots: readonly Slot[]
  readonly offset: number
  readonly dims: readonly number[]
}

const widest = 4096

/** The tensors whose values fill whole rows first. */
export function inRows(tensors: readonly TensorProto[]): readonly TensorProto[] {
  const sizeOf = ({ dims }: TensorProto): number => dims.reduce((product, dim) => product * dim, 1)
  const width = widthFor(tensors.map(sizeOf))
  const fills = (tensor: TensorProto): boolean => sizeOf(tensor) % width === 0
  return [...tensors.filter(fills), ...tensors.filter(tensor => !fills(tensor))]
}

/** Of slots that were packed in the order of `inRows`. */
export function partsOf(slots: readonly Slot[]): readonly Part[] {
  const width = widthFor(slots.map(slot => slot.size))
  const part = (kind: Part['kind'], of: readonly Slot[]): Part[] => {
    const [first] = of
    if (first === undefined) return []
    const size = of.reduce((sum, slot) => sum + slot.size, 0)
    return [{ kind, slots: of, offset: first.offset, dims: kind === 'rows' ? [size / width, width] : [size] }]
  }
  return [
    ...part(
      'rows',
      slots.filter(slot => slot.size % width === 0),
    ),
    ...part(
      'rest',
      slots.filter(slot => slot.size % width !== 0),
    ),
  ]
}

/** The part's dimensions for one of its slots. */
export const dimsWithin = ({ kind, dims }: Part, { size }: Slot): readonly number[] =>
  kind === 'rows' ? [size / dims[1]!, dims[1]!] : [size]

/** A power of two with which rows and places beside them are fewest. */
function widthFor(sizes: readonly number[]): number {
  let best = { width: 1, places: Number.POSITIVE_INFINITY }
  for (let width = widest; width >= 1; width /= 2) {
    const places = sizes.reduce((sum, size) => sum + (size % width === 0 ? size / width : size), 0)
    if (places < best.places) best = { width, places }
  }
  return best.width
}
