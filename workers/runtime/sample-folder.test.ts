import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { samplesFolder } from '../../operator/api/storage.ts'
import { formatKeptFrame, framesHeader, type KeptFrame, pruneSamples, readFrames } from './sample-folder.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const rows: KeptFrame[] = [
  { frame: 4, image: '000004.jpg', served: null, fresh: false, label: 'bus' },
  { frame: 9, image: '000009.jpg', served: 'traffic light, "100 %"', fresh: true, label: null },
]
const text = framesHeader + rows.map((row, i) => formatKeptFrame(i, row)).join('')

describe('frames.csv', () => {
  const folder = temporaryFolder()
  const read = async (content: string) => {
    await writeFile(join(folder.path, 'frames.csv'), content)
    return readFrames(folder.path)
  }

  it('is read as it was written', async () => expect(await read(text)).to.deep.equal(rows))

  it('is read up to a row that a crash tore', async () =>
    expect(await read(`${text}2,12,0000`)).to.deep.equal(rows))

  for (const { name, content, want } of [
    {
      name: 'another header',
      content: 'a,b\n1,2\n',
      want: 'line 1 must be idx,frame,imgpath,fresh,served,class',
    },
    { name: 'a word for a number', content: `${text}2,x,a.jpg,1,car,car\n`, want: 'line 4: frame "x"' },
    { name: 'a name that is torn', content: `${text}2,3,a.jpg,1,%e,car\n`, want: 'line 4: served "%e"' },
    {
      name: 'a path that leads out',
      content: `${framesHeader}0,1,../a.jpg,1,car,car\n`,
      want: 'line 2: imgpath "../a.jpg"',
    },
  ]) {
    it(`is refused with ${name}`, async () => {
      const error = await read(content).then(
        () => null,
        (e: unknown) => e,
      )
      expect(error).to.be.an('error').with.property('code', 'LabelsInvalid')
      expect(error).to.have.property('message').that.contains(want)
    })
  }

  it('that is not there is named', async () => {
    const error = await readFrames(join(folder.path, 'none')).then(
      () => null,
      (e: unknown) => e,
    )
    expect(error).to.be.an('error').with.property('code', 'SourceNotFound')
  })
})

describe('pruneSamples', () => {
  const folder = temporaryFolder()

  it('deletes the windows before the oldest that is kept, and nothing else', async () => {
    const owner = { namespace: 'default', stream: 'cam-0' }
    const parent = join(folder.path, samplesFolder('default', 'cam-0', 0), '..')
    for (const name of ['0', '1', '2', '10', 'notes']) await mkdir(join(parent, name), { recursive: true })
    expect(await pruneSamples(folder.path, owner, 2)).to.equal(2)
    expect((await readdir(parent)).sort()).to.deep.equal(['10', '2', 'notes'])
  })
})
