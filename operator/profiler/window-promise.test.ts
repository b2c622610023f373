import { expect } from 'chai'
import { type PastPromise, windowPromise } from './window-promise.ts'

const past = (error: number, count: number): PastPromise[] =>
  Array.from({ length: count }, () => ({ predicted: 0.7, realised: 0.7 + error }))

describe('windowPromise', () => {
  for (const { name, seen, want } of [
    { name: 'promises what is planned while nothing is over', seen: [], want: 0.6 },
    { name: 'makes good half of what eight windows were off by', seen: past(-0.08, 8), want: 0.56 },
    { name: 'makes good nearly all of what many were off by', seen: past(-0.08, 72), want: 0.528 },
    { name: 'goes by the mean', seen: [...past(-0.08, 6), ...past(0.08, 2)], want: 0.58 },
    { name: 'never corrects by more than ten points', seen: past(-0.6, 100), want: 0.5 },
  ])
    it(name, () => expect(windowPromise(0.6, seen)).to.be.closeTo(want, 1e-9))

  it('stays an accuracy', () => {
    expect(windowPromise(0.02, past(-0.5, 50))).to.equal(0)
    expect(windowPromise(0.98, past(0.3, 50))).to.equal(1)
  })
})
