/** Writes the samples of a window as an inference pod leaves them, from the real generated street. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { samplesFolder } from '../../../operator/api/storage.ts'
import { systemClock } from '../../frames/clock.ts'
import { openSource } from '../../frames/source.ts'
import { selectFrames } from '../../inference/frame-selection.ts'
import { formatKeptFrame, framesHeader, writeSummary } from '../sample-folder.ts'

export interface KeptWindow {
  readonly storage: string
  readonly classes: readonly string[]
  readonly window: number
  readonly samples: number
  /** Frames whose image is no image. */
  readonly corrupt?: number
  /** Leaves the source's labels out. */
  readonly unlabelled?: boolean
}

const seconds = 60
const frameRate = 10

/** What was served: the truth for every second sample, class 0 for the others. */
export async function keepWindow({
  storage,
  classes,
  window,
  samples,
  corrupt = 0,
  unlabelled = false,
}: KeptWindow) {
  const folder = join(storage, samplesFolder('default', 'cam-0', window))
  await mkdir(folder, { recursive: true })
  const source = await openSource({ scene: { seed: 1 } }, { classes, frameRate, storage, clock: systemClock })
  const startsAt = '2020-01-01T00:00:00.000Z'
  const frames = seconds * frameRate
  const selected = selectFrames({ seed: 1, stream: 'cam-0', window, frames, maxSamples: samples })
  let book = framesHeader
  let kept = 0
  const clock = { index: window, startsAt, durationSeconds: seconds, maxSamples: samples, firstFrame: 0 }
  for await (const frame of source.frames(clock)) {
    if (!selected.has(frame.index)) continue
    const image = `${frame.index}.jpg`
    await writeFile(join(folder, image), kept < corrupt ? 'no image' : await frame.jpeg())
    const truth = frame.label === null ? null : classes[frame.label]!
    const served = kept % 2 === 0 ? truth : classes[0]!
    const label = unlabelled ? null : truth
    book += formatKeptFrame(kept++, { frame: frame.index, image, served, fresh: true, label })
  }
  await source.close()
  await writeFile(join(folder, 'frames.csv'), book)
  await writeSummary(folder, {
    index: window,
    startsAt,
    durationSeconds: seconds,
    complete: true,
    frames: { offered: frames, analysed: frames, skipped: 0, dropped: 0 },
    samples: kept,
    refused: 0,
    gpuSecondsPerFrame: 0.004,
  })
  return folder
}
