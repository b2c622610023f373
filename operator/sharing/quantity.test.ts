import { expect } from 'chai'
import { formatMillicores, parseMillicores } from './quantity.ts'

describe('cpu quantities', () => {
  for (const [text, want] of [
    ['1', 1000],
    ['1.5', 1500],
    ['.5', 500],
    ['250m', 250],
    ['2k', 2_000_000],
    ['500000u', 500],
    ['1e1', 10_000],
    ['0', 0],
  ] as const)
    it(`${text} is ${want} millicores`, () => expect(parseMillicores(text)).to.be.closeTo(want, 1e-9))

  for (const text of ['', 'm', '1 core', '-1', '1Ki', '1.5.2'])
    it(`refuses "${text}"`, () => expect(() => parseMillicores(text)).to.throw(/no cpu quantity; accepted/))

  it('formats whole millicores', () => expect(formatMillicores(249.9)).to.equal('249m'))
})
