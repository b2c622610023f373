/**
 * Whether a long training keeps its memory: npm run bench -- training-memory [--steps 10000] [--threads 1] [--json]
 *
 * small-cnn (8-16) on images of 3 × 16 × 16, batches of 16, 50 steps an epoch with a validation after each. Prints the resident memory of
 * the process at every tenth of the steps, after a collection of garbage, and the slope of a line through those from the fourth on (until
 * then the runtime's memory settles). V8 doubles the space of its young objects, up to 64 MiB, when it likes: here it keeps to 4 MiB, so that
 * such a jump is not taken for a leak.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { ImageSet } from '../../workers/learning/image-set.ts'
import { createTrainer } from '../../workers/learning/trainer.ts'
import { smallCnn } from '../../workers/models/architectures/small-cnn.ts'
import { random } from '../../workers/models/random.ts'
import { machine } from './support/machine.ts'

const flags = ['--max-semi-space-size=4', '--expose-gc']
if (!flags.every(flag => process.execArgv.includes(flag))) {
  const again = spawnSync(process.execPath, [...flags, ...process.argv.slice(1)], { stdio: 'inherit' })
  process.exit(again.status ?? 1)
}

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '10000' },
    threads: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const classes = 6
const shape = { channels: 3, height: 16, width: 16 }
const [batchSize, stepsPerEpoch] = [16, 50]
const epochs = Math.ceil(Number(values.steps) / stepsPerEpoch)
const steps = epochs * stepsPerEpoch

function images(count: number): ImageSet {
  const draw = random(count, 'training-memory')
  return {
    count,
    shape,
    pixels: Uint8Array.from({ length: count * 768 }, () => draw.integer(256)),
    labels: Int32Array.from({ length: count }, () => draw.integer(classes)),
  }
}

const readings: { readonly step: number; readonly residentMiB: number; readonly heapMiB: number }[] = []
// As `ekya train` does.
const trainer = await createTrainer(smallCnn({ classes, seed: 1, widths: [8, 16], shape }), {
  prepareAside: availableParallelism() > 1,
})
await trainer.train(
  {
    train: images(batchSize * stepsPerEpoch),
    validation: images(64),
    configuration: {
      ...{ epochs, batchSize, learningRate: 0.01, trainableLayers: 'all', dataFraction: 1, seed: 1 },
      threads: Number(values.threads),
    },
  },
  {
    onStep(step) {
      if (step % Math.max(1, Math.floor(steps / 10)) !== 0) return
      globalThis.gc?.()
      const { rss, heapUsed } = process.memoryUsage()
      readings.push({ step, residentMiB: rss / 2 ** 20, heapMiB: heapUsed / 2 ** 20 })
    },
  },
)
await trainer.close()

/** Least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const along = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return along / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}
const mibPerThousand = 1000 * slope(readings.slice(3).map(each => [each.step, each.residentMiB] as const))

if (values.json) console.log(JSON.stringify({ machine: machine(), steps, readings, mibPerThousand }, null, 2))
else {
  console.log(`${machine()}; ${steps} steps`)
  console.table(
    readings.map(({ step, residentMiB, heapMiB }) => ({
      step,
      'resident MiB': residentMiB.toFixed(1),
      'heap MiB': heapMiB.toFixed(1),
    })),
  )
  console.log(`slope from the fourth reading on: ${mibPerThousand.toFixed(3)} MiB per 1,000 steps`)
}
