import { expect } from 'chai'
import fc from 'fast-check'
import { unaltered } from './alterations.ts'
import { drawFraction, epochBatches, stepsPerEpoch } from './batches.ts'

const plan = { seed: 3, epoch: 1, count: 50, batchSize: 16, augment: true, photometric: 0.4 }

describe('epochBatches', () => {
  it('takes every image once, in batches whose sizes differ by at most one, the larger ones first', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 64 }), (count, batchSize) => {
        const batches = epochBatches({ ...plan, count, batchSize })
        const sizes = batches.map(batch => batch.indexes.length)
        expect(Math.max(...sizes)).to.be.at.most(batchSize)
        expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1)
        expect(sizes).to.deep.equal(sizes.toSorted((a, b) => b - a))
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

  it('takes every class alike when it is asked to balance, and every image of a rare one', () => {
    const balance = Int32Array.from({ length: 50 }, (_, i) => (i < 4 ? 1 : i < 20 ? 2 : 0))
    const taken = epochBatches({ ...plan, balance }).flatMap(batch => [...batch.indexes])
    const counts = [0, 1, 2].map(label => taken.filter(i => balance[i] === label).length)
    expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1)
    expect(new Set(taken.filter(i => balance[i] === 1)).size).to.equal(4)
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
