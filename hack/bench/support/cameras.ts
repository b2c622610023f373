/** Cameras whose windows are known as a whole: those of a samples folder, and generated streets. */
import { readFile } from 'node:fs/promises'
import { sceneClasses } from '../../../workers/frames/scene/objects.ts'
import { concatImages, type ImageSet, selectImages } from '../../../workers/learning/image-set.ts'
import { openClassifier } from '../../../workers/models/classifier.ts'
import { cacheDirectory } from '../../control-plane/binaries.ts'
import { pretrainedStudent } from '../../models/pretrain-samples.ts'
import { sceneImages, windowGlimpses } from '../../models/scene-images.ts'
import { driftWindows } from './drift-data.ts'
import { range } from './numbers.ts'

export interface CameraSource {
  readonly name: string
  /** Frames of each window in the order of time, with their golden labels. */
  readonly windows: readonly ImageSet[]
  readonly frames: readonly (readonly number[])[]
  readonly model: Uint8Array
  readonly classes: number
}

const windowSeconds = 60
const frameRate = 30
const model = (file: string): Promise<Buffer> => readFile(new URL(`../../models/${file}`, import.meta.url))

/** Camera `camera` of the folder, its first `count` windows, with the student that is pretrained on the folder's pretrain.csv. */
export async function sampledCamera(folder: string, camera: number, count: number): Promise<CameraSource> {
  const windows = await driftWindows(folder, camera, count)
  const student = await pretrainedStudent(folder, { cacheFolder: cacheDirectory(), classes: 6 })
  return {
    name: `cam-${camera}`,
    windows,
    frames: windows.map(({ count }) => range(count)),
    model: await readFile(student),
    classes: 6,
  }
}

/** A street as the demo's cameras see it: 200 frames of each of its first `count` windows, labelled by the golden model. */
export async function generatedCamera(seed: number, count: number): Promise<CameraSource> {
  const golden = await openClassifier(await model('scene-golden.onnx'), 'golden')
  const student = await model('scene-student.onnx')
  const shown = await openClassifier(student, 'student')
  const { input } = shown
  await shown.close()
  const windows: ImageSet[] = []
  const frames: number[][] = []
  for (let w = 0; w < count; w++) {
    const glimpses = windowGlimpses(seed, w, { count: 200, windowSeconds })
    const large = sceneImages(glimpses, golden.input)
    windows.push({
      ...sceneImages(glimpses, input),
      labels: Int32Array.from(await golden.classify(large.pixels, large.count)),
    })
    frames.push(glimpses.map(({ seconds }) => Math.floor((seconds - w * windowSeconds) * frameRate)))
  }
  await golden.close()
  return { name: `street-${seed}`, windows, frames, model: student, classes: sceneClasses.length }
}

export const firstOnes = (images: ImageSet, part: number): ImageSet =>
  selectImages(images, range(Math.max(1, Math.round(part * images.count))))

export interface SplitOptions {
  /** Part of window `w` that is labelled when it is trained for. */
  readonly fresh: number
  readonly validationFraction: number
  readonly historyWindows: number
}

/** What a model for window `w` is trained and validated on, much as `splitAtPresent` (workers/runtime/labelled-data.ts) has it. */
export function splitFor(
  windows: readonly ImageSet[],
  w: number,
  { fresh, validationFraction, historyWindows }: SplitOptions,
): { readonly train: ImageSet; readonly validation: ImageSet } {
  const last = windows[w - 1]!
  const known = firstOnes(windows[w]!, fresh)
  const held = Math.max(0, Math.round(last.count * validationFraction) - known.count)
  const own = selectImages(last, range(last.count - held))
  const older = range(historyWindows)
    .map(i => w - 2 - i)
    .filter(i => i >= 0)
  return {
    train: concatImages([own, ...older.map(i => windows[i]!)]),
    validation: concatImages([selectImages(last, range(held, last.count - held)), known]),
  }
}
