import { expect } from 'chai'
import { linear } from '../testing/problems.ts'
import { completionSeconds, trainingSpeed } from '../training-speed.ts'
import { bestInference, demandShare, factorAt } from './inference-quality.ts'

const bent = {
  configuration: 'bent',
  profile: [
    [0.1, 0.5],
    [0.3, 0.9],
    [0.6, 0.9],
  ],
} as const

describe('factorAt', () => {
  for (const { share, want } of [
    { share: -1, want: 0 },
    { share: 0, want: 0 },
    { share: 0.05, want: 0.25 },
    { share: 0.1, want: 0.5 },
    { share: 0.2, want: 0.7 },
    { share: 0.9, want: 0.9 },
  ])
    it(`is ${want} at share ${share}`, () => expect(factorAt(bent, share)).to.be.closeTo(want, 1e-12))
})

describe('demandShare', () => {
  for (const { name, options, want } of [
    { name: 'is where the factor stops rising', options: [bent], want: 0.3 },
    { name: 'looks at the best configuration only', options: [linear(0.5), bent], want: 0.5 },
    { name: 'is the least of equally good ones', options: [linear(0.5), linear(0.25)], want: 0.25 },
    { name: 'is 0 where nothing is known', options: [], want: 0 },
  ])
    it(name, () => expect(demandShare(options)).to.be.closeTo(want, 2e-3))
})

describe('bestInference', () => {
  it('prefers the first of equals', () =>
    expect(bestInference([linear(0.5, 'a'), linear(0.5, 'b')], 0.2).configuration).to.equal('a'))
})

describe('trainingSpeed', () => {
  const curve = [
    [0.1, 0.36],
    [0.5, 0.83],
    [1, 1],
  ] as const
  for (const { name, share, points, want } of [
    { name: 'is the share without a curve', share: 0.3, points: undefined, want: 0.3 },
    { name: 'is linear between the points', share: 0.3, points: curve, want: 0.595 },
    { name: 'is linear from 0 to the first point', share: 0.05, points: curve, want: 0.18 },
    { name: 'is the share above a whole GPU', share: 1.5, points: curve, want: 1.5 },
    { name: 'is 0 without a share', share: 0, points: curve, want: 0 },
  ])
    it(name, () => expect(trainingSpeed(share, points)).to.be.closeTo(want, 1e-12))

  it('never completes work at no speed', () =>
    expect(completionSeconds(1, 0)).to.equal(Number.POSITIVE_INFINITY))
})
