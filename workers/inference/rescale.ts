/** Enlarges an image of RGB planes (CHW) by linear interpolation: what a camera of lower resolution would have sent. */
import type { Shape } from '../frames/resize.ts'

export function enlargePlanes(pixels: Uint8Array, from: Shape, to: Shape): Uint8Array {
  const channels = pixels.length / (from.height * from.width)
  const into = new Uint8Array(channels * to.height * to.width)
  const columns = positions(from.width, to.width)
  const rows = positions(from.height, to.height)
  let at = 0
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * from.height * from.width
    for (const row of rows) {
      const upper = plane + row.low * from.width
      const lower = plane + row.high * from.width
      for (const { low, high, weight } of columns) {
        const top = pixels[upper + low]! * (1 - weight) + pixels[upper + high]! * weight
        const bottom = pixels[lower + low]! * (1 - weight) + pixels[lower + high]! * weight
        into[at++] = top * (1 - row.weight) + bottom * row.weight + 0.5
      }
    }
  }
  return into
}

/** Size of the analysed image: `scale` of each side, at least one pixel. */
export const scaledShape = ({ height, width }: Shape, scale: number): Shape => ({
  height: Math.max(1, Math.round(height * scale)),
  width: Math.max(1, Math.round(width * scale)),
})

interface Position {
  readonly low: number
  readonly high: number
  /** Of the pixel `high`. */
  readonly weight: number
}

const positions = (from: number, to: number): readonly Position[] =>
  Array.from({ length: to }, (_, i) => {
    const exact = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    const low = Math.floor(exact)
    return { low, high: Math.min(low + 1, from - 1), weight: exact - low }
  })
