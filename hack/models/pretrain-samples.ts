/**
 * The student of a samples folder: a small network trained on the folder's pretrain.csv, once, and kept in the cache by the
 * digest of that list and of how it is trained. The same list gives the same model on every machine of a kind.
 */
import { createHash, randomUUID } from 'node:crypto'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FrameError } from '../../workers/frames/errors.ts'
import { loadImages } from '../../workers/frames/images.ts'
import { readSampleList } from '../../workers/frames/samplelist.ts'
import { selectImages } from '../../workers/learning/image-set.ts'
import { train } from '../../workers/learning/train.ts'
import type { TrainingConfiguration } from '../../workers/learning/training.ts'
import { smallCnn } from '../../workers/models/architectures/small-cnn.ts'
import { random } from '../../workers/models/random.ts'

const list = 'pretrain.csv'
const maximumClasses = 1000

const recipe = {
  /** Counts up when the same settings would give another model. */
  version: 1,
  seed: 7,
  widths: [32, 64, 128],
  shape: { channels: 3, height: 32, width: 32 },
  validationFraction: 0.1,
  training: {
    epochs: 14,
    batchSize: 64,
    learningRate: 0.05,
    momentum: 0.9,
    trainableLayers: 'all',
    photometric: 0,
    dataFraction: 1,
    seed: 7,
    threads: 1,
  } satisfies TrainingConfiguration,
}

export interface PretrainOptions {
  /** Models are kept in its folder `models`. */
  readonly cacheFolder: string
  /** Number of classes; default: as many as the list names. */
  readonly classes?: number
  /** One line at a time, fit for a terminal. */
  readonly onProgress?: (message: string) => void
}

/** @returns the path of the model. @throws FrameError SourceNotFound (no pretrain.csv) or LabelsInvalid. */
export async function pretrainedStudent(
  folder: string,
  { cacheFolder, classes, onProgress = () => {} }: PretrainOptions,
  signal?: AbortSignal,
): Promise<string> {
  const file = join(folder, list)
  const bytes = await readFile(file).catch(cause => {
    throw new FrameError(
      'SourceNotFound',
      `${file}: no such list; a samples folder needs one, or give a model`,
      {
        cause,
      },
    )
  })
  const key = createHash('sha256')
    .update(bytes)
    .update(JSON.stringify({ ...recipe, classes }))
    .digest('hex')
  const path = join(cacheFolder, 'models', `${key.slice(0, 32)}.onnx`)
  const kept = await access(path).then(
    () => true,
    () => false,
  )
  if (kept) return path
  onProgress(`pretraining a student on ${file} (once)`)
  const { samples } = await readSampleList(file, { classes: classes ?? maximumClasses, root: folder }, signal)
  const { images } = await loadImages(samples, recipe.shape, signal)
  const order = random(recipe.seed, 'split').permutation(images.count)
  const cut = Math.round(images.count * recipe.validationFraction)
  const { epochs } = recipe.training
  const { model } = await train(
    {
      model: smallCnn({
        classes: classes ?? 1 + images.labels.reduce((most, label) => Math.max(most, label), 1),
        seed: recipe.seed,
        widths: recipe.widths,
        shape: recipe.shape,
      }),
      train: selectImages(images, order.slice(cut)),
      validation: selectImages(images, order.slice(0, cut)),
      configuration: recipe.training,
    },
    {
      onEpoch: ({ epoch, validationAccuracy }) =>
        onProgress(
          `pretraining: epoch ${epoch} of ${epochs}, ${(100 * validationAccuracy).toFixed(0)} % right`,
        ),
    },
    signal,
  )
  await mkdir(join(cacheFolder, 'models'), { recursive: true })
  const partial = `${path}.${randomUUID()}.partial`
  try {
    await writeFile(partial, model)
    await rename(partial, path)
  } finally {
    await rm(partial, { force: true })
  }
  return path
}
