import { expect } from 'chai'
import { enlargePlanes, scaledShape } from './rescale.ts'

const planes = (height: number, width: number, value: (channel: number, y: number, x: number) => number) =>
  Uint8Array.from({ length: 3 * height * width }, (_, i) =>
    value(Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width),
  )

describe('enlargePlanes', () => {
  it('keeps a flat image flat, channel by channel', () => {
    const small = planes(3, 5, channel => 50 + 70 * channel)
    const large = enlargePlanes(small, { height: 3, width: 5 }, { height: 16, width: 12 })
    expect(large).to.deep.equal(planes(16, 12, channel => 50 + 70 * channel))
  })

  it('keeps a slope a slope', () => {
    const large = enlargePlanes(
      planes(8, 8, (_, y, x) => 10 * y + 20 * x),
      { height: 8, width: 8 },
      { height: 16, width: 16 },
    )
    const at = (y: number, x: number) => large[y * 16 + x]!
    expect(at(8, 9) - at(8, 7)).to.be.closeTo(20, 1)
    expect(at(9, 8) - at(7, 8)).to.be.closeTo(10, 1)
  })
})

describe('scaledShape', () => {
  for (const [scale, want] of [
    [1, 32],
    [0.5, 16],
    [0.3, 10],
    [0.001, 1],
  ] as const)
    it(`of 32 by ${scale} is ${want}`, () =>
      expect(scaledShape({ height: 32, width: 32 }, scale)).to.deep.equal({ height: want, width: want }))
})
