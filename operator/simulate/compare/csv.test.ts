import { expect } from 'chai'
import { compare } from './compare.ts'
import { asCsv, csvHeader, field } from './csv.ts'
import { smallComparison, smallTrace } from './testing/small.ts'

describe('field', () => {
  for (const { value, want } of [
    { value: 'plain', want: 'plain' },
    { value: 0.5, want: '0.5' },
    { value: null, want: '' },
    { value: undefined, want: '' },
    { value: 'a,b', want: '"a,b"' },
    { value: 'he said "no"', want: '"he said ""no"""' },
    { value: 'two\nlines', want: '"two\nlines"' },
  ])
    it(`writes ${JSON.stringify(value)} as ${JSON.stringify(want)}`, () => {
      expect(field(value)).to.equal(want)
    })
})

describe('asCsv', () => {
  it('has a row for each mean, errors with it', async () => {
    const comparison = await compare(smallTrace, { ...smallComparison, sensitivity: true, gpus: [1] })
    const failing = { ...comparison.cells[0]!, meanAccuracy: null, windows: [], error: 'no, "never"' }
    const lines = asCsv({ ...comparison, cells: [failing, ...comparison.cells.slice(1)] }).split('\n')
    expect(lines[0]).to.equal(csvHeader)
    expect(lines[1]).to.equal('grid,thief,actual,1,1,100,0.25,,,,,"no, ""never"""')
    expect(lines.at(-1)).to.equal('')
    const count = (experiment: string) => lines.filter(line => line.startsWith(`${experiment},`)).length
    expect(['grid', 'step', 'window', 'noise'].map(count)).to.deep.equal([8, 10, 10, 10])
    expect(lines.find(line => line.startsWith('window,thief,actual,1,3,600,0.25,,0.'))).to.be.a('string')
    expect(lines.find(line => line.startsWith('step,none,actual,1,3,100,0.05,,0.'))).to.be.a('string')
    expect(lines.find(line => line.startsWith('noise,thief,estimate,1,3,100,0.25,0.5,0.'))).to.be.a('string')
  }).timeout(30_000)
})
