/**
 * What retraining keeps on cameras that drift: npm run bench -- drift-accuracy FOLDER [--threads 2] [--json]
 *
 * small-cnn is pretrained on FOLDER/pretrain.csv. Then, window by window, each camera's model is trained on the window's first 200 images
 * and tested on the other 100; the next window begins with its weights. Beside it, on the same images: the pretrained model, and the
 * model of the window before. Configurations are the same for all cameras; weights are chosen by accuracy on images that were trained on, never on those
 * of the test.
 */
import { parseArgs } from 'node:util'
import { pretraining } from '../../operator/cli/profile-log/grid.ts'
import { type ImageSet, selectImages } from '../../workers/learning/image-set.ts'
import { train } from '../../workers/learning/train.ts'
import type { TrainingConfiguration } from '../../workers/learning/training.ts'
import { architectures } from '../../workers/models/architectures/registry.ts'
import { driftList } from './support/drift-data.ts'
import { accuracyOf } from './support/judging.ts'
import { machine } from './support/machine.ts'
import { mean, range } from './support/numbers.ts'

const [cameras, windows, trained, classes] = [6, 8, 200, 6]

const retraining = {
  epochs: 15,
  batchSize: 32,
  learningRate: 0.02,
  trainableLayers: 'all',
  dataFraction: 1,
} as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string', default: '2' }, json: { type: 'boolean', default: false } },
})
const [folder] = positionals
if (folder === undefined || positionals.length > 1) {
  console.error(
    'usage: npm run bench -- drift-accuracy FOLDER [--threads 2] [--json]; FOLDER holds pretrain.csv and cam-0 to cam-5',
  )
  process.exit(2)
}
const threads = Number(values.threads)

async function trainOn(
  model: Uint8Array,
  images: ImageSet,
  configuration: Omit<TrainingConfiguration, 'seed' | 'threads'>,
  seed: number,
): Promise<Uint8Array> {
  const outcome = await train({
    model,
    train: images,
    validation: selectImages(images, range(Math.min(64, images.count))),
    configuration: { ...configuration, seed, threads },
  })
  return outcome.model
}

interface Cell {
  /** The pretrained model, the model of the window before, and the retrained one, on the same images. */
  readonly without: number
  readonly before: number
  readonly retrained: number
}

const begun = performance.now()
const pretrained = await trainOn(
  architectures['small-cnn']!({ classes, seed: 0 }),
  await driftList(folder, 'pretrain.csv'),
  pretraining,
  0,
)
const cells: Cell[][] = []
for (const camera of range(cameras)) {
  let model = pretrained
  const own: Cell[] = []
  for (const window of range(windows)) {
    const images = await driftList(folder, `cam-${camera}/${window}.csv`)
    const test = selectImages(images, range(images.count - trained, trained))
    const [without, before] = [
      await accuracyOf(pretrained, test, threads),
      await accuracyOf(model, test, threads),
    ]
    const given = selectImages(images, range(trained))
    model = await trainOn(model, given, retraining, 100 * camera + window)
    own.push({ without, before, retrained: await accuracyOf(model, test, threads) })
  }
  cells.push(own)
  if (!values.json)
    console.log(
      `cam-${camera}  ${own.map(cell => `${cell.without.toFixed(2)}/${cell.before.toFixed(2)}>${cell.retrained.toFixed(2)}`).join('  ')}`,
    )
}
const over = (key: keyof Cell): number => Number(mean(cells.flat().map(cell => cell[key])).toFixed(4))
const summary = {
  machine: machine(),
  ...{ threads, seconds: Math.round((performance.now() - begun) / 1000) },
  ...{ without: over('without'), before: over('before'), retrained: over('retrained') },
}
if (values.json) console.log(JSON.stringify({ ...summary, cells }, null, 2))
else
  console.log(
    `mean of ${cameras} × ${windows} windows: without retraining ${summary.without.toFixed(3)}, model of the window before ` +
      `${summary.before.toFixed(3)}, retrained ${summary.retrained.toFixed(3)} (${summary.seconds} s; ${summary.machine})`,
  )
