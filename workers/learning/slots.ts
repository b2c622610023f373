/** Named float tensors packed one after the other into one vector: the weights that a training changes. */
import { floatValues, type TensorProto } from '../models/onnx.ts'
import { floats, type Tensor } from '../models/session.ts'

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
  return packFloats(slots, new Map(slots.map(({ name }) => [name, floatValues(tensors.get(name)!)])))
}

export function packFloats(slots: readonly Slot[], values: ReadonlyMap<string, Float32Array>): Float32Array {
  const packed = new Float32Array(slotsLength(slots))
  for (const { name, offset } of slots) packed.set(values.get(name)!, offset)
  return packed
}

export function unpackValues(slots: readonly Slot[], packed: Float32Array): [string, Float32Array][] {
  return slots.map(slot => [slot.name, packed.subarray(slot.offset, slot.offset + slot.size)])
}

/** Each slot as a tensor that looks into the vector: what is written there later is what the runtime reads. */
export function slotTensors(slots: readonly Slot[], packed: Float32Array): Record<string, Tensor> {
  return Object.fromEntries(
    unpackValues(slots, packed).map(([name, values], i) => [name, floats(values, slots[i]!.dims)]),
  )
}
