/**
 * Records of record-site.ts's form in which only heads are retrained: seconds for a site, so that promises can be scored on hundreds of
 * windows (promises.ts).
 *
 *   npm run bench -- record-heads --out FOLDER [--images FOLDER] [--cameras 0,1,2] [--windows 8] [--seeds 1,2,3] [--shuffled]
 *
 * Every seed is a site of its own, FOLDER/SEED.json, with other draws; shuffled, also with the windows of each camera in another order, so
 * that scenes jump otherwise. Generated streets have their scene's own labels.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { random } from '../../workers/models/random.ts'
import { independentLabels } from '../../workers/profile/independent-labels.ts'
import { largestSample, sampleSize } from '../../workers/profile/micro-profiler.ts'
import { cacheDirectory } from '../control-plane/binaries.ts'
import { pretrainedStudent } from '../models/pretrain-samples.ts'
import { sceneImages, windowGlimpses } from '../models/scene-images.ts'
import { driftList } from './support/drift-data.ts'
import { type FeatureSet, type HeadWeights, joined, openHead } from './support/heads.ts'
import { share } from './support/judging.ts'
import { numbersOf, range } from './support/numbers.ts'
import { accuracyByClass, type RecordedCamera, type RecordedWindow } from './support/record-site.ts'

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    images: { type: 'string' },
    cameras: { type: 'string', default: '0,1,2,3,4,5' },
    windows: { type: 'string', default: '8' },
    seeds: { type: 'string', default: '1' },
    shuffled: { type: 'boolean', default: false },
  },
})
if (values.out === undefined) {
  console.error(
    'usage: npm run bench -- record-heads --out FOLDER [--images FOLDER] [--cameras 0,1] [--windows 8] [--seeds 1,2] [--shuffled]',
  )
  process.exit(2)
}
const windowCount = Number(values.windows)
const windowSeconds = 60
const frameRate = 30
/** As in the demo: of the window that is planned when profiling begins and when it ends, of the last one for validation, windows before it. */
const [fresh, present, validationFraction, historyWindows, minGain] = [0.06, 0.25, 0.3, 2, 0.01]
const microProfiler = { epochs: 5, sampleFraction: 0.1 }
const knobs = { batchSize: 32, learningRate: 0.02 }
const configurations = [4, 12, 40].map(epochs => ({
  ...{ name: `head-${epochs}`, epochs, dataFraction: 1, trainableLayers: 'head' as const },
  ...knobs,
}))
/** Chosen so that the costliest of all cameras do not fit into a window. */
const [gpuSecondsPerImage, setupGpuSeconds] = [0.00045, 0.8]

const student = await readFile(
  values.images === undefined
    ? new URL('../models/scene-student.onnx', import.meta.url)
    : await pretrainedStudent(values.images, { cacheFolder: cacheDirectory(), classes: 6 }),
)
const head = await openHead(student)

interface Window extends FeatureSet {
  readonly frames: readonly number[]
}

async function windowOf(camera: number, window: number): Promise<Window> {
  if (values.images !== undefined) {
    const images = await driftList(values.images, `cam-${camera}/${window}.csv`)
    return { ...(await head.featuresOf(images)), frames: range(images.count) }
  }
  const glimpses = windowGlimpses(camera, window, { count: 200, windowSeconds })
  const images = sceneImages(glimpses, { height: 32, width: 32 })
  const frames = glimpses.map(({ seconds }) => Math.floor((seconds - window * windowSeconds) * frameRate))
  return { ...(await head.featuresOf(images)), frames }
}

function recordCamera(name: string, windows: readonly Window[], seed: number): RecordedCamera {
  const recorded: RecordedWindow[] = []
  let model = head.initial
  const part = (set: FeatureSet, fraction: number) =>
    head.select(set, range(Math.max(1, Math.round(fraction * set.labels.length))))
  const independent = (set: Window, count = set.labels.length) =>
    independentLabels(
      range(count).map(i => ({ frame: set.frames[i]!, label: set.labels[i]! })),
      head.classes,
    )
  for (const w of range(windows.length - 1, 1)) {
    const [last, now] = [windows[w - 1]!, windows[w]!]
    const [freshOnes, soFar] = [part(now, fresh), part(now, present)]
    const held = Math.max(0, Math.round(last.labels.length * validationFraction) - freshOnes.labels.length)
    const ownCount = last.labels.length - held
    const validation = joined([head.select(last, range(held, ownCount)), freshOnes])
    const older = range(historyWindows, 1).flatMap(back => windows[w - 1 - back] ?? [])
    const train = joined([head.select(last, range(ownCount)), ...older])
    const draw = random(seed, name, w)
    const trained = largestSample(
      sampleSize(train.labels.length, microProfiler.sampleFraction),
      train.labels.length,
    )
    const accuracy = (weights: HeadWeights, set: FeatureSet) => share(head.rightOf(weights, set))
    const baseline = accuracy(model, validation)
    /** The best model of a training by validation, and the validation accuracies. */
    const training = (set: FeatureSet, epochs: number) => {
      const reached: number[] = []
      let best = model
      head.train(model, set, { ...knobs, epochs }, random(seed, name, w, epochs), weights => {
        const value = accuracy(weights, validation)
        if (value >= Math.max(0, ...reached)) best = weights.slice()
        reached.push(value)
      })
      return { best, reached, gain: Math.max(...reached) - baseline }
    }
    const micro = training(
      head.select(train, [...draw.permutation(train.labels.length).subarray(0, trained)]),
      microProfiler.epochs,
    )
    const gpuSecondsPerEpoch = train.labels.length * gpuSecondsPerImage
    const outcomes = configurations.map(each => ({ ...each, ...training(train, each.epochs) }))
    const [lastRight, right] = [head.rightOf(model, last), head.rightOf(model, now)]
    const byClass = accuracyByClass(last.labels, lastRight, head.classes)
    const chosen = outcomes[draw.integer(outcomes.length + 1)]
    const taken = chosen !== undefined && chosen.gain >= minGain
    recorded.push({
      window: w,
      accuracy: { current: share(lastRight), validation: baseline, independent: independent(last) },
      labelled: last.labels.length,
      soFar: {
        labelled: soFar.labels.length,
        current: share(right.slice(0, soFar.labels.length)),
        expected: soFar.labels.reduce((sum, label) => sum + byClass[label]!, 0) / soFar.labels.length,
        independent: independent(now, soFar.labels.length),
      },
      profiles: configurations.map(({ name: configuration }) => ({
        configuration,
        points: micro.reached.map((value, i) => [((i + 1) * trained) / train.labels.length, value] as const),
        gpuSecondsPerEpoch,
        setupGpuSeconds,
        soFar: accuracy(micro.best, soFar),
      })),
      profilingGpuSeconds: setupGpuSeconds,
      right,
      independent: independent(now),
      trainings: outcomes.map(({ name: configuration, epochs, reached, best }) => ({
        configuration,
        validation: reached,
        gpuSeconds: setupGpuSeconds + epochs * gpuSecondsPerEpoch,
        right: head.rightOf(best, now),
      })),
      ...(chosen === undefined ? {} : { chosen: { configuration: chosen.name, taken } }),
    })
    if (taken) model = chosen.best
  }
  return { name, windows: recorded }
}

const all = new Map<number, Window[]>()
for (const camera of numbersOf(values.cameras)) {
  const windows: Window[] = []
  for (const window of range(windowCount)) windows.push(await windowOf(camera, window))
  all.set(camera, windows)
}
await mkdir(values.out, { recursive: true })
for (const seed of numbersOf(values.seeds)) {
  const cameras = [...all].map(([camera, windows]) => {
    const name = `${values.images === undefined ? 'street' : 'cam'}-${camera}`
    const order = values.shuffled
      ? [...random(seed, 'order', name).permutation(windowCount)]
      : range(windowCount)
    return recordCamera(
      name,
      order.map(window => windows[window]!),
      seed,
    )
  })
  const file = join(values.out, `${seed}.json`)
  await writeFile(file, JSON.stringify({ configurations, cameras }))
  console.log(file)
}
await head.close()
