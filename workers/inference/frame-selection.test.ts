import { expect } from 'chai'
import fc from 'fast-check'
import { selectFrames } from './frame-selection.ts'

const request = { seed: 1, stream: 'cam-0', window: 3, frames: 1800, maxSamples: 200 }

describe('selectFrames', () => {
  it('selects exactly as many as asked, all of them in the window', () => {
    fc.assert(
      fc.property(fc.nat(3000), fc.nat(600), fc.nat(), (frames, maxSamples, seed) => {
        const selected = [...selectFrames({ ...request, seed, frames, maxSamples })]
        expect(selected).to.have.length(Math.min(frames, maxSamples))
        expect(selected.every(frame => frame >= 0 && frame < frames)).to.equal(true)
      }),
      { numRuns: 100 },
    )
  })

  it('follows from seed, stream and window', () => {
    const first = [...selectFrames(request)]
    expect([...selectFrames(request)]).to.deep.equal(first)
    for (const change of [{ seed: 2 }, { stream: 'cam-1' }, { window: 4 }])
      expect([...selectFrames({ ...request, ...change })]).not.to.deep.equal(first)
  })

  it('is spread evenly, and gives every frame the same chance', () => {
    const counts = new Array<number>(18).fill(0)
    for (let window = 0; window < 50; window++) {
      const tenths = new Array<number>(10).fill(0)
      for (const frame of selectFrames({ ...request, window })) {
        tenths[Math.floor(frame / 180)]!++
        counts[frame % 18]!++
      }
      expect(tenths).to.deep.equal(new Array(10).fill(20))
    }
    // 50 × 200 frames on 18 places: 556 each, standard deviation 23.
    for (const count of counts) expect(count).to.be.closeTo(556, 100)
  })

  it('has pairs of neighbours, which coherence is estimated from', () => {
    const selected = selectFrames(request)
    const pairs = [...selected].filter(frame => selected.has(frame + 1)).length
    expect(pairs).to.be.above(8)
  })
})
