/**
 * How fast students are trained: npm run bench -- training [--threads 1] [--batch 64] [--json]
 *
 * small-cnn on random images of 3 × 32 × 32. Rates are images per cpu second of training steps (validation and set-up apart); set-up is
 * reading the model, writing the graphs and opening the sessions, in cpu seconds, the second time (what the libraries cost once is left out).
 */
import { parseArgs } from 'node:util'
import type { ImageSet } from '../../workers/learning/image-set.ts'
import { train } from '../../workers/learning/train.ts'
import type { TrainingConfiguration } from '../../workers/learning/training.ts'
import { smallCnn } from '../../workers/models/architectures/small-cnn.ts'
import { random } from '../../workers/models/random.ts'

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '1' },
    batch: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
})
const [threads, batchSize] = [Number(values.threads), Number(values.batch)]
const classes = 6

function images(count: number): ImageSet {
  const draw = random(1, 'bench')
  return {
    count,
    shape: { channels: 3, height: 32, width: 32 },
    pixels: Uint8Array.from({ length: count * 3072 }, () => draw.integer(256)),
    labels: Int32Array.from({ length: count }, () => draw.integer(classes)),
  }
}

const [trainSet, validation] = [images(512), images(128)]

async function measure(widths: readonly number[], trainableLayers: TrainingConfiguration['trainableLayers']) {
  const configuration = {
    epochs: 3,
    batchSize,
    learningRate: 0.01,
    trainableLayers,
    dataFraction: 1,
    seed: 1,
    threads,
  }
  const request = {
    model: smallCnn({ classes, seed: 1, widths }),
    train: trainSet,
    validation,
    configuration,
  }
  await train({ ...request, configuration: { ...configuration, epochs: 1 } })
  const begun = performance.now()
  const { epochs, setupCpuSeconds } = await train(request)
  const steps = Math.min(...epochs.map(each => each.stepCpuSeconds))
  const checks = Math.min(...epochs.map(each => each.cpuSeconds - each.stepCpuSeconds))
  return {
    widths: widths.join('-'),
    trainableLayers,
    imagesPerCpuSecond: Math.round(trainSet.count / steps),
    validatedPerCpuSecond: Math.round(validation.count / checks),
    setupCpuSeconds: Number(setupCpuSeconds.toFixed(3)),
    imagesPerSecond: Math.round((trainSet.count * epochs.length * 1000) / (performance.now() - begun)),
  }
}

const rows = []
for (const widths of [
  [16, 32, 64],
  [32, 64, 128],
])
  for (const trainable of ['all', 2, 'head'] as const) rows.push(await measure(widths, trainable))
if (values.json) console.log(JSON.stringify({ threads, batchSize, rows }))
else console.table(rows)
