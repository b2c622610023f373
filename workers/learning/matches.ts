/** How answers are held against labels, wherever a model is judged. */
import type { Classifier } from '../models/classifier.ts'
import { type ImageSet, imageBytes } from './image-set.ts'

/** Images that are judged at once: more need memory and gain nothing. */
export const evaluationBatch = 64

/** Answers that are the label. */
export const matches = (found: Int32Array, labels: Int32Array): number =>
  found.reduce((sum, label, i) => sum + (label === labels[i] ? 1 : 0), 0)

/** Share of the images that a classifier is right about. @param anySize false: a last batch of fewer images is filled up with black ones */
export async function accuracyOf(
  classifier: Pick<Classifier, 'classify'>,
  { shape, pixels, labels, count }: ImageSet,
  anySize = true,
): Promise<number> {
  const size = imageBytes(shape)
  let correct = 0
  for (let from = 0; from < count; from += evaluationBatch) {
    const to = Math.min(count, from + evaluationBatch)
    const given = pixels.subarray(from * size, to * size)
    const found = anySize
      ? await classifier.classify(given, to - from)
      : await classifier.classify(filledUpWithBlack(given, evaluationBatch * size), evaluationBatch)
    correct += matches(found.subarray(0, to - from), labels.subarray(from, to))
  }
  return correct / count
}

function filledUpWithBlack(pixels: Uint8Array, size: number): Uint8Array {
  if (pixels.length === size) return pixels
  const filled = new Uint8Array(size)
  filled.set(pixels)
  return filled
}
