import { expect } from 'chai'
import fc from 'fast-check'
import { scaleOf } from './scale.ts'

describe('the scale of accuracies', () => {
  for (const { values, want } of [
    { values: [0.82], want: [0.8, 0.9] },
    { values: [0.75], want: [0.7, 0.8] },
    { values: [0.62, 0.78], want: [0.6, 0.7, 0.8] },
    { values: [0.36, 0.87], want: [0.2, 0.4, 0.6, 0.8, 1] },
    { values: [0.31, 0.89], want: [0.2, 0.4, 0.6, 0.8, 1] },
    { values: [0, 1], want: [0, 0.2, 0.4, 0.6, 0.8, 1] },
    { values: [0], want: [0, 0.1, 0.2] },
    { values: [1], want: [0.8, 0.9, 1] },
  ])
    it(`of ${values.join(' to ')} has ${want.join(', ')}`, () => {
      const { ticks } = scaleOf(values)
      expect(want.filter(tick => !ticks.includes(tick))).to.deep.equal([])
    })

  it('holds all values, with at most six even, round ticks over at least twenty points', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), values => {
        const { low, high, ticks } = scaleOf(values)
        expect(Math.min(...values)).to.be.at.least(low)
        expect(Math.max(...values)).to.be.at.most(high)
        expect([ticks[0], ticks.at(-1)]).to.deep.equal([low, high])
        expect(high - low).to.be.at.least(0.2 - 1e-9)
        expect(ticks.length).to.be.within(3, 6)
        const step = Math.round(10 * (ticks[1]! - ticks[0]!))
        expect([1, 2]).to.include(step)
        for (const tick of ticks) expect(Math.round(10 * tick) % step, `${tick}`).to.equal(0)
      }),
    )
  })
})
