/**
 * A sheet of scene frames to look at: node hack/models/contact-sheet.ts FILE.png [SEED …] [--every SECONDS] [--columns N] [--plain]
 * One row a seed (camera), one column a moment; the title of each frame is printed.
 */
import { parseArgs } from 'node:util'
import sharp, { type OverlayOptions } from 'sharp'
import { createStreet, newFrame } from '../../workers/frames/scene/street.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    every: { type: 'string', default: '37.3' },
    columns: { type: 'string', default: '8' },
    from: { type: 'string', default: '0.6' },
    plain: { type: 'boolean', default: false },
  },
})
const [file = '/tmp/scene.png', ...given] = positionals
const seeds = given.length > 0 ? given.map(Number) : [1, 2, 3, 4]
const columns = Number(values.columns)
const canvas = newFrame()
const tiles: OverlayOptions[] = []
for (const [row, seed] of seeds.entries()) {
  const street = createStreet(seed, values.plain ? 'plain' : 'street')
  const titles: string[] = []
  for (let column = 0; column < columns; column++) {
    const seconds = Number(values.from) + column * Number(values.every)
    street.paint(canvas, seconds)
    titles.push(`${seconds.toFixed(1)} ${street.labelAt(seconds)}`)
    tiles.push({
      input: Buffer.from(canvas.data),
      raw: { width: canvas.width, height: canvas.height, channels: 3 },
      left: column * (canvas.width + 4),
      top: row * (canvas.height + 4),
    })
  }
  process.stdout.write(`${seed}: ${titles.join(' · ')}\n`)
}
await sharp({
  create: {
    width: columns * (canvas.width + 4),
    height: seeds.length * (canvas.height + 4),
    channels: 3,
    background: '#fff',
  },
})
  .composite(tiles)
  .png()
  .toFile(file)
