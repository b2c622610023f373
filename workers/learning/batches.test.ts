import { expect } from 'chai'
import fc from 'fast-check'
import { alterImage, drawFraction, epochBatches, stepsPerEpoch, unaltered } from './batches.ts'

const plan = { seed: 3, epoch: 1, count: 50, batchSize: 16, augment: true, photometric: 0.4 }
const scale = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1)
const shape = { channels: 1, height: 2, width: 3 }

describe('epochBatches', () => {
  it('takes every image once, in batches whose sizes differ by at most one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 64 }), (count, batchSize) => {
        const batches = epochBatches({ ...plan, count, batchSize })
        const sizes = batches.map(batch => batch.indexes.length)
        expect(Math.max(...sizes)).to.be.at.most(batchSize)
        expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1)
        expect(batches).to.have.length(stepsPerEpoch(count, batchSize))
        const all = batches.flatMap(batch => [...batch.indexes]).sort((a, b) => a - b)
        expect(all).to.deep.equal(Array.from({ length: count }, (_, i) => i))
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  it('follows from seed and epoch alone', () => {
    expect(epochBatches(plan)).to.deep.equal(epochBatches(plan))
    expect(epochBatches({ ...plan, epoch: 2 })).to.not.deep.equal(epochBatches(plan))
  })

  it('leaves images alone without augment, and their light without photometric', () => {
    const plain = epochBatches({ ...plan, augment: false }).flatMap(batch => batch.alterations)
    expect(plain.every(each => each === unaltered)).to.equal(true)
    const moved = epochBatches({ ...plan, photometric: 0 }).flatMap(batch => batch.alterations)
    expect(moved.every(each => each.light === undefined)).to.equal(true)
  })
})

describe('drawFraction', () => {
  it('draws smaller fractions out of larger ones', () => {
    const large = new Set(drawFraction(5, 100, 0.5))
    expect([...drawFraction(5, 100, 0.1)].every(index => large.has(index))).to.equal(true)
    expect(drawFraction(5, 100, 0.5)).to.have.length(50)
  })

  it('draws at least one image', () => expect(drawFraction(5, 3, 0.01)).to.have.length(1))
})

describe('alterImage', () => {
  const image = Uint8Array.of(0, 51, 102, 153, 204, 255)
  const altered = (alteration: Parameters<typeof alterImage>[2]): number[] => {
    const into = new Float32Array(6)
    alterImage(image, shape, alteration, scale, into, 0)
    return [...into].map(value => Math.round((value + 1) * 127.5))
  }
  for (const { name, alteration, want } of [
    { name: 'nothing', alteration: unaltered, want: [0, 51, 102, 153, 204, 255] },
    { name: 'a flip', alteration: { ...unaltered, flip: true }, want: [102, 51, 0, 255, 204, 153] },
    { name: 'a shift to the right', alteration: { ...unaltered, right: 1 }, want: [0, 0, 51, 153, 153, 204] },
    { name: 'a shift up', alteration: { ...unaltered, down: -1 }, want: [153, 204, 255, 153, 204, 255] },
    {
      name: 'less light',
      alteration: { ...unaltered, light: { gains: [0.5], contrast: 1 } },
      want: [0, 26, 51, 77, 102, 128],
    },
    {
      name: 'less contrast, around the mean',
      alteration: { ...unaltered, light: { gains: [1], contrast: 0 } },
      want: [128, 128, 128, 128, 128, 128],
    },
  ])
    it(`does ${name}`, () => {
      for (const [i, value] of altered(alteration).entries()) expect(value).to.be.closeTo(want[i]!, 1)
    })
})
