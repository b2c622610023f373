/**
 * Records what estimators are asked and what came of it, on the demo's cameras and configurations, to score them by (estimators.ts).
 *
 *   npm run bench -- record-site --out FILE.json [--images FOLDER] [--cameras 0,1,2] [--windows 7]
 *
 * With a folder of sample lists its cameras, else generated streets of the demo's kind.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import type { RetrainingConfiguration } from '../../operator/api/worker.ts'
import { sceneClasses } from '../../workers/frames/scene/objects.ts'
import type { ImageSet } from '../../workers/learning/image-set.ts'
import { openClassifier } from '../../workers/models/classifier.ts'
import { cacheDirectory } from '../control-plane/binaries.ts'
import { pretrainedStudent } from '../models/pretrain-samples.ts'
import { sceneImages, windowGlimpses } from '../models/scene-images.ts'
import { driftList } from './support/drift-data.ts'
import { type CameraSource, recordCamera } from './support/record-site.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    images: { type: 'string' },
    cameras: { type: 'string' },
    windows: { type: 'string', default: '7' },
    seed: { type: 'string', default: '1' },
  },
})
if (values.out === undefined) {
  console.error(
    'usage: npm run bench -- record-site --out FILE.json [--images FOLDER] [--cameras 0,1] [--windows 7]',
  )
  process.exit(2)
}
const windowSeconds = 60
const frameRate = 30
const count = Number(values.windows)
const local = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname
const demo = parse(await readFile(local('hack/demo/retraining-window.yaml'), 'utf8'))
const configurations = (
  demo.spec.retraining.configurations as Omit<RetrainingConfiguration, 'dataFraction'>[]
).map((each): RetrainingConfiguration => ({ dataFraction: 1, ...each }))

async function sampled(folder: string, camera: number): Promise<CameraSource> {
  const windows = await Promise.all(
    Array.from({ length: count }, (_, w) => driftList(folder, `cam-${camera}/${w}.csv`)),
  )
  const student = await pretrainedStudent(folder, { cacheFolder: cacheDirectory(), classes: 6 })
  return {
    name: `cam-${camera}`,
    windows,
    frames: windows.map(({ count }) => Array.from({ length: count }, (_, i) => i)),
    model: await readFile(student),
    classes: 6,
  }
}

async function generated(seed: number): Promise<CameraSource> {
  const golden = await openClassifier(await readFile(local('hack/models/scene-golden.onnx')), 'golden')
  const student = await readFile(local('hack/models/scene-student.onnx'))
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

/** Of the demo, and eight more. */
const seeds = [47, 1, 6, 4, 61, 62, 63, 64, 65, 66, 67, 68]
const cameras = values.cameras?.split(',').map(Number)
const sources = values.images === undefined ? (cameras ?? seeds) : (cameras ?? [0, 1, 2, 3, 4, 5])
const recorded = []
for (const source of sources) {
  const camera = await (values.images === undefined ? generated(source) : sampled(values.images, source))
  recorded.push(
    await recordCamera(camera, {
      configurations,
      seed: Number(values.seed),
      fresh: 0.06,
      soFar: 0.25,
      validationFraction: 0.3,
      historyWindows: 2,
      minGain: 0.01,
      microProfiler: { epochs: 5, sampleFraction: 0.1 },
    }),
  )
  console.log(`${camera.name}: ${recorded.at(-1)!.windows.length} windows`)
  await writeFile(values.out, JSON.stringify({ configurations, cameras: recorded }))
}
