/** Images of a batch as the network reads them: altered, as floats in [−1, 1]. */
import { normalisePixels } from '../../models/pixels.ts'
import { type Alteration, alterImage, unaltered } from '../alterations.ts'
import { type ImageShape, imageBytes } from '../image-set.ts'

export interface Rendering {
  /** Of all images. */
  readonly pixels: Uint8Array
  readonly shape: ImageShape
  /** Which of them. */
  readonly indexes: ArrayLike<number>
  /** Of each of those; absent: as they are. */
  readonly alterations?: readonly Alteration[]
}

const scale = normalisePixels(Uint8Array.from({ length: 256 }, (_, value) => value))

export function render({ pixels, shape, indexes, alterations }: Rendering): Float32Array<ArrayBuffer> {
  const size = imageBytes(shape)
  const into = new Float32Array(indexes.length * size)
  for (let i = 0; i < indexes.length; i++) {
    const from = pixels.subarray(indexes[i]! * size, (indexes[i]! + 1) * size)
    alterImage(from, shape, alterations?.[i] ?? unaltered, scale, into, i * size)
  }
  return into
}
