/** A process of its own, so that its cpu seconds are those of one camera: gets a CameraTask, sends LogMessages, ends. */
import { readFile } from 'node:fs/promises'
import { loadImages } from '../../../workers/frames/images.ts'
import { readSampleList } from '../../../workers/frames/samplelist.ts'
import type { ImageSet } from '../../../workers/learning/image-set.ts'
import { createTrainer, type Trainer } from '../../../workers/learning/trainer.ts'
import { architectures } from '../../../workers/models/architectures/registry.ts'
import { writeAtomically } from '../../../workers/models/store.ts'
import { pretraining } from './grid.ts'
import { profileWindow, splitWindow, trainWindow } from './window-log.ts'

export type Task = PretrainTask | CameraTask

export interface PretrainTask {
  readonly list: string
  readonly images: string
  readonly classes: number
  /** Where the student is written. */
  readonly out: string
}

export interface CameraTask {
  readonly student: string
  readonly images: string
  /** Sample lists of the windows, in order. */
  readonly windows: readonly string[]
  readonly seed: number
  readonly work: 'train' | 'profile'
}

export type LogMessage<Window = unknown> =
  | { readonly window: Window }
  | { readonly done: true }
  | { readonly error: string }

const shape = { channels: 3, height: 32, width: 32 } as const
/** Images by which the pretraining's best epoch is chosen; they are trained on as well. */
const judged = 512

async function load(list: string, images: string, classes: number): Promise<ImageSet> {
  const { samples } = await readSampleList(list, { classes, images, tolerance: 1 })
  return (await loadImages(samples, shape)).images
}

async function pretrain({ list, images, classes, out }: PretrainTask): Promise<void> {
  const train = await load(list, images, classes)
  const trainer = await createTrainer(architectures['small-cnn']!({ classes, seed: pretraining.seed }))
  const validation = firstOf(train, judged)
  const { model } = await trainer.train({ train, validation, configuration: pretraining })
  await trainer.close()
  await writeAtomically(out, model)
}

async function logCamera({ student, images, windows, seed, work }: CameraTask): Promise<void> {
  const model = await readFile(student)
  const trainer: Trainer = await createTrainer(model)
  const { classes } = trainer
  await trainer.close()
  let warm = false
  for (const [w, list] of windows.entries()) {
    const split = splitWindow(await load(list, images, classes))
    // What the libraries cost once belongs to no training.
    if (!warm) await profileWindow(model, split, seed)
    warm = true
    const log = work === 'train' ? trainWindow : profileWindow
    send({ window: await log(model, split, 1000 * seed + w) })
  }
}

const firstOf = (set: ImageSet, count: number): ImageSet => {
  const some = Math.min(count, set.count)
  const size = set.pixels.length / set.count
  return {
    ...set,
    count: some,
    pixels: set.pixels.subarray(0, some * size),
    labels: set.labels.subarray(0, some),
  }
}

const send = (message: LogMessage): void => {
  process.send!(message)
}

process.once('message', async (task: Task) => {
  try {
    await ('out' in task ? pretrain(task) : logCamera(task))
    send({ done: true })
  } catch (error) {
    send({ error: error instanceof Error ? error.message : String(error) })
  }
  process.disconnect()
})
