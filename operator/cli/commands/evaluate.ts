/** `ekya evaluate`: a model and a sample list → accuracy, as a whole and by class. */

import type { SampleList } from '../../../workers/frames/samplelist.ts'
import { imageBytes } from '../../../workers/learning/image-set.ts'
import { type Classifier, largest, openClassifier } from '../../../workers/models/classifier.ts'
import { ModelError } from '../../../workers/models/errors.ts'
import { ConfigError } from '../../config/errors.ts'
import { usageOf } from '../errors.ts'
import { describeRefused, loadLists, readList } from '../labelled-images.ts'
import { checkFolder, checkInput, readModelFile } from '../model-file.ts'
import { OptionReader } from '../option-reader.ts'
import type { Io } from '../program.ts'
import { table } from '../table.ts'

/** As commander reads them. */
export interface RawEvaluateOptions {
  readonly model: string
  readonly list: string
  readonly images: string
  readonly json?: boolean
}

export interface EvaluateResult {
  /** Share of the images whose class the model names. */
  readonly accuracy: number
  readonly images: number
  readonly perClass: readonly {
    readonly class: number
    readonly images: number
    /** null: no image has the class. */
    readonly accuracy: number | null
  }[]
  /** Rows and images that were left out. */
  readonly refused: number
}

const batch = 64

export async function evaluateCommand(raw: RawEvaluateOptions, io: Io): Promise<number> {
  const { classifier, list } = await read(raw)
  try {
    const { images, refused } = await loadLists([list], classifier.input)
    io.stderr.write(describeRefused('evaluate', refused))
    const size = imageBytes(images.shape)
    const [counts, right] = [new Int32Array(classifier.classes), new Int32Array(classifier.classes)]
    for (let from = 0; from < images.count; from += batch) {
      const to = Math.min(images.count, from + batch)
      const logits = await classifier.logits(images.pixels.subarray(from * size, to * size), to - from)
      if (logits.some(Number.isNaN))
        throw new ModelError(
          'ModelInvalid',
          `${raw.model} answers NaN; accepted: a model that answers with numbers`,
        )
      const found = largest(logits, classifier.classes)
      for (const [i, label] of images.labels.subarray(from, to).entries()) {
        counts[label]!++
        if (found[i] === label) right[label]!++
      }
    }
    const result: EvaluateResult = {
      accuracy: right.reduce((sum, count) => sum + count, 0) / images.count,
      images: images.count,
      perClass: Array.from(counts, (count, label) => ({
        class: label,
        images: count,
        accuracy: count === 0 ? null : right[label]! / count,
      })),
      refused: refused.length,
    }
    io.stdout.write(raw.json === true ? `${JSON.stringify(result, null, 2)}\n` : asText(result))
    return 0
  } finally {
    await classifier.close()
  }
}

/** @throws UsageError with all that is wrong; ModelError for a file that is no classifier. */
async function read(raw: RawEvaluateOptions): Promise<{ classifier: Classifier; list: SampleList }> {
  const reader = new OptionReader()
  await checkFolder(reader, '--images', raw.images)
  const model = await readModelFile(reader, raw.model)
  const classifier = model === undefined ? undefined : await openClassifier(model, raw.model)
  try {
    if (classifier !== undefined) checkInput(reader, raw.model, classifier.input)
    const classes = classifier?.classes ?? Number.MAX_SAFE_INTEGER
    const list = await readList(reader, '--list', raw.list, { images: raw.images, classes })
    reader.check()
    return { classifier: classifier!, list: list! }
  } catch (error) {
    await classifier?.close()
    throw error instanceof ConfigError ? usageOf('evaluate', error) : error
  }
}

const percent = (part: number | null): string => (part === null ? '-' : (100 * part).toFixed(1))

function asText({ accuracy, images, perClass, refused }: EvaluateResult): string {
  const rows = perClass.map(each => [String(each.class), String(each.images), percent(each.accuracy)])
  return [
    `${percent(accuracy)} % of ${images} images right, ${refused} left out`,
    ...table(['class', 'images', 'right %'], rows, []),
    '',
  ].join('\n')
}
