/** The files of an image as a folder. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../control-plane/build.ts'

/**
 * For images whose layers only add files, as those do that are built here.
 *
 * @param archive as `docker save` writes it
 * @param root made if need be
 */
export async function unpackImage(archive: string, root: string): Promise<void> {
  mkdirSync(root, { recursive: true })
  const work = mkdtempSync(`${root}-`)
  try {
    await run('tar', ['-xf', archive, '-C', work])
    const [image] = JSON.parse(readFileSync(join(work, 'manifest.json'), 'utf8')) as { Layers: string[] }[]
    for (const layer of image!.Layers) await run('tar', ['-xf', join(work, layer), '-C', root])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
