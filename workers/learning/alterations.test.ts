import { expect } from 'chai'
import { alterImage, unaltered } from './alterations.ts'

const scale = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1)
const shape = { channels: 1, height: 2, width: 3 }

describe('alterImage', () => {
  const image = Uint8Array.of(0, 51, 102, 153, 204, 255)
  const altered = (alteration: Parameters<typeof alterImage>[2]): number[] => {
    const into = new Float32Array(6)
    alterImage(image, shape, alteration, scale, into, 0)
    return [...into].map(value => Math.round((value + 1) * 127.5))
  }
  for (const { name, alteration, want } of [
    { name: 'nothing', alteration: unaltered, want: [0, 51, 102, 153, 204, 255] },
    { name: 'a flip', alteration: { ...unaltered, flip: true }, want: [102, 51, 0, 255, 204, 153] },
    { name: 'a shift to the right', alteration: { ...unaltered, right: 1 }, want: [0, 0, 51, 153, 153, 204] },
    {
      name: 'a flip with a shift to the left',
      alteration: { ...unaltered, flip: true, right: -1 },
      want: [51, 0, 0, 204, 153, 153],
    },
    {
      name: 'a shift beyond the image',
      alteration: { ...unaltered, right: -4 },
      want: [102, 102, 102, 255, 255, 255],
    },
    { name: 'a shift up', alteration: { ...unaltered, down: -1 }, want: [153, 204, 255, 153, 204, 255] },
    {
      name: 'less light',
      alteration: { ...unaltered, light: { gains: [0.5], contrast: 1 } },
      want: [0, 26, 51, 77, 102, 128],
    },
    {
      name: 'less contrast, around the mean',
      alteration: { ...unaltered, light: { gains: [1], contrast: 0 } },
      want: [128, 128, 128, 128, 128, 128],
    },
  ])
    it(`does ${name}`, () => {
      for (const [i, value] of altered(alteration).entries()) expect(value).to.be.closeTo(want[i]!, 1)
    })
})
