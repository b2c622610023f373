import { expect } from 'chai'
import { type RunningTraining, revisedAccuracy } from './revision.ts'

const curve = (x: number): number => 1 - (1 / (3 * x + 2) + 0.1)
const points = (upTo: number, of: (x: number) => number) =>
  Array.from({ length: upTo }, (_, i) => [i + 1, of(i + 1)] as const)
const running = (overrides: Partial<RunningTraining>): RunningTraining => ({
  estimated: 0.75,
  configuration: { epochs: 10, dataFraction: 1 },
  accuracy: { validation: curve(0), current: curve(0) },
  profile: { points: [0.1, 0.3, 0.5].map(x => [x, curve(x)] as const) },
  points: [],
  ...overrides,
})
const flat = () => curve(0)

describe('revisedAccuracy', () => {
  for (const { name, change, within } of [
    { name: 'is the estimate before the first epoch', change: {}, within: [0.75, 0.75] },
    { name: 'falls where epochs gain nothing', change: { points: points(3, flat) }, within: [0.6, 0.74] },
    { name: 'falls further the more of them do', change: { points: points(8, flat) }, within: [0.45, 0.62] },
    { name: 'rises where they gain more', change: { points: points(5, () => 0.88) }, within: [0.76, 0.9] },
    {
      name: 'hardly moves where they go as foretold',
      change: { points: points(2, curve) },
      within: [0.74, 0.78],
    },
    {
      name: 'takes the estimate for the end of the curve where there was no micro-profile',
      change: { profile: undefined, points: points(5, flat) },
      within: [0.55, 0.72],
    },
  ])
    it(name, () => expect(revisedAccuracy(running(change))).to.be.within(within[0]!, within[1]!))

  it('keeps what the estimate held beyond the curve', () => {
    const change = { points: points(4, flat) }
    const shift = (estimated: number) => revisedAccuracy(running({ ...change, estimated })) - estimated
    expect(shift(0.65)).to.be.closeTo(shift(0.75), 1e-12)
  })

  it('stays in [0, 1]', () => {
    expect(revisedAccuracy(running({ estimated: 0.05, points: points(10, () => 0) }))).to.be.at.least(0)
    expect(revisedAccuracy(running({ estimated: 1, points: points(10, () => 1) }))).to.be.at.most(1)
  })
})
