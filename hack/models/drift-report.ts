/**
 * What retraining is worth on the generated cameras: node hack/models/drift-report.ts [--cameras 4] [--windows 6] [--epochs 15] …
 *
 * Per camera and window k: the model first deployed / the model in use at the window's start (trained on window k − 2 and
 * before) > that model fine-tuned on what the golden model says of windows k − 1 and k − 2, all on window k; in brackets what
 * the validation split had promised, and the golden model's agreement with the truth.
 */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { ImageSet } from '../../workers/learning/image-set.ts'
import { concatImages, selectImages } from '../../workers/learning/image-set.ts'
import { train } from '../../workers/learning/train.ts'
import type { Classifier } from '../../workers/models/classifier.ts'
import { openClassifier } from '../../workers/models/classifier.ts'
import { random } from '../../workers/models/random.ts'
import { goldenFile, studentFile } from './models.ts'
import { sceneImages, windowGlimpses } from './scene-images.ts'

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '1,2,3,4' },
    windows: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '60' },
    samples: { type: 'string', default: '200' },
    history: { type: 'string', default: '2' },
    epochs: { type: 'string', default: '15' },
    batch: { type: 'string', default: '32' },
    rate: { type: 'string', default: '0.02' },
    student: { type: 'string', default: studentFile },
    golden: { type: 'string', default: goldenFile },
    blocks: { type: 'string', default: '12' },
    truth: { type: 'boolean', default: false },
  },
})
const [windows, seconds, samples, history] = [
  values.windows,
  values.seconds,
  values.samples,
  values.history,
].map(Number) as [number, number, number, number]
const testFrames = 300

const initial = new Uint8Array(await readFile(values.student))
const student = await openClassifier(initial, values.student)
const golden = values.truth
  ? null
  : await openClassifier(new Uint8Array(await readFile(values.golden)), values.golden)

const percent = (value: number): string => (value >= 0.995 ? '1.0' : value.toFixed(2).slice(1))
const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length

async function accuracy(model: Classifier, set: ImageSet): Promise<number> {
  const answers = await model.classify(set.pixels, set.count)
  return answers.filter((label, i) => label === set.labels[i]).length / set.count
}

/** Frames of a window as the student sees them, labelled by the golden model (or by the truth). */
async function frames(
  seed: number,
  window: number,
  count: number,
  draw: number,
): Promise<{ set: ImageSet; golden: number }> {
  const glimpses = windowGlimpses(seed, window, { count, windowSeconds: seconds, draw })
  const set = sceneImages(glimpses, student.input)
  if (!golden) return { set, golden: 1 }
  const labels = await golden.classify(sceneImages(glimpses, golden.input).pixels, count)
  const agreed = labels.filter((label, i) => label === set.labels[i]).length / count
  return { set: { ...set, labels }, golden: agreed }
}

/**
 * 30 % of the newest window for validation, in blocks of neighbouring frames: an object must not be learnt from and asked
 * about, and older windows were learnt from before.
 */
function splitByBlocks(
  count: number,
  length: number,
  seed: number,
  window: number,
): { learn: number[]; check: number[] } {
  const blocks = Math.ceil(count / length)
  const order = random(seed, 'split', window).permutation(blocks)
  const held = new Set(order.slice(0, Math.round(blocks * 0.3)))
  const all = Array.from({ length: count }, (_, i) => i)
  return {
    learn: all.filter(i => !held.has(Math.floor(i / length))),
    check: all.filter(i => held.has(Math.floor(i / length))),
  }
}

const totals: { before: number; stale: number; after: number; promised: number; golden: number }[] = []
let cpuSeconds = 0
for (const seed of values.cameras.split(',').map(Number)) {
  let inUse: Uint8Array = initial
  const kept: ImageSet[] = []
  const cells: string[] = []
  for (let window = 0; window < windows; window++) {
    const test = await frames(seed, window, testFrames, 1)
    const before = await accuracy(student, test.set)
    const current = await openClassifier(inUse, 'model in use')
    const stale = await accuracy(current, test.set)
    await current.close()
    if (kept.length === 0) {
      cells.push(`${percent(before)}           [gold ${percent(test.golden)}]`)
      totals.push({ before, stale: before, after: before, promised: before, golden: test.golden })
    } else {
      const [newest, ...older] = kept.slice(0, history) as [ImageSet, ...ImageSet[]]
      const { learn, check } = splitByBlocks(newest.count, samples / Number(values.blocks), seed, window)
      const outcome = await train({
        model: inUse,
        train: concatImages([selectImages(newest, learn), ...older]),
        validation: selectImages(newest, check),
        configuration: {
          epochs: Number(values.epochs),
          batchSize: Number(values.batch),
          learningRate: Number(values.rate),
          trainableLayers: 'all',
          dataFraction: 1,
          seed,
          threads: 1,
        },
      })
      cpuSeconds += outcome.epochs.reduce((sum, epoch) => sum + epoch.cpuSeconds, outcome.setupCpuSeconds)
      const trained = await openClassifier(outcome.model, 'trained')
      const after = await accuracy(trained, test.set)
      await trained.close()
      inUse = outcome.model
      const promised = outcome.bestValidationAccuracy
      cells.push(
        `${percent(before)}/${percent(stale)}>${percent(after)} (${percent(promised)}) [gold ${percent(test.golden)}]`,
      )
      totals.push({ before, stale, after, promised, golden: test.golden })
    }
    kept.unshift((await frames(seed, window, samples, 0)).set)
  }
  process.stdout.write(`camera ${seed}: ${cells.join('  ')}\n`)
}
const retrained = totals.filter((_, i) => i % windows !== 0)
process.stdout.write(
  `${[
    `without retraining ${mean(totals.map(t => t.before)).toFixed(3)}`,
    `windows 1-${windows - 1}: without ${mean(retrained.map(t => t.before)).toFixed(3)}`,
    `last window's model ${mean(retrained.map(t => t.stale)).toFixed(3)}`,
    `retrained ${mean(retrained.map(t => t.after)).toFixed(3)}`,
    `promise off by ${mean(retrained.map(t => Math.abs(t.promised - t.after))).toFixed(3)} (bias ${mean(retrained.map(t => t.promised - t.after)).toFixed(3)})`,
    `golden ${mean(totals.map(t => t.golden)).toFixed(3)}`,
    `${(cpuSeconds / retrained.length).toFixed(1)} cpu-s a training`,
  ].join(' · ')}\n`,
)
await Promise.all([student.close(), golden?.close()])
