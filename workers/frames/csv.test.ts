import { expect } from 'chai'
import fc from 'fast-check'
import { formatCsvRow, parseCsv, parseCsvRow } from './csv.ts'

describe('csv', () => {
  it('reads back what it wrote', () => {
    const cell = fc.string({ unit: 'binary' }).filter(text => !/[\r\n]/.test(text))
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1 }), cells => {
        expect(parseCsvRow(formatCsvRow(cells))).to.deep.equal(cells)
      }),
    )
  })

  it('counts lines over blank ones, and takes CRLF and a byte order mark', () => {
    expect(parseCsv('\uFEFFa,b\r\n\r\n1,"x,""y"""\r\n')).to.deep.equal([
      { line: 1, cells: ['a', 'b'] },
      { line: 3, cells: ['1', 'x,"y"'] },
    ])
  })

  it('refuses to write a line break into a cell', () => {
    expect(() => formatCsvRow(['a\nb'])).to.throw(RangeError, 'line break')
  })
})
