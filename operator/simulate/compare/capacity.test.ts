import { expect } from 'chai'
import { type CellResult, capacities } from './capacity.ts'

const cells = (...accuracies: (number | null)[]): CellResult[] =>
  accuracies.map((meanAccuracy, i) => ({
    ...{ gpus: 2, streams: 2 * (i + 1), sees: 'actual', policy: 'thief' },
    meanAccuracy,
  }))

describe('capacities', () => {
  for (const { name, given, want } of [
    {
      name: 'the most streams at the target',
      given: cells(0.9, 0.85, 0.7),
      want: { streams: 4, atLeast: false },
    },
    { name: 'the target itself', given: cells(0.9, 0.8, 0.7), want: { streams: 4, atLeast: false } },
    { name: 'none', given: cells(0.7, 0.6), want: { streams: 0, atLeast: false } },
    { name: 'all, and maybe more', given: cells(0.9, 0.85), want: { streams: 4, atLeast: true } },
    {
      name: 'more streams, where fewer are harder',
      given: cells(0.7, 0.85, 0.7),
      want: { streams: 4, atLeast: false },
    },
    {
      name: 'nothing, where more streams failed',
      given: cells(0.9, null),
      want: { streams: null, atLeast: false },
    },
    {
      name: 'what is known, where fewer streams failed',
      given: cells(null, 0.85, 0.7),
      want: { streams: 4, atLeast: false },
    },
  ])
    it(`tells ${name}`, () => {
      expect(capacities(given, [0.8])).to.deep.equal([
        { sees: 'actual', policy: 'thief', target: 0.8, gpus: 2, ...want },
      ])
    })

  it('keeps targets, GPUs and policies apart, in order', () => {
    const two = [...cells(0.9, 0.7), ...cells(0.8, 0.8).map(cell => ({ ...cell, policy: 'none', gpus: 4 }))]
    expect(capacities(two, [0.75, 0.85]).map(c => [c.target, c.policy, c.gpus, c.streams])).to.deep.equal([
      [0.75, 'thief', 2, 2],
      [0.75, 'none', 4, 4],
      [0.85, 'thief', 2, 2],
      [0.85, 'none', 4, 0],
    ])
  })
})
