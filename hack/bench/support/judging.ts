/** What models are right about. */
import type { ImageSet } from '../../../workers/learning/image-set.ts'
import { openClassifier } from '../../../workers/models/classifier.ts'

/** Of each image in their order: 1 is right. */
export async function rightOf(model: Uint8Array, images: ImageSet, threads = 1): Promise<string> {
  const classifier = await openClassifier(model, 'model', { threads })
  const found = await classifier.classify(images.pixels, images.count)
  await classifier.close()
  return Array.from(found, (label, i) => (label === images.labels[i] ? '1' : '0')).join('')
}

export const share = (right: string): number => right.replaceAll('0', '').length / right.length

export const accuracyOf = async (model: Uint8Array, images: ImageSet, threads = 1): Promise<number> =>
  share(await rightOf(model, images, threads))
