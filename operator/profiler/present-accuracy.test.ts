import { expect } from 'chai'
import fc from 'fast-check'
import { freshWeight, presentAccuracy } from './present-accuracy.ts'

const last = { accuracy: 0.9, labelled: 200 }

describe('presentAccuracy', () => {
  const fresh = (accuracy: number, labelled: number, expected = 0.9) => ({ accuracy, labelled, expected })
  for (const { name, soFar, low, high } of [
    { name: 'stays where nothing is known of the running window', soFar: undefined, low: 0.9, high: 0.9 },
    { name: 'stays without labels', soFar: fresh(0, 0), low: 0.9, high: 0.9 },
    { name: 'moves little by few labels', soFar: fresh(0.5, 4), low: 0.75, high: 0.89 },
    { name: 'hardly moves by chance', soFar: fresh(0.85, 30), low: 0.86, high: 0.9 },
    { name: 'follows a fall', soFar: fresh(0.5, 30), low: 0.5, high: 0.6 },
    { name: 'follows many', soFar: fresh(0.5, 400), low: 0.5, high: 0.51 },
    {
      name: 'takes the hard mix of a few objects for no drift',
      soFar: fresh(0.5, 4, 0.52),
      low: 0.8,
      high: 0.9,
    },
    { name: 'follows a hard mix of many', soFar: fresh(0.5, 100, 0.52), low: 0.52, high: 0.65 },
  ])
    it(name, () => expect(presentAccuracy(last, soFar)).to.be.within(low, high))

  it('lets fresh labels count the more, the more there are and the further they lie apart', () => {
    const weight = (accuracy: number, labelled: number) => freshWeight(last, fresh(accuracy, labelled))
    expect(weight(0.5, 0)).to.equal(0)
    expect(weight(0.85, 10)).to.be.within(0.1, weight(0.85, 100))
    expect(weight(0.85, 100)).to.be.within(0.5, weight(0.5, 100))
    expect(weight(0.5, 100)).to.be.within(0.9, 1)
  })

  it('stays within [0, 1] whatever was measured', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true })
    const labelled = fc.integer({ min: 0, max: 500 })
    fc.assert(
      fc.property(
        fc.record({ accuracy: unit, labelled }),
        fc.record({ accuracy: unit, labelled, expected: unit }),
        (before, soFar) => {
          expect(presentAccuracy(before, soFar)).to.be.within(0, 1)
        },
      ),
      { seed: 1, numRuns: 100 },
    )
  })
})
