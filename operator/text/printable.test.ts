import { expect } from 'chai'
import { printable, printableLines } from './printable.ts'

describe('printable', () => {
  for (const { name, text, want } of [
    {
      name: 'leaves letters of any language and symbols alone',
      text: 'Café 東京 → 61 %',
      want: 'Café 東京 → 61 %',
    },
    { name: 'spells out what would colour a terminal', text: '\x1b[31mred', want: '\\u001b[31mred' },
    { name: 'keeps a text on its line', text: 'a\r\nb\tc\u2028d', want: 'a\\r\\nb\\tc\\u2028d' },
    { name: 'knows the control characters beyond ASCII', text: '\x9b2J\x7f', want: '\\u009b2J\\u007f' },
    { name: 'does not let text run backwards', text: 'cam\u202egnp', want: 'cam\\u202egnp' },
  ])
    it(name, () => expect(printable(text)).to.equal(want))

  it('keeps the lines of a text that has some', () =>
    expect(printableLines('one\n\x1btwo')).to.equal('one\n\\u001btwo'))
})
