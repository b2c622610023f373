/**
 * How much of what a short training comes to is luck? The same labels are trained on with several seeds, and the models are tested on the
 * frames that come thereafter, in which they would serve.
 *
 *   npm run bench -- short-trainings [--images FOLDER] [--cameras 47,1] [--windows 1,2] [--seeds 4] [--variants FILE|JSON]
 *
 * With a folder of sample lists its cameras, else generated streets of the demo's kind. Every training is for a window of which a quarter is labelled and
 * starts from the pretrained student; a variant changes the demo's `all-5`.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { selectImages } from '../../workers/learning/image-set.ts'
import { createTrainer } from '../../workers/learning/trainer.ts'
import type { TrainingConfiguration } from '../../workers/learning/training.ts'
import { generatedCamera, sampledCamera, splitFor } from './support/cameras.ts'
import { accuracyOf } from './support/judging.ts'
import { mean, numbersOf, range, variance } from './support/numbers.ts'

const { values } = parseArgs({
  options: {
    images: { type: 'string' },
    cameras: { type: 'string' },
    windows: { type: 'string', default: '1,2' },
    seeds: { type: 'string', default: '4' },
    variants: { type: 'string', default: '[{"momentum":0.9},{}]' },
  },
})
const cameras = numbersOf(values.cameras ?? (values.images === undefined ? '47,1,6' : '0,2,4'))
const windows = numbersOf(values.windows)
const seeds = range(Number(values.seeds), 1)
const variants = JSON.parse(
  existsSync(values.variants) ? await readFile(values.variants, 'utf8') : values.variants,
) as Partial<TrainingConfiguration>[]

const threads = 1
const labelled = 0.25
const split = { fresh: labelled, validationFraction: 0.3, historyWindows: 2 }
const all5 = {
  epochs: 5,
  batchSize: 32,
  learningRate: 0.01,
  trainableLayers: 'all',
  dataFraction: 1,
} as const

interface Trained {
  readonly validation: number
  readonly test: number
  /** Of the student, on the frames of `test`. */
  readonly before: number
}
/** Of each variant the trainings of each camera and window, one a seed. */
const cells = variants.map((): (readonly Trained[])[] => [])

for (const camera of cameras) {
  const count = Math.max(...windows) + 1
  const source = await (values.images === undefined
    ? generatedCamera(camera, count)
    : sampledCamera(values.images, camera, count))
  const trainer = await createTrainer(source.model, { threads })
  for (const window of windows) {
    const now = source.windows[window]!
    const { train, validation } = splitFor(source.windows, window, split)
    const from = Math.round(labelled * now.count)
    const rest = selectImages(now, range(now.count - from, from))
    const before = await accuracyOf(source.model, rest)
    for (const [i, variant] of variants.entries()) {
      const trained: Trained[] = []
      for (const seed of seeds) {
        const configuration = { ...all5, ...variant, seed, threads }
        const { model, bestValidationAccuracy } = await trainer.train({ train, validation, configuration })
        trained.push({ before, validation: bestValidationAccuracy, test: await accuracyOf(model, rest) })
      }
      cells[i]!.push(trained)
    }
  }
  await trainer.close()
}

const percent = (value: number): string => (100 * value).toFixed(1)
const columns = ['before', 'after', 'by seed', 'worst', 'worse', '|validation − after|']
console.log(`${columns.join('  ')}  variant`)
for (const [i, variant] of variants.entries()) {
  const tests = cells[i]!.map(trained => trained.map(({ test }) => test))
  const each = cells[i]!.flat()
  const found = [
    percent(mean(each.map(({ before }) => before))),
    percent(mean(each.map(({ test }) => test))),
    percent(Math.sqrt(mean(tests.map(variance)))),
    percent(mean(tests.map(some => Math.min(...some)))),
    `${percent(mean(each.map(({ before, test }) => (test < before ? 1 : 0))))} %`,
    percent(mean(each.map(({ validation, test }) => Math.abs(validation - test)))),
  ]
  console.log(
    `${found.map((value, at) => value.padStart(columns[at]!.length)).join('  ')}  ${JSON.stringify(variant)}`,
  )
}
