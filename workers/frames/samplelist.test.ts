import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { readSampleList, writeSampleList } from './samplelist.ts'

const header = 'idx,class,x0,y0,x1,y1,imgpath'

describe('sample lists', () => {
  let folder: string
  const put = async (path: string, text = ''): Promise<string> => {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    return file
  }
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekya-lists-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  for (const { name, image, imgpath } of [
    { name: "the list's folder", image: 'cam/a.jpg', imgpath: 'a.jpg' },
    { name: 'a folder below it', image: 'cam/0/a.jpg', imgpath: '0/a.jpg' },
    { name: "the parent of the samples' root", image: 'cam/0/a.jpg', imgpath: 'cam/0/a.jpg' },
  ]) {
    it(`finds images relative to ${name}`, async () => {
      await put(image)
      const file = await put('cam/0.csv', `${header}\n5,1,0,0,8,8,${imgpath}\n`)
      const { samples, refused } = await readSampleList(file, { classes: 2 })
      expect(refused).to.deep.equal([])
      expect(samples).to.deep.equal([
        {
          line: 2,
          index: 5,
          label: 1,
          box: { x0: 0, y0: 0, x1: 8, y1: 8 },
          image: join(folder, image),
          extra: {},
        },
      ])
    })
  }

  it('reads a list of the folder that it is called in', async () => {
    await put('a.jpg')
    await put('0.csv', `${header}\n0,0,,,,,a.jpg\n`)
    const before = process.cwd()
    process.chdir(folder)
    try {
      const { samples } = await readSampleList('0.csv', { classes: 2, images: '.' })
      expect(samples.map(({ image }) => image)).to.deep.equal(['a.jpg'])
    } finally {
      process.chdir(before)
    }
  })

  it("does not look above the parent of the samples' root", async () => {
    await put('outside.jpg')
    const file = await put('a/b/0.csv', `${header}\n0,0,,,,,outside.jpg\n`)
    const error = await failure(readSampleList(file, { classes: 2 }))
    expect(error.message).to.include('line 2: image outside.jpg is missing')
  })

  it('keeps further columns, empty boxes and quoted paths', async () => {
    await put('a, b.jpg')
    const file = await put('0.csv', `class,idx,x0,y0,x1,y1,imgpath,weather\n1,0,,,,,"a, b.jpg",rain\n`)
    const { samples } = await readSampleList(file, { classes: 2 })
    expect(samples[0]).to.deep.include({ box: null, extra: { weather: 'rain' }, label: 1 })
  })

  for (const { name, row, want } of [
    {
      name: 'a class out of range',
      row: '0,6,0,0,8,8,a.jpg',
      want: 'class "6" is not an integer from 0 to 5',
    },
    { name: 'a class that is no integer', row: '0,1.5,0,0,8,8,a.jpg', want: 'class "1.5"' },
    { name: 'an empty class', row: '0,,0,0,8,8,a.jpg', want: 'class ""' },
    { name: 'a negative index', row: '-1,0,0,0,8,8,a.jpg', want: 'idx "-1" is not an integer from 0' },
    { name: 'a missing image', row: '0,0,0,0,8,8,b.jpg', want: 'image b.jpg is missing' },
    { name: 'an empty box', row: '0,0,8,0,8,8,a.jpg', want: 'box 8,0,8,8' },
    { name: 'half a box', row: '0,0,8,0,,,a.jpg', want: 'box 8,0,,' },
    { name: 'an absolute path', row: '0,0,,,,,/etc/hostname', want: 'must be relative' },
    { name: 'a path that leaves', row: '0,0,,,,,../a.jpg', want: 'without ..' },
    { name: 'too few cells', row: '0,0', want: 'imgpath is empty' },
  ]) {
    it(`reports ${name} with its line and leaves it out`, async () => {
      await put('a.jpg')
      const good = Array.from({ length: 9 }, (_, i) => `${i},0,,,,,a.jpg`)
      const file = await put('0.csv', [header, ...good.slice(0, 4), row, ...good.slice(4)].join('\n'))
      const { samples, refused } = await readSampleList(file, { classes: 6 })
      expect(samples).to.have.length(9)
      expect(refused).to.have.length(1)
      expect(refused[0]!.line).to.equal(6)
      expect(refused[0]!.reason).to.include(want)
      const strict = await failure(readSampleList(file, { classes: 6, tolerance: 0 }))
      expect(strict).to.include({ code: 'LabelsInvalid' })
      expect(strict.message).to.include(`${file}: 1 of 10 rows are bad: line 6: ${refused[0]!.reason}`)
    })
  }

  for (const { name, text, code, want } of [
    {
      name: 'a wrong header',
      text: 'id,label\n1,2',
      code: 'LabelsInvalid',
      want: 'line 1: columns idx, class',
    },
    { name: 'an empty file', text: '', code: 'LabelsInvalid', want: 'begins with idx,class' },
    { name: 'noise', text: '\0\u0001\n"""\u0002', code: 'LabelsInvalid', want: 'line 1' },
    {
      name: 'only bad rows',
      text: `${header}\n0,9,,,,,a\n`,
      code: 'LabelsInvalid',
      want: '1 of 1 rows are bad',
    },
  ]) {
    it(`refuses ${name}`, async () => {
      const error = await failure(readSampleList(await put('0.csv', text), { classes: 6, tolerance: 1 }))
      expect(error).to.include({ code })
      expect(error.message).to.include('0.csv').and.include(want)
    })
  }

  it('names a list that is not there', async () => {
    const error = await failure(readSampleList(join(folder, '7.csv'), { classes: 6 }))
    expect(error).to.include({ code: 'SourceNotFound', retryable: true })
    expect(error.message).to.include('7.csv')
  })

  it('reads back what it wrote, with paths relative to the list', async () => {
    const image = await put('x/0/a, b.jpg')
    const file = join(folder, 'x/labels.csv')
    const box = { x0: 1, y0: 2, x1: 3, y1: 4 }
    const rows = [
      { index: 0, label: 1, box, image, extra: { time: 'dusk' } },
      { index: 1, label: 0, box: null, image },
    ]
    await writeSampleList(file, rows)
    expect(await readFile(file, 'utf8')).to.equal(
      `${header},time\n0,1,1,2,3,4,"0/a, b.jpg",dusk\n1,0,,,,,"0/a, b.jpg",\n`,
    )
    const { samples } = await readSampleList(file, { classes: 2 })
    expect(samples.map(({ line: _, extra: __, ...rest }) => rest)).to.deep.equal(
      rows.map(({ extra: _, ...rest }) => rest),
    )
  })

  it('leaves nothing behind where it cannot write', async () => {
    const error = await failure(writeSampleList(join(folder, 'none/labels.csv'), []))
    expect(error).to.include({ code: 'StorageFailed', retryable: true })
  })
})

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('must fail'),
    (error: Error) => error,
  )
}
