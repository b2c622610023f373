import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import { FrameError } from './errors.ts'
import { decodeImage, encodeJpeg, loadImages } from './images.ts'
import type { Image } from './resize.ts'

const colour = (r: number, g: number, b: number, side = 16): Image => ({
  height: side,
  width: side,
  data: Uint8Array.from({ length: side * side * 3 }, (_, i) => [r, g, b][i % 3]!),
})

describe('images', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekya-images-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('gives the planes of a JPEG', async () => {
    const planes = await decodeImage(await encodeJpeg(colour(200, 100, 50)), { height: 8, width: 8 })
    expect(planes).to.have.length(3 * 64)
    expect(planes[0]).to.be.closeTo(200, 3)
    expect(planes[64]).to.be.closeTo(100, 3)
    expect(planes[128]).to.be.closeTo(50, 3)
  })

  it('takes grey and transparent images as RGB', async () => {
    const grey = await sharp({ create: { width: 4, height: 4, channels: 4, background: '#80808080' } })
      .grayscale()
      .png()
      .toBuffer()
    expect([...(await decodeImage(grey, { height: 1, width: 1 }))]).to.deep.equal([128, 128, 128])
  })

  it('cuts out the box, and refuses one outside the image', async () => {
    const file = join(folder, 'a.jpg')
    await writeFile(file, await encodeJpeg(colour(10, 20, 30)))
    const box = { x0: 0, y0: 0, x1: 16, y1: 8 }
    expect(await decodeImage(file, { height: 2, width: 2, box })).to.have.length(12)
    const outside = decodeImage(file, { height: 2, width: 2, box: { ...box, x1: 17 } })
    expect(await failure(outside)).to.include({ code: 'SourceInvalid' })
    expect((await failure(outside)).message).to.include('a.jpg: box 0,0,17,8 lies outside the image of 16×16')
  })

  it('leaves corrupt images out and names them', async () => {
    const good = await encodeJpeg(colour(10, 20, 30))
    const files = {
      'good.jpg': good,
      'cut.jpg': good.subarray(0, good.length - 12),
      'text.jpg': Buffer.from('no image'),
      // Of which the decoder complains in several lines.
      'half.jpg': good.subarray(0, good.length / 2),
    }
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
    const rows = ['cut.jpg', 'good.jpg', 'text.jpg', 'gone.jpg', 'half.jpg'].map((name, label) => ({
      image: join(folder, name),
      label,
    }))
    const { images, refused } = await loadImages(rows, { height: 4, width: 4 })
    expect(images.count).to.equal(1)
    expect([...images.labels]).to.deep.equal([1])
    expect(images.pixels).to.have.length(48)
    expect(refused.map(({ row }) => row.label)).to.deep.equal([0, 2, 3, 4])
    for (const { row, reason } of refused) expect(reason).to.include(row.image).and.not.include('\n')
  })

  it('fails when no image is left, and stops when aborted', async () => {
    const rows = [{ image: join(folder, 'gone.jpg'), label: 0 }]
    expect((await failure(loadImages(rows, { height: 4, width: 4 }))).message).to.match(
      /none of 1 images.*gone/,
    )
    const stopped = loadImages(rows, { height: 4, width: 4 }, AbortSignal.abort(new Error('stop')))
    expect((await failure(stopped)).message).to.equal('stop')
  })

  it('names the decoder’s complaint as SourceInvalid', async () => {
    const error = await failure(decodeImage(Buffer.from('x'), { height: 1, width: 1 }))
    expect(error).to.be.instanceOf(FrameError)
    expect(error).to.include({ code: 'SourceInvalid' })
  })
})

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('must fail'),
    (error: Error) => error,
  )
}
