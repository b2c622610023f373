import { expect } from 'chai'
import { floats, type Session, type Tensor } from '../models/session.ts'
import { features } from './features.ts'
import type { ImageSet } from './image-set.ts'
import type { TrainingGraphs } from './training-graph.ts'

const count = 150
const set: ImageSet = {
  count,
  shape: { channels: 1, height: 1, width: 2 },
  pixels: Uint8Array.from({ length: 2 * count }, (_, i) => i % 256),
  labels: new Int32Array(count),
}
const graphs = { boundary: [{ name: 'sum', dims: [1] }] } as unknown as TrainingGraphs

/** Adds up an image's two pixels, and notes how many images come. */
function adding() {
  const sizes: number[] = []
  const run = async ({ image }: Record<string, Tensor>) => {
    const values = image!.data as Float32Array
    sizes.push(image!.dims[0]!)
    return {
      sum: floats(
        Float32Array.from({ length: values.length / 2 }, (_, i) => values[2 * i]! + values[2 * i + 1]!),
        [values.length / 2, 1],
      ),
    }
  }
  return { sizes, frozen: { run } as unknown as Session }
}

const sumOf = (index: number): number => (set.pixels[2 * index]! + set.pixels[2 * index + 1]!) / 127.5 - 2

describe('frozen features', () => {
  for (const { name, anySize, mostKeptBytes, want } of [
    { name: 'are computed once and kept', anySize: true, want: [64, 64, 22] },
    { name: 'are computed in batches of one size where others cost', anySize: false, want: [64, 64, 64] },
    {
      name: 'are computed for every batch where they are too many',
      anySize: true,
      mostKeptBytes: 0,
      want: [70, 70],
    },
    {
      name: 'are computed in batches of one size for every batch',
      ...{ anySize: false, mostKeptBytes: 0, want: [64, 64, 64, 64] },
    },
  ])
    it(name, async () => {
      const { sizes, frozen } = adding()
      const source = features(set, graphs, 'image', frozen, {
        anySize,
        ...(mostKeptBytes === undefined ? {} : { mostKeptBytes }),
      })
      const all = Array.from({ length: count }, (_, i) => i)
      await source.prepare(all, false)
      const some = all.slice(40, 110).reverse()
      for (let time = 0; time < 2; time++) {
        const { sum } = await source.batch(some)
        expect(sum!.dims).to.deep.equal([70, 1])
        for (const [i, value] of (sum!.data as Float32Array).entries())
          expect(value).to.be.closeTo(sumOf(some[i]!), 1e-6)
      }
      expect(sizes).to.deep.equal(want)
    })
})
