import { expect } from 'chai'
import fc from 'fast-check'
import { formatDuration, parseDuration } from './duration.ts'

describe('durations', () => {
  for (const { text, want } of [
    { text: '200s', want: 200 },
    { text: '3m20s', want: 200 },
    { text: '1h', want: 3600 },
    { text: '1.5h', want: 5400 },
    { text: '500ms', want: 0.5 },
    { text: '1h1m1s1ms', want: 3661.001 },
  ]) {
    it(`reads ${text}`, () => expect(parseDuration(text)).to.be.closeTo(want, 1e-9))
  }

  for (const text of ['', '200', 's', '-5s', '5 s', '5d', '1e3s', '5s!']) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      expect(() => parseDuration(text)).to.throw(RangeError, /3m20s/))
  }

  for (const { seconds, want } of [
    { seconds: 0, want: '0s' },
    { seconds: 200, want: '3m20s' },
    { seconds: 86_400, want: '24h' },
    { seconds: 0.25, want: '250ms' },
  ]) {
    it(`writes ${want}`, () => expect(formatDuration(seconds)).to.equal(want))
  }

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), milliseconds => {
        expect(parseDuration(formatDuration(milliseconds / 1000)) * 1000).to.be.closeTo(milliseconds, 1e-6)
      }),
    )
  })

  it('refuses to write what is no duration', () => {
    for (const seconds of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => formatDuration(seconds)).to.throw(RangeError)
    }
  })
})
