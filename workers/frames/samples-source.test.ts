import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { encodeJpeg } from './images.ts'
import { openSamples } from './samples-source.ts'

const header = 'idx,class,x0,y0,x1,y1,imgpath'
const classes = ['a', 'b', 'c']
const at = (index: number) => ({ index, startsAt: '', durationSeconds: 10, maxSamples: 0 })

describe('samples source', () => {
  let storage: string
  beforeEach(async () => {
    storage = await mkdtemp(join(tmpdir(), 'ekya-samples-'))
    await mkdir(join(storage, 'cam'))
    for (let grey = 0; grey < 3; grey++) {
      const data = new Uint8Array(8 * 8 * 3).fill(50 * grey)
      await writeFile(join(storage, `cam/${grey}.jpg`), await encodeJpeg({ data, width: 8, height: 8 }))
    }
  })
  afterEach(() => rm(storage, { recursive: true }))
  const list = (number: number, labels: readonly (number | string)[]): Promise<void> =>
    writeFile(
      join(storage, `cam/${number}.csv`),
      [header, ...labels.map((label, i) => `${i},${label},0,0,8,8,${label}.jpg`)].join('\n'),
    )

  it('plays list k in window k, repeats it, and wraps after the last', async () => {
    await list(0, [0, 1])
    await list(2, [1])
    await list(10, [2, 0, 1])
    const footage = await openSamples({ uri: 'cam' }, { classes, storage })
    const labels = (window: number): (number | null)[] =>
      [0, 1, 2, 3].map(index => footage.frame(at(window), index).label)
    expect(labels(0)).to.deep.equal([0, 1, 0, 1])
    expect(labels(1)).to.deep.equal([1, 1, 1, 1])
    expect(labels(2)).to.deep.equal([2, 0, 1, 2])
    expect(labels(3)).to.deep.equal(labels(0))
    const { pixels, jpeg } = footage.frame(at(2), 0)
    expect((await pixels({ height: 2, width: 2 }))[0]).to.be.closeTo(100, 2)
    expect((await jpeg()).subarray(0, 2)).to.deep.equal(Buffer.from([0xff, 0xd8]))
  })

  it('takes an absolute file URI', async () => {
    await list(0, [0])
    const footage = await openSamples({ uri: `file://${storage}/cam` }, { classes, storage: '/nowhere' })
    expect(footage.frame(at(0), 0).label).to.equal(0)
  })

  it('leaves a few bad rows out and counts them', async () => {
    await list(0, [0, 1, 2, 0, 'x', 1])
    expect(await openSamples({ uri: 'cam' }, { classes, storage })).to.include({ refused: 1, labelled: true })
  })

  for (const { name, labels, code, want } of [
    {
      name: 'corrupt labels',
      labels: [9, 9],
      code: 'LabelsInvalid',
      want: '0.csv: 2 of 2 rows are bad: line 2',
    },
    { name: 'an empty list', labels: [], code: 'LabelsInvalid', want: '0.csv: the list has no rows' },
    { name: 'a folder without lists', labels: null, code: 'SourceNotFound', want: 'cam: no sample list' },
  ]) {
    it(`refuses ${name}`, async () => {
      if (labels) await list(0, labels)
      const error = await openSamples({ uri: 'cam' }, { classes, storage }).then(
        () => expect.fail('must fail'),
        (reason: Error) => reason,
      )
      expect(error).to.include({ code })
      expect(error.message).to.include(want)
    })
  }
})
