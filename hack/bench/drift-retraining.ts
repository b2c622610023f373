/**
 * What does retraining gain on the drift cameras, per configuration and cpu second?
 *
 *   node hack/bench/drift-retraining.ts FOLDER --model pretrained.onnx [--cameras 0,1,2,3] [--windows 1,2,3,4] [--variants FILE.json]
 *
 * At the start of window k a camera's model is trained on the samples of windows k − 1, k − 2, … (never on window k) and then tested on
 * all samples of window k, against the pretrained model. A fifth of the samples is held out for validation, as the operator does.
 * `gated` is the accuracy when the new model replaces the old one only if it is better on the validation samples.
 */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { concatImages, type ImageSet, selectImages, weighted } from '../../workers/learning/image-set.ts'
import { createTrainer } from '../../workers/learning/trainer.ts'
import type { TrainingConfiguration } from '../../workers/learning/training.ts'
import { random } from '../../workers/models/random.ts'
import { driftWindows } from './support/drift-data.ts'
import { accuracyOf } from './support/judging.ts'
import { mean, numbersOf } from './support/numbers.ts'

interface Variant extends Omit<TrainingConfiguration, 'seed' | 'threads'> {
  readonly name: string
  /** Windows whose samples are trained on. */
  readonly history: number
  /** How much an image of all but the newest counts. Default 1. */
  readonly historyWeight?: number
  /** The model in use, or the one first deployed. */
  readonly start: 'carried' | 'pretrained'
}

const base = {
  history: 4,
  start: 'carried',
  epochs: 15,
  batchSize: 32,
  learningRate: 0.02,
  trainableLayers: 'all',
  dataFraction: 1,
  augment: true,
} satisfies Omit<Variant, 'name'>

const defaults: readonly Variant[] = [
  { ...base, name: 'cheap: head', trainableLayers: 'head', learningRate: 0.05 },
  { ...base, name: 'middle: all, 5 epochs', epochs: 5 },
  { ...base, name: 'costly: all, 30 epochs', epochs: 30 },
]

interface Result {
  readonly before: number
  readonly after: number
  readonly gated: number
  readonly validation: number
  readonly cpuSeconds: number
  readonly setup: number
}

const threads = 1

/** Same split for every variant: a fifth of each window is held out. */
function splitWindow(
  images: ImageSet,
  camera: number,
  window: number,
): { train: ImageSet; validation: ImageSet } {
  const order = random(7, camera, window).permutation(images.count)
  const held = Math.round(images.count / 5)
  return {
    train: selectImages(images, order.subarray(held)),
    validation: selectImages(images, order.subarray(0, held)),
  }
}

async function runCamera(
  lists: readonly ImageSet[],
  camera: number,
  windows: readonly number[],
  pretrained: Uint8Array,
  variant: Variant,
) {
  const results: Result[] = []
  let [carried, gated] = [pretrained, pretrained]
  for (const window of windows) {
    const past = Array.from({ length: Math.min(variant.history, window) }, (_, i) =>
      splitWindow(lists[window - 1 - i]!, camera, window - 1 - i),
    )
    const [newest] = past
    const train = concatImages(
      past.map(({ train: images }, i) =>
        i === 0 || variant.historyWeight === undefined ? images : weighted(images, variant.historyWeight),
      ) as [ImageSet, ...ImageSet[]],
    )
    const validation = newest!.validation
    const trainer = await createTrainer(variant.start === 'carried' ? carried : pretrained, { threads })
    const outcome = await trainer.train({
      train,
      validation,
      configuration: { ...variant, seed: 100 * camera + window, threads },
    })
    await trainer.close()
    carried = outcome.model
    if (outcome.bestValidationAccuracy >= (await accuracyOf(gated, validation))) gated = outcome.model
    const test = lists[window]!
    results.push({
      before: await accuracyOf(pretrained, test),
      after: await accuracyOf(carried, test),
      gated: await accuracyOf(gated, test),
      validation: outcome.bestValidationAccuracy,
      cpuSeconds: outcome.setupCpuSeconds + outcome.epochs.reduce((sum, each) => sum + each.cpuSeconds, 0),
      setup: outcome.setupCpuSeconds,
    })
  }
  return results
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string' },
    cameras: { type: 'string', default: '0,1,2,3' },
    windows: { type: 'string', default: '1,2,3,4' },
    variants: { type: 'string' },
    detail: { type: 'boolean', default: false },
  },
})
const [folder] = positionals
if (folder === undefined || values.model === undefined) {
  console.error(
    'usage: node hack/bench/drift-retraining.ts FOLDER --model pretrained.onnx [--cameras 0,1] [--windows 1,2] [--variants FILE.json]',
  )
  process.exit(2)
}
const [cameras, windows] = [numbersOf(values.cameras), numbersOf(values.windows)]
const pretrained = await readFile(values.model)
const variants: readonly Variant[] =
  values.variants === undefined
    ? defaults
    : (JSON.parse(await readFile(values.variants, 'utf8')) as Partial<Variant>[]).map(each => ({
        name: JSON.stringify(each),
        ...base,
        ...each,
      }))
const lists = await Promise.all(cameras.map(camera => driftWindows(folder, camera, Math.max(...windows) + 1)))

console.log('before  after  gated  |validation − after|  cpu-s  gain/cpu-s  variant')
for (const variant of variants) {
  const results: Result[] = []
  for (const [i, camera] of cameras.entries()) {
    const ofCamera = await runCamera(lists[i]!, camera, windows, pretrained, variant)
    if (values.detail)
      console.log(
        `  cam-${camera} ${ofCamera.map(r => `${r.before.toFixed(2)}>${r.after.toFixed(2)}(${r.validation.toFixed(2)})`).join(' ')}`,
      )
    results.push(...ofCamera)
  }
  const [before, after, gated, cpu] = (['before', 'after', 'gated', 'cpuSeconds'] as const).map(key =>
    mean(results.map(r => r[key])),
  ) as [number, number, number, number]
  const error = mean(results.map(r => Math.abs(r.validation - r.after)))
  const columns = [
    before.toFixed(3),
    after.toFixed(3),
    gated.toFixed(3),
    error.toFixed(3).padStart(12),
    cpu.toFixed(2).padStart(13),
    ((after - before) / cpu).toFixed(3).padStart(8),
  ]
  console.log(`${columns.join('  ')}    ${variant.name}`)
}
