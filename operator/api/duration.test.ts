import { expect } from 'chai'
import { parseDuration } from './duration.ts'

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
})
