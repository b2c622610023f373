/** How an image is altered before it is trained on: flipped, shifted, and put into another light. */
import type { Random } from '../models/random.ts'
import type { ImageShape } from './image-set.ts'

export interface Alteration {
  readonly flip: boolean
  /** Pixels by which the image moves to the right and down; the edge is repeated. */
  readonly right: number
  readonly down: number
  /** Another light; absent: as it is. */
  readonly light?: Light
}

export interface Light {
  /** Factor of each channel's brightness. */
  readonly gains: readonly number[]
  /** Factor of the distance from the image's mean. */
  readonly contrast: number
}

export const unaltered: Alteration = { flip: false, right: 0, down: 0 }

const largestShift = 2

/** @param photometric strength of the changes of light, 0 for none */
export function randomAlteration(draw: Random, photometric: number): Alteration {
  const shift = (): number => draw.integer(2 * largestShift + 1) - largestShift
  const moved = { flip: draw.next() < 0.5, right: shift(), down: shift() }
  return photometric === 0 ? moved : { ...moved, light: light(draw, photometric) }
}

/** Tints are weaker than changes of brightness, as they are outdoors. */
const tintStrength = 0.3

function light(draw: Random, strength: number): Light {
  const either = (most: number): number => Math.exp((2 * draw.next() - 1) * most)
  const contrast = either(strength)
  const brightness = either(strength)
  const tint = (): number => brightness * either(strength * tintStrength)
  return { gains: [tint(), tint(), tint()], contrast }
}

/** Copies one image, altered, as floats in [−1, 1]. `scale` maps bytes to floats where the light stays as it is. */
export function alterImage(
  from: Uint8Array,
  { channels, height, width }: ImageShape,
  { flip, right, down, light: changed }: Alteration,
  scale: Float32Array,
  into: Float32Array,
  offset: number,
): void {
  const scales = changed === undefined ? undefined : litScales(from, channels, changed)
  // Columns that the image covers; what it left is filled with its edges.
  const first = Math.min(width, Math.max(0, right))
  const last = Math.max(0, Math.min(width, width + right))
  const [leftmost, rightmost, along] = flip ? [width - 1, 0, -1] : [0, width - 1, 1]
  let at = offset
  for (let channel = 0; channel < channels; channel++) {
    const values = scales?.[channel] ?? scale
    for (let y = 0; y < height; y++) {
      const row = (channel * height + clamp(y - down, height)) * width
      const [left, end] = [values[from[row + leftmost]!]!, values[from[row + rightmost]!]!]
      for (let x = 0; x < first; x++) into[at++] = left
      let source = row + leftmost + along * (first - right)
      for (let x = first; x < last; x++) {
        into[at++] = values[from[source]!]!
        source += along
      }
      for (let x = last; x < width; x++) into[at++] = end
    }
  }
}

/** What each byte of each channel becomes in another light: the change is the same for all pixels, so a table holds it. */
function litScales(image: Uint8Array, channels: number, { gains, contrast }: Light): Float32Array[] {
  const size = image.length / channels
  const gain = (channel: number): number => gains[channel % gains.length]! / 127.5
  let mean = 0
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0
    for (let i = channel * size; i < (channel + 1) * size; i++) sum += image[i]!
    mean += (sum / size) * gain(channel) - 1
  }
  mean /= channels
  return Array.from({ length: channels }, (_, channel) => {
    const table = new Float32Array(256)
    const factor = gain(channel)
    for (let byte = 0; byte < 256; byte++) {
      const value = (byte * factor - 1 - mean) * contrast + mean
      table[byte] = Math.min(1, Math.max(-1, value))
    }
    return table
  })
}

const clamp = (place: number, size: number): number => (place < 0 ? 0 : place >= size ? size - 1 : place)
