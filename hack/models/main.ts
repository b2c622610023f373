/**
 * npm run models: trains the built-in models of the generated street, and checks the ones that are there.
 *
 *   node hack/models/main.ts [student|golden …]   trains (default both), writes the files and the manifest
 *   node hack/models/main.ts --check              measures the files that are there; fails if they do not keep the manifest
 *
 * Deterministic by seed with one thread. Training takes minutes; checking takes seconds.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { sceneClasses } from '../../workers/frames/scene/objects.ts'
import { train } from '../../workers/learning/train.ts'
import { smallCnn } from '../../workers/models/architectures/small-cnn.ts'
import { openClassifier } from '../../workers/models/classifier.ts'
import type { Recipe } from './models.ts'
import { golden, manifestFile, student, testSeeds } from './models.ts'
import { manyStreets, sceneImages } from './scene-images.ts'

const recipes: Readonly<Record<string, Recipe>> = { student, golden }

interface Entry {
  readonly file: string
  readonly digest: string
  readonly seed: number
  readonly bytes: number
  /** Shares of frames that are labelled rightly, on streets that no model has learnt from. */
  readonly accuracy: { readonly plain: number; readonly street: number }
}
type Manifest = Readonly<Record<string, Entry>>

const say = (message: string): void => {
  process.stdout.write(`${message}\n`)
}

async function measure(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Entry> {
  const { file, network } = recipes[name]!
  const model = await openClassifier(bytes, file, { expectedClasses: sceneClasses.length })
  const accuracyOn = async (preset: 'plain' | 'street'): Promise<number> => {
    const set = sceneImages(
      manyStreets(preset, testSeeds, { streets: 40, perStreet: 20, horizonSeconds: 900 }),
      model.input,
    )
    const answers = await model.classify(set.pixels, set.count)
    return Number((answers.filter((label, i) => label === set.labels[i]).length / set.count).toFixed(4))
  }
  try {
    const accuracy = { plain: await accuracyOn('plain'), street: await accuracyOn('street') }
    return { file: basename(file), digest: model.digest, seed: network.seed, bytes: bytes.length, accuracy }
  } finally {
    await model.close()
  }
}

async function build(name: string): Promise<Entry> {
  const { file, about, network, training, ...frames } = recipes[name]!
  say(about)
  const { model } = await train(
    {
      model: smallCnn({ ...network, classes: sceneClasses.length }),
      train: sceneImages(frames.train(), network.shape),
      validation: sceneImages(frames.validation(), network.shape),
      configuration: training,
    },
    {
      onEpoch: ({ epoch, loss, validationAccuracy, cpuSeconds }) =>
        say(
          `  epoch ${epoch}/${training.epochs}: loss ${loss.toFixed(3)}, right ${validationAccuracy.toFixed(3)}, ${cpuSeconds.toFixed(0)} cpu-s`,
        ),
    },
  )
  await writeFile(file, model)
  return measure(name, new Uint8Array(model))
}

async function readManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(manifestFile, 'utf8').catch(() => '{}'))
}

async function check(): Promise<boolean> {
  const manifest = await readManifest()
  let good = true
  for (const name of Object.keys(recipes)) {
    const want = manifest[name]
    const found = await measure(name, new Uint8Array(await readFile(recipes[name]!.file)))
    // Other processors round differently: a frame or two may change sides.
    const close = (a: number, b: number | undefined): boolean => b !== undefined && Math.abs(a - b) <= 0.01
    const kept =
      found.digest === want?.digest &&
      close(found.accuracy.plain, want.accuracy.plain) &&
      close(found.accuracy.street, want.accuracy.street)
    say(
      `${kept ? 'ok  ' : 'BAD '} ${JSON.stringify(found)}${kept ? '' : ` — manifest: ${JSON.stringify(want)}`}`,
    )
    good &&= kept
  }
  return good
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false } },
})
if (values.check) {
  process.exitCode = (await check()) ? 0 : 1
} else {
  const names = positionals.length > 0 ? positionals : Object.keys(recipes)
  const unknown = names.filter(name => !recipes[name])
  if (unknown.length > 0) {
    say(`unknown model ${unknown.join(', ')}; accepted: ${Object.keys(recipes).join(', ')}`)
    process.exit(2)
  }
  for (const name of names) {
    const entry = await build(name)
    say(JSON.stringify(entry))
    await writeFile(
      manifestFile,
      `${JSON.stringify({ ...(await readManifest()), [name]: entry }, null, 2)}\n`,
    )
  }
}
