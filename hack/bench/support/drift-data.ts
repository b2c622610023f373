/** The drift cameras (a folder in Ekya's samplelist form) as image sets in memory. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import type { ImageSet } from '../../../workers/learning/image-set.ts'
import { range } from './numbers.ts'

const side = 32

/** One list, for example `pretrain.csv` or `cam-0/3.csv`. Whole images, no boxes. */
export async function driftList(folder: string, list: string): Promise<ImageSet> {
  const [header, ...rows] = (await readFile(join(folder, list), 'utf8')).trim().split('\n')
  const columns = header!.trim().split(',')
  const [label, image] = [columns.indexOf('class'), columns.indexOf('imgpath')]
  const pixels = new Uint8Array(rows.length * 3 * side * side)
  const labels = new Int32Array(rows.length)
  for (const [i, row] of rows.entries()) {
    const cells = row.trim().split(',')
    const interleaved = await sharp(join(folder, cells[image]!)).removeAlpha().raw().toBuffer()
    const at = i * 3 * side * side
    for (let p = 0; p < side * side; p++)
      for (let c = 0; c < 3; c++) pixels[at + c * side * side + p] = interleaved[p * 3 + c]!
    labels[i] = Number(cells[label])
  }
  return { count: rows.length, shape: { channels: 3, height: side, width: side }, pixels, labels }
}

/** The first `count` windows of a camera. */
export const driftWindows = (folder: string, camera: number, count: number): Promise<ImageSet[]> =>
  Promise.all(range(count).map(window => driftList(folder, `cam-${camera}/${window}.csv`)))
