import { expect } from 'chai'
import fc from 'fast-check'
import { floatTensor } from '../models/onnx.ts'
import { dimsWithin, inRows, partsOf } from './rows.ts'
import { packSlots, slotsLength } from './slots.ts'

const packed = (dims: readonly (readonly number[])[]) =>
  packSlots(
    inRows(
      dims.map((each, i) => {
        const size = each.reduce((product, dim) => product * dim, 1)
        return floatTensor(`tensor ${i}`, each, new Float32Array(size))
      }),
    ),
  )
const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1)

describe('packed tensors in rows', () => {
  for (const { name, dims, want } of [
    { name: 'nothing', dims: [], want: [] },
    { name: 'what fills no rows', dims: [[3], [5]], want: [['rest', [8]]] },
    {
      name: 'large tensors alone',
      dims: [
        [64, 64, 3, 3],
        [128, 64],
      ],
      want: [['rows', [11, 4096]]],
    },
    {
      name: 'large tensors among small ones',
      dims: [[10], [64, 64, 3, 3], [64], [128, 64]],
      want: [
        ['rows', [11, 4096]],
        ['rest', [74]],
      ],
    },
    {
      name: 'tensors whose sizes have little in common, where rows of them all are fewer than places beside',
      dims: [[9408], [36864], [10]],
      want: [
        ['rows', [723, 64]],
        ['rest', [10]],
      ],
    },
  ] as const)
    it(`are ${name}`, () => {
      expect(partsOf(packed(dims)).map(({ kind, dims }) => [kind, dims])).to.deep.equal(want)
    })

  it('lie one behind the other, each once, whatever their sizes', () => {
    const anyDims = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(anyDims, { minLength: 1, maxLength: 12 }), dims => {
        const slots = packed(dims)
        const parts = partsOf(slots)
        expect(parts.flatMap(part => part.slots)).to.deep.equal(slots)
        let at = 0
        for (const part of parts) {
          expect(part.offset).to.equal(at)
          at += sizeOf(part.dims)
          const within = part.slots.map(slot => dimsWithin(part, slot))
          expect(within.map(sizeOf)).to.deep.equal(part.slots.map(slot => slot.size))
          expect(within.reduce((sum, [places]) => sum + places!, 0)).to.equal(part.dims[0])
        }
        expect(at).to.equal(slotsLength(slots))
      }),
      { seed: 1, numRuns: 100 },
    )
  })
})
