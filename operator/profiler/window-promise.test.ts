import { expect } from 'chai'
import { type PastPromise, windowPromise } from './window-promise.ts'

const past = (error: number, count: number, own = false): PastPromise[] =>
  Array.from({ length: count }, () => ({ own, predicted: 0.7, realised: 0.7 + error }))

describe('windowPromise', () => {
  for (const { name, seen, want } of [
    { name: 'promises what is planned while nothing is over', seen: [], want: 0.6 },
    { name: 'makes good half of what four windows were off by', seen: past(-0.08, 4), want: 0.56 },
    { name: 'makes good nearly all of what many were off by', seen: past(-0.08, 76), want: 0.524 },
    {
      name: 'goes by the own windows most',
      seen: [...past(-0.08, 4), ...past(0.08, 8, true)],
      want: 0.6 + (0.64 + 8 * (0.32 / 16)) / 16,
    },
    { name: 'never corrects by more than ten points', seen: past(-0.6, 100), want: 0.5 },
  ])
    it(name, () => expect(windowPromise(0.6, seen)).to.be.closeTo(want, 1e-9))

  it('stays an accuracy', () => {
    expect(windowPromise(0.02, past(-0.5, 50))).to.equal(0)
    expect(windowPromise(0.98, past(0.3, 50))).to.equal(1)
  })
})
