import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { samplesFolder } from '../../operator/api/storage.ts'
import { writeLabels } from '../profile/labeling.ts'
import { readHistory, readLabels, splitAtPresent, splitInTime, withoutRepeated } from './labelled-data.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const frames = (count: number) => Array.from({ length: count }, (_, i) => ({ frame: 7 * i }))
const options = { stream: 'cam-0', seed: 1, validationFraction: 0.3 }

describe('labels on disk', () => {
  const folder = temporaryFolder()
  const owner = { namespace: 'default', stream: 'cam-0' }
  const labelled = ['car', 'traffic light', 'bus']

  before(async () => {
    const window = join(folder.path, samplesFolder('default', 'cam-0', 3))
    await mkdir(window, { recursive: true })
    const given = [0, 1, 2, 1].map((label, i) => ({
      frame: 10 * i,
      label,
      served: i === 0 ? null : 0,
      image: join(window, `${i}.jpg`),
    }))
    for (const { image } of given) await writeFile(image, '')
    const images = { count: 0, shape: { channels: 3, height: 1, width: 1 }, pixels: new Uint8Array() }
    const of = { frames: given, images: { ...images, labels: new Int32Array() } }
    await writeLabels(window, { ...of, refused: [], readingGpuSeconds: 0 }, labelled)
  })

  for (const { name, classes, want } of [
    { name: 'mean the same classes', classes: labelled, want: { labels: [0, 1, 2, 1], leftOut: 0 } },
    {
      name: 'mean the same classes in another order',
      classes: ['bus', 'traffic light', 'car'],
      want: { labels: [2, 1, 0, 1], leftOut: 0 },
    },
    {
      name: 'are left out and counted where their class is gone',
      classes: ['tram', 'bus'],
      want: { labels: [1], leftOut: 3 },
    },
  ])
    it(name, async () => {
      const data = { storage: folder.path, ...owner, classes, seed: 1, validationFraction: 0.3 }
      const { samples, leftOut } = await readLabels(data, 3)
      expect({ labels: samples.map(({ label }) => label), leftOut }).to.deep.equal(want)
      expect(await readHistory(data, [3, 2], 1)).to.deep.equal({ samples, leftOut })
    })
})

describe('splitInTime', () => {
  it('puts every frame into exactly one part, whatever the order it comes in', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.double({ min: 0.05, max: 0.9, noNaN: true }),
        fc.nat(),
        (count, validationFraction, seed) => {
          const all = frames(count)
          const given = { stream: 'cam-0', seed, validationFraction }
          const { train, validation } = splitInTime(all, 3, given)
          expect([...train, ...validation].sort((a, b) => a.frame - b.frame)).to.deep.equal(all)
          expect(splitInTime(all.toReversed(), 3, given)).to.deep.equal({ train, validation })
          if (count >= 2) expect(Math.min(train.length, validation.length)).to.be.at.least(1)
          // A fraction in whole blocks of time, which differ by a frame: half a block, and a frame a block, off at most.
          const tolerance = 0.5 / 20 + 20 / Math.max(20, count)
          if (count >= 40) expect(validation.length / count).to.be.closeTo(validationFraction, tolerance)
        },
      ),
    )
  })

  it('validates on blocks of time from all over the window', () => {
    const { validation } = splitInTime(frames(200), 0, options)
    const blocks = new Set(validation.map(({ frame }) => Math.floor(frame / 70)))
    expect(blocks.size).to.equal(6)
    expect(validation).to.have.length(60)
    expect(Math.min(...blocks)).to.be.below(4)
    expect(Math.max(...blocks)).to.be.above(15)
  })

  it('depends on seed, stream and window', () => {
    const first = splitInTime(frames(200), 0, options)
    expect(splitInTime(frames(200), 0, options)).to.deep.equal(first)
    expect(splitInTime(frames(200), 1, options)).not.to.deep.equal(first)
    expect(splitInTime(frames(200), 0, { ...options, seed: 2 })).not.to.deep.equal(first)
    expect(splitInTime(frames(200), 0, { ...options, stream: 'cam-1' })).not.to.deep.equal(first)
  })
})

describe('splitAtPresent', () => {
  const last = frames(100)
  for (const { name, fresh, train, validation } of [
    {
      name: 'all of the running window and as many before it as are wanted',
      fresh: 12,
      train: 82,
      validation: 30,
    },
    { name: 'the running window alone where it suffices', fresh: 45, train: 100, validation: 45 },
  ])
    it(`validates on ${name}`, () => {
      const running = frames(fresh).map(each => ({ ...each, fresh: true }))
      const split = splitAtPresent(last, running.toReversed(), 0, options)
      expect(split.train).to.deep.equal(last.slice(0, train))
      expect(split.validation).to.deep.equal([...last.slice(train), ...running])
      expect(split.validation).to.have.length(validation)
    })

  it('validates on blocks of the last window where there is nothing else', () =>
    expect(splitAtPresent(last, [], 3, options)).to.deep.equal(splitInTime(last, 3, options)))
})

describe('withoutRepeated', () => {
  const folder = temporaryFolder()

  it('takes out images that are the same byte for byte, and keeps those that cannot be read', async () => {
    const image = async (name: string, content: string) => {
      await writeFile(join(folder.path, name), content)
      return { image: join(folder.path, name) }
    }
    const [a, b, c] = [await image('a', 'one'), await image('b', 'two'), await image('c', 'one')]
    const missing = { image: join(folder.path, 'missing') }
    expect(await withoutRepeated([a, b, missing], [c, { image: 'nowhere' }])).to.deep.equal([b, missing])
  })
})
