import { expect } from 'chai'
import fc from 'fast-check'
import { readJsonLines } from './json-lines.ts'

async function collect(chunks: readonly Uint8Array[]): Promise<unknown[]> {
  const stream = (async function* () {
    yield* chunks
  })()
  const lines: unknown[] = []
  for await (const line of readJsonLines(stream)) lines.push(line)
  return lines
}

const failure = (text: string) =>
  collect([Buffer.from(text)]).then(
    () => undefined,
    error => error,
  )

describe('readJsonLines', () => {
  it('reads the same lines however the bytes are cut', async () => {
    const values = fc.array(fc.record({ text: fc.string({ unit: 'grapheme' }), number: fc.integer() }), {
      maxLength: 5,
    })
    const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(values, cuts, async (values, cuts) => {
        const bytes = Buffer.from(values.map(value => `${JSON.stringify(value)}\n`).join(''))
        const at = [0, ...cuts.map(cut => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        expect(await collect(chunks)).to.deep.equal(values)
      }),
    )
  })

  it('skips blank lines', async () => {
    expect(await collect([Buffer.from('{}\n\n \n[1]\n')])).to.deep.equal([{}, [1]])
  })

  it('does not take half a line for the end', async () => {
    expect(await failure('{}\n{"type":"ADD')).to.include({ code: 'bad-response', retryable: true })
  })

  it('refuses what is not JSON', async () => {
    expect(await failure('<html>\n')).to.include({ code: 'bad-response' })
  })
})
