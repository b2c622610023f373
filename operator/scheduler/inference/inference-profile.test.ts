import { expect } from 'chai'
import fc from 'fast-check'
import { cappedInference, headRoom, type InferenceCost, inferenceOption } from './inference-profile.ts'
import { demandShare, factorAt } from './inference-quality.ts'

const cost = (overrides: Partial<InferenceCost> = {}): InferenceCost => ({
  configuration: { name: 'every-frame', frameInterval: 1, resolutionScale: 1 },
  frameRate: 10,
  gpuSecondsPerFrame: 0.02,
  coherence: [1, 0.9, 0.8, 0.7, 0.6],
  accuracy: 1,
  classes: 6,
  ...overrides,
})
const every = (frameInterval: number, resolutionScale = 1) => ({
  configuration: { name: `every-${frameInterval}`, frameInterval, resolutionScale },
})
/** The demand of `cost()`. */
const full = 10 * 0.02 * headRoom

describe('inferenceOption', () => {
  for (const { name, given, share, want } of [
    { name: 'is 1 where every frame is analysed', given: cost(), share: full, want: 1 },
    {
      name: 'is the mean over the ages 0 and 1 at half the demand',
      given: cost(),
      share: full / 2,
      want: 0.95,
    },
    { name: 'is the mean over the ages 0 … 3 at a quarter', given: cost(), share: full / 4, want: 0.85 },
    {
      name: 'falls less where the model is often wrong anyway',
      given: cost({ accuracy: 0.5 }),
      share: full / 2,
      want: (1 + 0.9 + 0.1 / 5) / 2,
    },
    {
      name: 'counts the frames that the configuration leaves out',
      given: cost(every(2)),
      share: full,
      want: 0.95,
    },
    {
      name: 'needs half the share for every second frame',
      given: cost(every(2)),
      share: full / 2,
      want: 0.95,
    },
    { name: 'is lower for smaller images', given: cost(every(1, 0.5)), share: full, want: 0.9 },
    { name: 'is 0 without a share', given: cost(), share: 0, want: 0 },
  ])
    it(name, () => expect(factorAt(inferenceOption(given), share)).to.be.closeTo(want, 1e-3))

  it('asks for the share that analyses every frame, and some more', () =>
    expect(demandShare([inferenceOption(cost())])).to.be.closeTo(full, 0.02))

  it('ends at a whole GPU where that does not suffice', () => {
    const { profile } = inferenceOption(cost({ gpuSecondsPerFrame: 0.2 }))
    expect(profile.at(-1)![0]).to.equal(1)
    expect(profile.at(-1)![1]).to.be.within(0.9, 0.96)
  })

  it('reckons with a quarter of a GPU before a cost is measured', () =>
    expect(inferenceOption(cost({ gpuSecondsPerFrame: null })).profile.at(-1)).to.deep.equal([0.25, 1]))

  it('takes labels to last about a second before coherence is measured', () => {
    const at = (coherence?: readonly number[]) => factorAt(inferenceOption(cost({ coherence })), full / 4)
    expect(at(undefined)).to.be.closeTo((1 + Math.exp(-0.1) + Math.exp(-0.2) + Math.exp(-0.3)) / 4, 1e-3)
    expect(at([])).to.equal(at(undefined))
  })

  it('is a rising profile within [0, 1], whatever was measured', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(
        fc.record({
          frameInterval: fc.integer({ min: 1, max: 60 }),
          resolutionScale: fc.double({ min: 0.05, max: 1, noNaN: true }),
          frameRate: fc.double({ min: 0.1, max: 60, noNaN: true }),
          gpuSecondsPerFrame: fc.option(fc.double({ min: 0, max: 3, noNaN: true })),
          coherence: fc.array(unit, { maxLength: 17 }),
          accuracy: fc.option(unit),
          classes: fc.integer({ min: 2, max: 80 }),
        }),
        ({ frameInterval, resolutionScale, ...rest }) => {
          const { profile } = inferenceOption({ ...rest, ...every(frameInterval, resolutionScale) })
          let [x0, y0] = [0, 0]
          for (const [x, y] of profile) {
            expect(x).to.be.within(x0, 1)
            expect(x).to.be.above(x0)
            expect(y).to.be.within(y0, 1)
            ;[x0, y0] = [x, y]
          }
        },
      ),
    )
  })
})

describe('cappedInference', () => {
  const option = inferenceOption(cost())

  for (const { name, largest } of [
    { name: 'between two points', largest: full / 3 },
    { name: 'at a point', largest: full / 2 },
    { name: 'below all of them', largest: full / 100 },
  ])
    it(`is the same up to the largest share and not better beyond: ${name}`, () => {
      const capped = cappedInference(option, largest)
      for (const part of [0.1, 0.5, 1])
        expect(factorAt(capped, part * largest)).to.be.closeTo(factorAt(option, part * largest), 1e-12)
      expect(factorAt(capped, 1)).to.be.closeTo(factorAt(option, largest), 1e-12)
      expect(demandShare([capped])).to.be.at.most(largest)
    })

  it('leaves what needs less as it is', () => expect(cappedInference(option, full + 1e-9)).to.equal(option))
})
