/**
 * How fast students are trained, against PyTorch on the same machine with the same threads: npm run bench -- training-speed
 *   [--threads 2] [--rounds 5] [--seconds 3] [--only NAME] [--python FILE | --without-pytorch] [--spin] [--json]
 *
 * FILE is a Python that has PyTorch; without it one is installed into the cache folder on first use. With `--spin` our threads wait for each other as
 * PyTorch's do; in pods they sleep.
 *
 * Images per second of the clock, making the batches included, validation not. Rounds of ours and PyTorch's alternate, each of about
 * `--seconds`; the ratio is the median of the rounds' ratios. Of the head alone ours is a whole training of 15 epochs over 512 images, the
 * pass through the frozen layers included: it is made once and kept. PyTorch makes it in each step, as is usual there.
 *
 * Besides, in cpu seconds, which say something of one thread on a busy machine, too: images per cpu second of steps, of ours in the best epoch and
 * of PyTorch in the best round, and the set-up of a training of ours (graphs, sessions and baseline).
 *
 * Only an idle machine gives a fair ratio: PyTorch's threads wait for each other by spinning, so that it loses by far more than we do to
 * whatever else runs. The load before the first round is printed, and must be near 0.
 */
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { ImageSet } from '../../workers/learning/image-set.ts'
import { createTrainer } from '../../workers/learning/trainer.ts'
import type { TrainingConfiguration, TrainingOutcome } from '../../workers/learning/training.ts'
import { mobilenetv2 } from '../../workers/models/architectures/mobilenetv2.ts'
import { resnet18 } from '../../workers/models/architectures/resnet18.ts'
import { smallCnn } from '../../workers/models/architectures/small-cnn.ts'
import { random } from '../../workers/models/random.ts'
import { machine } from './support/machine.ts'
import { type PyTorch, startPyTorch } from './support/pytorch.ts'

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
    python: { type: 'string' },
    spin: { type: 'boolean', default: false },
    'without-pytorch': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const [threads, rounds, seconds] = [Number(values.threads), Number(values.rounds), Number(values.seconds)]
const classes = 6
const headEpochs = 15

const networks = [
  {
    ...{ network: 'small-cnn', batch: 64, side: 32 },
    model: smallCnn({ classes, seed: 1, widths: [32, 64, 128] }),
  },
  { network: 'resnet18', batch: 32, side: 32, model: resnet18({ classes, seed: 1 }) },
  {
    ...{ network: 'mobilenetv2', batch: 16, side: 64 },
    model: mobilenetv2({ classes, seed: 1, shape: { channels: 3, height: 64, width: 64 } }),
  },
] as const
type Case = (typeof networks)[number] & { readonly trainable: 'all' | 'head' }
const cases: Case[] = networks
  .flatMap(each => [
    { ...each, trainable: 'all' as const },
    { ...each, trainable: 'head' as const },
  ])
  .filter(each => values.only === undefined || `${each.network} ${each.trainable}`.includes(values.only))

function images(count: number, side: number): ImageSet {
  const draw = random(count, 'training-speed')
  return {
    count,
    shape: { channels: 3, height: side, width: side },
    pixels: Uint8Array.from({ length: count * 3 * side * side }, () => draw.integer(256)),
    labels: Int32Array.from({ length: count }, () => draw.integer(classes)),
  }
}

async function ours({ model, batch, side, trainable }: Case) {
  const trainer = await createTrainer(model, {
    threads,
    spin: values.spin,
    prepareAside: availableParallelism() > 1,
  })
  const validation = images(1, side)
  const configuration: TrainingConfiguration = {
    ...{ batchSize: batch, learningRate: 0.01, augment: false, dataFraction: 1, seed: 1 },
    ...{ trainableLayers: trainable, threads, epochs: 1 },
  }
  let perCpuSecond = 0
  let setupCpuSeconds: number | undefined
  const noted = ({ epochs, samples, ...outcome }: TrainingOutcome): void => {
    setupCpuSeconds ??= outcome.setupCpuSeconds - outcome.featureCpuSeconds
    perCpuSecond = Math.max(perCpuSecond, ...epochs.map(epoch => samples / epoch.stepCpuSeconds))
  }
  /** Seconds of the steps. */
  const all = async (train: ImageSet, epochs: number): Promise<number> => {
    let [inSteps, at] = [0, 0]
    const hooks = {
      onStep(done: number) {
        const now = performance.now()
        if (done > 0) inSteps += now - at
        at = now
      },
      // The validation between two epochs is not a step.
      onEpoch() {
        at = performance.now()
      },
    }
    noted(await trainer.train({ train, validation, configuration: { ...configuration, epochs } }, hooks))
    return inSteps / 1000
  }
  const set = images(trainable === 'all' ? 8 * batch : 512, side)
  /** Seconds of so many steps (all layers) or of a whole training (the head). */
  const run = async (epochs: number): Promise<number> => {
    if (trainable === 'all') return all(set, epochs)
    // A set that the trainer has not seen: nothing of it is kept.
    const fresh = { ...set }
    const begun = performance.now()
    const request = { train: fresh, validation, configuration: { ...configuration, epochs: headEpochs } }
    const outcome = await trainer.train(request)
    const taken = performance.now() - begun
    noted(outcome)
    return taken / 1000
  }
  const once = trainable === 'all' ? set.count : set.count * headEpochs
  const warm = await run(1)
  const epochs = trainable === 'all' ? Math.max(1, Math.round(seconds / warm)) : 1
  return {
    async rate() {
      return (once * epochs) / (await run(epochs))
    },
    measured: () => ({ perCpuSecond, setupCpuSeconds }),
    close: () => trainer.close(),
  }
}

async function theirs(pytorch: PyTorch, { network, trainable, batch, side }: Case) {
  const request = { network, trainable, batch, side, classes, threads }
  const warm = await pytorch.train({ ...request, steps: 3 })
  const steps = Math.max(2, Math.round((3 * seconds) / warm.seconds))
  let perCpuSecond = 0
  return {
    async rate() {
      const { seconds, cpuSeconds } = await pytorch.train({ ...request, steps })
      perCpuSecond = Math.max(perCpuSecond, (steps * batch) / cpuSeconds)
      return (steps * batch) / seconds
    },
    measured: () => ({ perCpuSecond }),
  }
}

const median = (of: readonly number[]): number => of.toSorted((a, b) => a - b)[of.length >> 1]!

/** Of the last minute. */
const load = loadavg()[0]!
let pytorch: PyTorch | undefined
let absent = 'not asked for'
if (!values['without-pytorch'])
  try {
    pytorch = await startPyTorch(values.python)
  } catch (error) {
    absent = (error as Error).message
    if (values.python !== undefined) {
      process.stderr.write(`${absent}\n`)
      process.exit(2)
    }
  }

const rows = []
for (const each of cases) {
  const [mine, other] = [await ours(each), pytorch && (await theirs(pytorch, each))]
  const measured: { readonly ours: number; readonly pytorch?: number }[] = []
  for (let i = 0; i < rounds; i++)
    measured.push({ ours: await mine.rate(), ...(other ? { pytorch: await other.rate() } : {}) })
  await mine.close()
  const { perCpuSecond, setupCpuSeconds } = mine.measured()
  const ratios = measured.map(round => round.ours / (round.pytorch ?? Number.NaN))
  rows.push({
    network: each.network,
    trained: each.trainable,
    batch: each.batch,
    ours: median(measured.map(round => round.ours)),
    ...(other
      ? {
          pytorch: median(measured.map(round => round.pytorch!)),
          ratio: median(ratios),
          lowest: Math.min(...ratios),
          highest: Math.max(...ratios),
        }
      : {}),
    oursPerCpuSecond: perCpuSecond,
    ...(other ? { pytorchPerCpuSecond: other.measured().perCpuSecond } : {}),
    setupCpuSeconds,
  })
}
pytorch?.close()

const against = pytorch === undefined ? `no PyTorch: ${absent}` : `PyTorch ${pytorch.version}`
if (values.json)
  console.log(JSON.stringify({ machine: machine(), load, threads, rounds, against, rows }, null, 2))
else {
  console.log(
    `${machine()}, load ${load.toFixed(1)}; ${threads} threads, ${rounds} rounds; ${against}; images per second`,
  )
  console.table(
    rows.map(row =>
      Object.fromEntries(
        Object.entries(row).map(([key, value]) => {
          if (typeof value !== 'number' || key === 'batch') return [key, value]
          return [key, value.toFixed(value < 100 ? 2 : 0)]
        }),
      ),
    ),
  )
}
