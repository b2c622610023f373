import { expect } from 'chai'
import { formatMillicores, parseMiB, parseMillicores } from './quantity.ts'

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

describe('memory quantities', () => {
  for (const [text, want] of [
    ['1Mi', 1],
    ['2Gi', 2048],
    ['512Ki', 0.5],
    ['1048576', 1],
    ['1048576e3', 1000],
    ['1048576k', 1000],
    ['1048.576M', 1000],
    ['1048576000m', 1],
    ['1Ti', 2 ** 20],
  ] as const)
    it(`${text} is ${want} MiB`, () => expect(parseMiB(text)).to.be.closeTo(want, 1e-9))

  for (const text of ['', 'Mi', '1 Gi', '-1', '1u', '1ki'])
    it(`refuses "${text}"`, () => expect(() => parseMiB(text)).to.throw(/no memory quantity; accepted/))
})
