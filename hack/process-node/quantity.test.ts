import { expect } from 'chai'
import { formatCores, parseQuantity } from './quantity.ts'

describe('parseQuantity', () => {
  for (const { text, want } of [
    { text: '250m', want: 0.25 },
    { text: '1.5', want: 1.5 },
    { text: '2k', want: 2000 },
    { text: '64Mi', want: 64 * 2 ** 20 },
    { text: '1e3', want: 1000 },
    { text: '12E', want: 12e18 },
    { text: '0', want: 0 },
  ]) {
    it(`reads ${text}`, () => expect(parseQuantity(text)).to.be.closeTo(want, want * 1e-12))
  }

  for (const text of ['', 'm', '1 m', '1mi', 'x']) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      expect(() => parseQuantity(text)).to.throw(RangeError, 'no quantity'))
  }

  it('leaves what is absent absent', () => expect(parseQuantity(undefined)).to.equal(undefined))
})

describe('formatCores', () => {
  it('writes whole millicores and never rounds up', () => {
    expect([1.5, 0.29, 0.1 + 0.2, 0.0009].map(formatCores)).to.deep.equal(['1500m', '290m', '300m', '0m'])
  })
})
