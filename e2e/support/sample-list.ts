/** A folder in the form of a samples source, made of frames of a generated street: one list a window. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampleColumns } from '../../workers/frames/samplelist.ts'
import { openScene } from '../../workers/frames/scene-source.ts'
import { sceneClasses } from './site.ts'

export async function writeSampleLists(
  folder: string,
  { seed, windows, frames, seconds }: { seed: number; windows: number; frames: number; seconds: number },
): Promise<void> {
  const footage = openScene({ seed }, { classes: sceneClasses, frameRate: frames / seconds })
  for (let index = 0; index < windows; index++) {
    mkdirSync(join(folder, String(index)), { recursive: true })
    const rows: string[] = [sampleColumns.join()]
    for (let i = 0; i < frames; i++) {
      const window = { index, startsAt: '', durationSeconds: seconds, maxSamples: 0 }
      const { label, jpeg } = footage.frame(window, i)
      const image = `${index}/${i}.jpg`
      writeFileSync(join(folder, image), await jpeg())
      rows.push([i, label, '', '', '', '', image].join())
    }
    writeFileSync(join(folder, `${index}.csv`), `${rows.join('\n')}\n`)
  }
}
