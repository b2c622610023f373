import { expect } from 'chai'
import { type Candidate, expectedGain, offersByWorth, profilesWorthwhile } from './value-of-information.ts'

const candidate = (configuration: string, change: Partial<Candidate> = {}): Candidate => ({
  configuration,
  mean: 0.7,
  told: 0.05,
  gpuSeconds: 1,
  ...change,
})
const names = (candidates: readonly Candidate[], budget = 100, otherwise = 0.5): string[] =>
  profilesWorthwhile(candidates, { budget, otherwise }).flatMap(({ configurations }) => configurations)

describe('profilesWorthwhile', () => {
  for (const { name, candidates, budget, want } of [
    {
      name: 'passes over what is far behind',
      candidates: [candidate('a'), candidate('b'), candidate('behind', { mean: 0.4 })],
      want: ['a', 'b'],
    },
    {
      name: 'passes over what a micro-profile tells nothing of',
      candidates: [candidate('a'), candidate('known', { told: 0 })],
      want: ['a'],
    },
    {
      name: 'begins with what is told the most of',
      candidates: [candidate('a', { told: 0.02 }), candidate('b', { told: 0.08 })],
      want: ['b', 'a'],
    },
    {
      name: 'begins with the cheaper of two that tell alike',
      candidates: [candidate('dear', { gpuSeconds: 3 }), candidate('cheap')],
      want: ['cheap', 'dear'],
    },
    {
      name: 'keeps to the budget, and takes what still fits',
      candidates: [
        candidate('a'),
        candidate('large', { gpuSeconds: 5, told: 0.2 }),
        candidate('b', { mean: 0.69 }),
      ],
      budget: 3,
      want: ['a', 'b'],
    },
    {
      name: 'profiles nothing where not retraining is better beyond doubt',
      candidates: [candidate('a', { mean: 0.2 }), candidate('b', { mean: 0.1 })],
      want: [],
    },
    { name: 'profiles nothing where there is nothing', candidates: [], want: [] },
  ])
    it(name, () => expect(names(candidates, budget)).to.deep.equal(want))

  it('pays once for those that one micro-profile tells of', () => {
    const candidates = ['a', 'b', 'c'].map(name => candidate(name, { group: 'all', gpuSeconds: 2 }))
    const [choice, ...others] = profilesWorthwhile(candidates, { budget: 2, otherwise: 0 })
    expect(choice).to.include({ gpuSeconds: 2 })
    expect(choice!.configurations).to.deep.equal(['a', 'b', 'c'])
    expect(others).to.deep.equal([])
  })

  it('gains what a numerical integral over the new mean says', () => {
    for (const [mean, told, other] of [
      [0.7, 0.05, 0.7],
      [0.7, 0.05, 0.62],
      [0.6, 0.1, 0.75],
    ] as const) {
      let gained = 0
      for (let z = -8; z < 8; z += 1e-3) {
        const weight = (Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)) * 1e-3
        gained += weight * (Math.max(other, mean + told * z) - Math.max(other, mean))
      }
      expect(expectedGain({ mean, told }, other)).to.be.closeTo(gained, 1e-6)
    }
  })
})

describe('offersByWorth', () => {
  const order = (candidates: readonly Candidate[], budget = 100): string[] =>
    offersByWorth(candidates, { budget, otherwise: 0.5 }).flatMap(({ configurations }) => configurations)

  for (const { name, candidates, budget, want } of [
    {
      name: 'begins with the best, though all is known of it, and leaves out none',
      candidates: [candidate('behind', { mean: 0.4 }), candidate('best', { told: 0 })],
      want: ['best', 'behind'],
    },
    {
      name: 'goes on with what may be better than the best, and not with what is good for certain',
      candidates: [
        candidate('best', { mean: 0.71, told: 0 }),
        candidate('sure', { mean: 0.69, told: 0.001 }),
        candidate('open', { mean: 0.65, told: 0.1 }),
      ],
      want: ['best', 'open', 'sure'],
    },
    {
      name: 'keeps to the budget',
      candidates: [candidate('large', { gpuSeconds: 5 }), candidate('a'), candidate('b')],
      budget: 2,
      want: ['a', 'b'],
    },
    {
      name: 'takes a group at once',
      candidates: [
        candidate('a', { group: 'g', mean: 0.1 }),
        candidate('b', { mean: 0.6 }),
        candidate('c', { group: 'g', mean: 0.8 }),
      ],
      want: ['a', 'c', 'b'],
    },
    { name: 'has no answer where there is nothing', candidates: [], want: [] },
  ])
    it(name, () => expect(order(candidates, budget)).to.deep.equal(want))
})
