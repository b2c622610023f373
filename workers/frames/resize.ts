/**
 * Resizing of RGB images: a triangle filter as wide as the reduction, so that every source pixel counts when shrinking, and
 * plain linear interpolation when growing. Rendered frames and decoded files go through the same code on purpose: a student
 * must see the very same pixels when it is served and when it is trained.
 */
export interface Shape {
  readonly height: number
  readonly width: number
}

/** An image as decoders and the renderer leave it: bytes R, G, B, pixel by pixel (HWC). */
export interface Image extends Shape {
  readonly data: Uint8Array
}

/** A rectangle in pixels; x1 and y1 lie outside. */
export interface Box {
  readonly x0: number
  readonly y0: number
  readonly x1: number
  readonly y1: number
}

interface Filter {
  /** First source position of each output position. */
  readonly first: Int32Array
  /** Taps per output position. */
  readonly taps: number
  /** Weights, `taps` for each output position; they sum to 1. */
  readonly weights: Float32Array
}

/** Part of an image (default: all of it) at the asked size, channel by channel (CHW). */
export function resizeToPlanes(
  image: Image,
  shape: Shape,
  box?: Box,
  into: Uint8Array = new Uint8Array(3 * shape.height * shape.width),
): Uint8Array {
  const x0 = box?.x0 ?? 0
  const y0 = box?.y0 ?? 0
  const width = (box?.x1 ?? image.width) - x0
  const height = (box?.y1 ?? image.height) - y0
  const plane = shape.height * shape.width
  const across = filterFor(width, shape.width)
  const down = filterFor(height, shape.height)
  // Columns first, for each source row; the rows of the result are then sums of a few of these.
  const narrow = scratch(height * shape.width * 3)
  const { data } = image
  for (let y = 0; y < height; y++) {
    const row = ((y0 + y) * image.width + x0) * 3
    for (let x = 0, to = y * shape.width * 3; x < shape.width; x++, to += 3) {
      let r = 0
      let g = 0
      let b = 0
      let from = row + across.first[x]! * 3
      for (let tap = x * across.taps, end = tap + across.taps; tap < end; tap++, from += 3) {
        const weight = across.weights[tap]!
        r += weight * data[from]!
        g += weight * data[from + 1]!
        b += weight * data[from + 2]!
      }
      narrow[to] = r
      narrow[to + 1] = g
      narrow[to + 2] = b
    }
  }
  const stride = shape.width * 3
  for (let y = 0; y < shape.height; y++) {
    const start = down.first[y]! * stride
    for (let x = 0; x < shape.width; x++) {
      let r = 0.5
      let g = 0.5
      let b = 0.5
      let from = start + x * 3
      for (let tap = y * down.taps, end = tap + down.taps; tap < end; tap++, from += stride) {
        const weight = down.weights[tap]!
        r += weight * narrow[from]!
        g += weight * narrow[from + 1]!
        b += weight * narrow[from + 2]!
      }
      const to = y * shape.width + x
      into[to] = r
      into[plane + to] = g
      into[2 * plane + to] = b
    }
  }
  return into
}

const filters = new Map<number, Filter>()

function filterFor(from: number, to: number): Filter {
  const key = from * 65_536 + to
  const known = filters.get(key)
  if (known) return known
  // Boxes of any size may come by; the table stays small all the same.
  if (filters.size > 256) filters.clear()
  const filter = makeFilter(from, to)
  filters.set(key, filter)
  return filter
}

function makeFilter(from: number, to: number): Filter {
  const ratio = from / to
  const radius = Math.max(1, ratio)
  const taps = Math.min(from, Math.ceil(2 * radius) + 1)
  const first = new Int32Array(to)
  const weights = new Float32Array(to * taps)
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * ratio - 0.5
    const start = Math.min(Math.max(0, Math.ceil(centre - radius)), from - taps)
    first[i] = start
    let sum = 0
    for (let tap = 0; tap < taps; tap++) {
      const weight = Math.max(0, 1 - Math.abs(start + tap - centre) / radius)
      weights[i * taps + tap] = weight
      sum += weight
    }
    for (let tap = 0; tap < taps; tap++) weights[i * taps + tap]! /= sum
  }
  return { first, taps, weights }
}

let buffer = new Float32Array(0)
/** One buffer for all calls: nothing here awaits while it is in use. */
function scratch(length: number): Float32Array {
  if (buffer.length < length) buffer = new Float32Array(length)
  return buffer
}
