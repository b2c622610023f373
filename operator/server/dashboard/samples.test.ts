import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { framesListOf, samplesFolder } from '../../api/storage.ts'
import { createSampleReader } from './samples.ts'

describe('recent frames', () => {
  let storage: string
  const folderOf = (window: number): string => join(storage, samplesFolder('site', 'cam-0', window))
  beforeEach(async () => {
    storage = await mkdtemp(join(tmpdir(), 'ekya-frames-'))
  })
  afterEach(() => rm(storage, { recursive: true }))

  /** Frames that pods of some generations kept of a window, all served as a bus, and the golden labels of all: a traffic light. */
  async function keep(window: number, generations: Readonly<Record<number, readonly number[]>>) {
    await mkdir(folderOf(window), { recursive: true })
    for (const [generation, frames] of Object.entries(generations)) {
      const rows = frames.map((frame, i) => `${i},${frame},${frame}.jpg,1,bus,`)
      const text = ['idx,frame,imgpath,fresh,served,class', ...rows, ''].join('\n')
      await writeFile(join(folderOf(window), framesListOf(Number(generation))), text)
    }
    const labels = Object.values(generations).flatMap(frames =>
      frames.map(f => `0,2,,,,,${f}.jpg,traffic%20light`),
    )
    const text = ['idx,class,x0,y0,x1,y1,imgpath,name', ...labels, ''].join('\n')
    await writeFile(join(folderOf(window), 'labels.csv'), text)
  }
  const recent = async (count = 12) => {
    const sampled = await createSampleReader(storage).recent('site', 'cam-0', count)
    return 'why' in sampled
      ? sampled.why
      : { window: sampled.window, frames: sampled.frames.map(({ frame }) => frame) }
  }

  it('are those of the newest window that is labelled', async () => {
    await keep(3, { 1: [5, 6] })
    await keep(4, { 1: [7, 8] })
    await mkdir(folderOf(5))
    await writeFile(
      join(folderOf(5), 'frames.csv'),
      'idx,frame,imgpath,fresh,served,class\n0,1,1.jpg,1,bus,\n',
    )
    expect(await recent()).to.deep.equal({ window: 4, frames: [7, 8] })
  })

  it('come with their classes by name', async () => {
    await keep(3, { 1: [5] })
    const sampled = await createSampleReader(storage).recent('site', 'cam-0', 1)
    expect(sampled).to.deep.equal({
      window: 3,
      frames: [{ file: '5.jpg', frame: 5, served: 'bus', golden: 'traffic light' }],
    })
  })

  it('are those of all pods that took over from each other, in order', async () => {
    await keep(4, { 1: [10, 20], 2: [30], 10: [40, 50] })
    expect(await recent()).to.deep.equal({ window: 4, frames: [10, 20, 30, 40, 50] })
  })

  it('are there where the first pod of the stream has long gone', async () => {
    await keep(4, { 7: [10, 20] })
    expect(await recent()).to.deep.equal({ window: 4, frames: [10, 20] })
  })

  it('are spread over the window where there are many', async () => {
    await keep(0, { 1: Array.from({ length: 40 }, (_, i) => i) })
    expect(await recent(4)).to.deep.equal({ window: 0, frames: [0, 10, 20, 30] })
  })

  it('are told to be missing where nothing can be read', async () => {
    expect(await recent()).to.match(/^The operator cannot read .*ENOENT/)
    await mkdir(folderOf(0), { recursive: true })
    expect(await recent()).to.match(/^No window has golden labels yet/)
  })
})
