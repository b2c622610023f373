/** A sample list with images that can be told apart: noise with one bright channel, which the class (0 to 2) names. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeJpeg } from '../../../workers/frames/images.ts'
import { random } from '../../../workers/models/random.ts'

const side = 32

/** @param list path in the folder; the images lie in a folder beside it. @param light 1 is as bright as it gets. */
export async function writeImages(folder: string, list: string, count: number, light = 1): Promise<void> {
  const draw = random(count, list)
  const name = list.replace(/\.csv$/, '')
  mkdirSync(join(folder, name), { recursive: true })
  const rows = ['idx,class,x0,y0,x1,y1,imgpath']
  for (let i = 0; i < count; i++) {
    const data = Uint8Array.from(
      { length: side * side * 3 },
      (_, at) => light * (draw.integer(120) + (at % 3 === i % 3 ? 100 : 0)),
    )
    writeFileSync(join(folder, name, `${i}.jpg`), await encodeJpeg({ data, height: side, width: side }))
    rows.push(`${i},${i % 3},0,0,${side},${side},${name}/${i}.jpg`)
  }
  writeFileSync(join(folder, list), `${rows.join('\n')}\n`)
}
