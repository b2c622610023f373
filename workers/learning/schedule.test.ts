import { expect } from 'chai'
import { defaultMomentum, rateFactor } from './schedule.ts'

describe('rateFactor', () => {
  for (const { schedule, at, total, want } of [
    { schedule: 'constant', at: 5, total: 10, want: 1 },
    { schedule: 'cosine', at: 0, total: 11, want: 1 },
    { schedule: 'cosine', at: 5, total: 11, want: 0.505 },
    { schedule: 'cosine', at: 10, total: 11, want: 0.01 },
    { schedule: 'one-cycle', at: 0, total: 11, want: 0.04 },
    { schedule: 'one-cycle', at: 3, total: 11, want: 1 },
    { schedule: 'one-cycle', at: 10, total: 11, want: 1e-4 },
    { schedule: 'one-cycle', at: 0, total: 1, want: 1 },
    { schedule: 'step', at: 4, total: 11, want: 1 },
    { schedule: 'step', at: 5, total: 11, want: 0.1 },
    { schedule: 'step', at: 8, total: 11, want: 0.01 },
  ] as const)
    it(`is ${want} at step ${at} of ${total} of ${schedule}`, () =>
      expect(rateFactor(schedule, at, total)).to.be.closeTo(want, 1e-9))
})

describe('the schedule plateau', () => {
  for (const { name, losses, want } of [
    { name: 'before the first epoch', losses: [], want: 1 },
    { name: 'while the loss falls', losses: [5, 4, 3, 2, 1, 0.5], want: 1 },
    { name: 'after three epochs without a gain', losses: [1, 1, 1, 1], want: 1 },
    { name: 'after four', losses: [1, 0.999, 1, 1, 1], want: 0.1 },
    { name: 'after twice four', losses: [1, 1, 1, 1, 1, 1, 1, 1, 1], want: 0.01 },
  ])
    it(`is ${want} ${name}`, () => expect(rateFactor('plateau', 0, 10, losses)).to.be.closeTo(want, 1e-9))
})

describe('defaultMomentum', () => {
  for (const { schedule, want } of [
    { schedule: 'one-cycle', want: 0.8 },
    { schedule: 'constant', want: 0.9 },
    { schedule: 'plateau', want: 0.9 },
  ] as const)
    it(`is ${want} with ${schedule}`, () => expect(defaultMomentum(schedule)).to.equal(want))
})
