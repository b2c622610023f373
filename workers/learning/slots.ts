/** Named float tensors packed one after the other into one vector: what goes in and out of a training step. */
import { floatValues, type TensorProto } from '../models/onnx.ts'

export interface Slot {
  readonly name: string
  readonly dims: readonly number[]
  readonly offset: number
  readonly size: number
}

export function packSlots(tensors: readonly TensorProto[]): readonly Slot[] {
  let offset = 0
  return tensors.map(tensor => {
    const size = tensor.dims.reduce((product, dim) => product * dim, 1)
    const slot = { name: tensor.name!, dims: tensor.dims, offset, size }
    offset += size
    return slot
  })
}

export const slotsLength = (slots: readonly Slot[]): number => slots.reduce((sum, slot) => sum + slot.size, 0)

export function packValues(slots: readonly Slot[], tensors: ReadonlyMap<string, TensorProto>): Float32Array {
  const packed = new Float32Array(slotsLength(slots))
  for (const slot of slots) packed.set(floatValues(tensors.get(slot.name)!), slot.offset)
  return packed
}

export function unpackValues(slots: readonly Slot[], packed: Float32Array): [string, Float32Array][] {
  return slots.map(slot => [slot.name, packed.subarray(slot.offset, slot.offset + slot.size)])
}
