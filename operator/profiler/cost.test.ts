import { expect } from 'chai'
import { costDistribution, type KnownCost } from './cost.ts'

const known = (count: number, ratio: (i: number) => number, own = false): KnownCost[] =>
  Array.from({ length: count }, (_, i) => ({ own, predicted: 10, actual: 10 * ratio(i) }))
const alternating = (by: number) => (i: number) => (i % 2 === 0 ? by : 1 / by)

describe('costDistribution', () => {
  it('predicts as measured, within a half, where no training has run', () => {
    const { median, low, high } = costDistribution(40, [])
    expect(median).to.equal(40)
    expect(low).to.be.within(20, 32)
    expect(high).to.be.within(50, 80)
  })

  it('learns a constant bias, most from the configuration itself', () => {
    const others = costDistribution(
      10,
      known(20, () => 1.5),
    ).median
    const itself = costDistribution(
      10,
      known(20, () => 1.5, true),
    ).median
    expect(others).to.be.within(13, 15)
    expect(itself).to.be.within(others, 15)
    const mixed = [...known(20, () => 1), ...known(20, () => 1.5, true)]
    expect(costDistribution(10, mixed).median).to.be.within(13, 15)
  })

  it('is as certain as the trainings before were near', () => {
    const width = (by: number): number => {
      const { low, high } = costDistribution(10, known(40, alternating(by)))
      return high / low
    }
    expect(width(1.02)).to.be.below(1.4)
    expect(width(1.5)).to.be.above(2)
  })

  it('holds nine of ten costs of the kind that it has seen', () => {
    const ratios = Array.from({ length: 60 }, (_, i) =>
      Math.exp(0.3 * Math.sqrt(12) * (((i * 37) % 60) / 60 - 0.5)),
    )
    const { low, high } = costDistribution(
      10,
      known(60, i => ratios[i]!),
    )
    const inside = ratios.filter(ratio => 10 * ratio >= low && 10 * ratio <= high).length / 60
    expect(inside).to.be.within(0.85, 1)
  })

  it('does not follow wild ratios beyond twice or half', () => {
    expect(
      costDistribution(
        10,
        known(50, () => 100, true),
      ).median,
    ).to.be.closeTo(20, 1e-9)
    expect(
      costDistribution(
        10,
        known(50, () => 0.01, true),
      ).median,
    ).to.be.closeTo(5, 1e-9)
  })

  it('leaves out what cost nothing or was predicted to', () =>
    expect(costDistribution(10, [{ own: true, predicted: 0, actual: 5 }])).to.deep.equal(
      costDistribution(10, []),
    ))
})
