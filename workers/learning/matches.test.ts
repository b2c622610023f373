import { expect } from 'chai'
import { accuracyOf } from './matches.ts'

describe('the accuracy of a classifier', () => {
  const count = 150
  const images = {
    count,
    shape: { channels: 3, height: 1, width: 1 },
    pixels: Uint8Array.from({ length: 3 * count }, (_, i) => 1 + (Math.floor(i / 3) % 5)),
    labels: Int32Array.from({ length: count }, (_, i) => 1 + (i % 3)),
  }
  const right = images.labels.filter((label, i) => label === images.pixels[3 * i]).length

  for (const { name, anySize, want } of [
    { name: 'batches of any size', anySize: true, want: [64, 64, 22] },
    { name: 'whole batches, of which what fills them does not count', anySize: false, want: [64, 64, 64] },
  ])
    it(`is measured in ${name}`, async () => {
      const asked: number[] = []
      const classify = async (pixels: Uint8Array, of: number) => {
        expect(pixels).to.have.length(3 * of)
        asked.push(of)
        return Int32Array.from({ length: of }, (_, i) => pixels[3 * i]!)
      }
      expect(await accuracyOf({ classify }, images, anySize)).to.equal(right / count)
      expect(asked).to.deep.equal(want)
    })
})
