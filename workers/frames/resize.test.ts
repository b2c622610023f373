import { expect } from 'chai'
import fc from 'fast-check'
import type { Image } from './resize.ts'
import { resizeToPlanes } from './resize.ts'

const image = (height: number, width: number, pixel: (x: number, y: number) => number[]): Image => ({
  height,
  width,
  data: Uint8Array.from(
    { length: height * width * 3 },
    (_, i) => pixel(Math.floor(i / 3) % width, Math.floor(i / 3 / width))[i % 3]!,
  ),
})

describe('resizeToPlanes', () => {
  it('only reorders at the same size', () => {
    const planes = resizeToPlanes(
      image(2, 2, (x, y) => [x, 10 + y, 20 + x + 2 * y]),
      { height: 2, width: 2 },
    )
    expect([...planes]).to.deep.equal([0, 1, 0, 1, 10, 10, 11, 11, 20, 21, 22, 23])
  })

  it('keeps a flat colour at any size', () => {
    const side = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(side, side, side, side, (height, width, toHeight, toWidth) => {
        const planes = resizeToPlanes(
          image(height, width, () => [7, 130, 255]),
          { height: toHeight, width: toWidth },
        )
        const size = toHeight * toWidth
        for (const [channel, want] of [7, 130, 255].entries()) {
          expect(new Set(planes.subarray(channel * size, (channel + 1) * size))).to.deep.equal(
            new Set([want]),
          )
        }
      }),
      { numRuns: 50 },
    )
  })

  it('keeps the mean brightness when shrinking', () => {
    const checks = image(64, 64, (x, y) => ((x + y) % 2 ? [200, 200, 200] : [100, 100, 100]))
    for (const value of resizeToPlanes(checks, { height: 16, width: 16 })) expect(value).to.be.closeTo(150, 1)
  })

  it('takes only what is in the box', () => {
    const half = image(4, 8, x => (x < 4 ? [0, 0, 0] : [90, 91, 92]))
    const planes = resizeToPlanes(half, { height: 2, width: 2 }, { x0: 4, y0: 0, x1: 8, y1: 4 })
    expect([...planes]).to.deep.equal([90, 90, 90, 90, 91, 91, 91, 91, 92, 92, 92, 92])
  })
})
