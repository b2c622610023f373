import { expect } from 'chai'
import fc from 'fast-check'
import { presentAccuracy } from './present-accuracy.ts'

const last = { accuracy: 0.9, labelled: 200 }

describe('presentAccuracy', () => {
  for (const { name, soFar, low, high } of [
    { name: 'stays where nothing is known of the running window', soFar: undefined, low: 0.9, high: 0.9 },
    { name: 'stays without labels', soFar: { accuracy: 0, labelled: 0 }, low: 0.9, high: 0.9 },
    { name: 'moves little by few labels', soFar: { accuracy: 0.5, labelled: 4 }, low: 0.75, high: 0.88 },
    { name: 'hardly moves by chance', soFar: { accuracy: 0.85, labelled: 30 }, low: 0.88, high: 0.9 },
    { name: 'follows a fall', soFar: { accuracy: 0.5, labelled: 30 }, low: 0.5, high: 0.6 },
    { name: 'follows many', soFar: { accuracy: 0.5, labelled: 400 }, low: 0.5, high: 0.51 },
  ])
    it(name, () => expect(presentAccuracy(last, soFar)).to.be.within(low, high))

  it('lies between the two measurements', () => {
    const measured = fc.record({
      accuracy: fc.double({ min: 0, max: 1, noNaN: true }),
      labelled: fc.integer({ min: 0, max: 500 }),
    })
    fc.assert(
      fc.property(measured, measured, (before, soFar) => {
        const [low, high] = [before.accuracy, soFar.accuracy].sort((a, b) => a - b)
        expect(presentAccuracy(before, soFar)).to.be.within(low! - 1e-12, high! + 1e-12)
      }),
      { seed: 1, numRuns: 100 },
    )
  })
})
