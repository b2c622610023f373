/**
 * A small painter of filled polygons on RGB bytes. Shapes are given in their own coordinates and pass through one affine map,
 * so that the same drawing serves every zoom, tilt and direction. Nothing is allocated while painting.
 */
import type { Image } from '../resize.ts'

/** x' = a·x + c·y + e, y' = b·x + d·y + f. */
export interface Affine {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly e: number
  readonly f: number
}

/** The map that does `inner` first. */
export const compose = (outer: Affine, inner: Affine): Affine => ({
  a: outer.a * inner.a + outer.c * inner.b,
  b: outer.b * inner.a + outer.d * inner.b,
  c: outer.a * inner.c + outer.c * inner.d,
  d: outer.b * inner.c + outer.d * inner.d,
  e: outer.a * inner.e + outer.c * inner.f + outer.e,
  f: outer.b * inner.e + outer.d * inner.f + outer.f,
})

const maximumCorners = 64
const roundCorners = 14

export class Canvas implements Image {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
  /** Of all that is painted next. */
  transform: Affine = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 }
  /** Coverage of all that is painted next, in [0, 1]. */
  opacity = 1
  readonly #x = new Float64Array(maximumCorners)
  readonly #y = new Float64Array(maximumCorners)
  readonly #crossings = new Float64Array(maximumCorners)
  #corners = 0

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
    this.data = new Uint8Array(width * height * 3)
  }

  /** Corners as x, y, x, y, …; colours as 0xRRGGBB. */
  polygon(points: readonly number[], color: number): void {
    for (let i = 0; i < points.length; i += 2) this.#corner(points[i]!, points[i + 1]!)
    this.#fill(color)
  }

  rectangle(x0: number, y0: number, x1: number, y1: number, color: number): void {
    this.#corner(x0, y0)
    this.#corner(x1, y0)
    this.#corner(x1, y1)
    this.#corner(x0, y1)
    this.#fill(color)
  }

  ellipse(x: number, y: number, radiusX: number, radiusY: number, color: number): void {
    for (let i = 0; i < roundCorners; i++) {
      this.#corner(x + radiusX * cosines[i]!, y + radiusY * sines[i]!)
    }
    this.#fill(color)
  }

  line(x0: number, y0: number, x1: number, y1: number, width: number, color: number): void {
    const length = Math.hypot(x1 - x0, y1 - y0) || 1
    const acrossX = ((y0 - y1) / length) * (width / 2)
    const acrossY = ((x1 - x0) / length) * (width / 2)
    this.#corner(x0 + acrossX, y0 + acrossY)
    this.#corner(x1 + acrossX, y1 + acrossY)
    this.#corner(x1 - acrossX, y1 - acrossY)
    this.#corner(x0 - acrossX, y0 - acrossY)
    this.#fill(color)
  }

  ring(x: number, y: number, radius: number, width: number, color: number): void {
    for (let i = 0; i < roundCorners; i++) {
      const next = (i + 1) % roundCorners
      this.line(
        x + radius * cosines[i]!,
        y + radius * sines[i]!,
        x + radius * cosines[next]!,
        y + radius * sines[next]!,
        width,
        color,
      )
    }
  }

  /** Takes over a canvas that is `times` as large in both directions. */
  average(fine: Canvas, times: number): void {
    const { data, width, height } = this
    const stride = fine.width * 3
    const shares = times * times
    for (let y = 0, to = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const corner = y * times * stride + x * times * 3
        for (let channel = 0; channel < 3; channel++, to++) {
          let sum = 0
          for (let row = corner + channel, end = row + times * stride; row < end; row += stride) {
            for (let at = row, stop = row + times * 3; at < stop; at += 3) sum += fine.data[at]!
          }
          data[to] = sum / shares
        }
      }
    }
  }

  #corner(x: number, y: number): void {
    const { a, b, c, d, e, f } = this.transform
    this.#x[this.#corners] = a * x + c * y + e
    this.#y[this.#corners++] = b * x + d * y + f
  }

  /** Even-odd scan lines through pixel centres; ends of a span are blended by how much of the pixel they cover. */
  #fill(color: number): void {
    const corners = this.#corners
    this.#corners = 0
    const xs = this.#x
    const ys = this.#y
    let top = ys[0]!
    let bottom = top
    for (let i = 1; i < corners; i++) {
      const y = ys[i]!
      if (y < top) top = y
      else if (y > bottom) bottom = y
    }
    const from = Math.max(0, Math.ceil(top - 0.5))
    const to = Math.min(this.height - 1, Math.floor(bottom - 0.5))
    for (let row = from; row <= to; row++) {
      const y = row + 0.5
      let count = 0
      for (let i = 0, j = corners - 1; i < corners; j = i++) {
        const yi = ys[i]!
        const yj = ys[j]!
        if (yi <= y === yj <= y) continue
        const crossing = xs[i]! + ((y - yi) / (yj - yi)) * (xs[j]! - xs[i]!)
        // Few crossings: insertion keeps them in order.
        let at = count++
        while (at > 0 && this.#crossings[at - 1]! > crossing) {
          this.#crossings[at] = this.#crossings[at - 1]!
          at--
        }
        this.#crossings[at] = crossing
      }
      for (let i = 0; i + 1 < count; i += 2)
        this.#span(row, this.#crossings[i]!, this.#crossings[i + 1]!, color)
    }
  }

  #span(row: number, start: number, end: number, color: number): void {
    const left = Math.max(0, start)
    const right = Math.min(this.width, end)
    if (right <= left) return
    const first = Math.floor(left)
    const last = Math.ceil(right) - 1
    if (first === last) {
      this.#blend(row, first, (right - left) * this.opacity, color)
      return
    }
    const r = color >> 16
    const g = (color >> 8) & 255
    const b = color & 255
    this.#blend(row, first, (first + 1 - left) * this.opacity, color)
    this.#blend(row, last, (right - last) * this.opacity, color)
    if (this.opacity < 1) {
      for (let x = first + 1; x < last; x++) this.#blend(row, x, this.opacity, color)
      return
    }
    const { data } = this
    for (
      let at = (row * this.width + first + 1) * 3, stop = (row * this.width + last) * 3;
      at < stop;
      at += 3
    ) {
      data[at] = r
      data[at + 1] = g
      data[at + 2] = b
    }
  }

  #blend(row: number, x: number, coverage: number, color: number): void {
    const { data } = this
    const at = (row * this.width + x) * 3
    data[at]! += (((color >> 16) - data[at]!) * coverage) | 0
    data[at + 1]! += ((((color >> 8) & 255) - data[at + 1]!) * coverage) | 0
    data[at + 2]! += (((color & 255) - data[at + 2]!) * coverage) | 0
  }
}

const angles = Array.from({ length: roundCorners }, (_, i) => (2 * Math.PI * i) / roundCorners)
const cosines = angles.map(Math.cos)
const sines = angles.map(Math.sin)
