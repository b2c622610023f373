/** From a painted street to what the sensor gives: tone, colour, fog, vignette and noise in one pass, then rain and snow. */
import type { Canvas } from './canvas.ts'
import type { Conditions, Weather } from './conditions.ts'
import { between, uniform } from './random.ts'

const fogGrey = 186
const noiseLength = 1 << 14
/** Approximately normal, standard deviation 32. */
const noiseTile = Int8Array.from({ length: noiseLength }, (_, i) => {
  let sum = 0
  for (let part = 0; part < 6; part++) sum += uniform(97, i, part) - 0.5
  return Math.max(-127, Math.min(127, Math.round(sum * 45)))
})

/** Applies light, fog, the lens' vignette and the sensor's noise to the whole canvas. */
export function develop(canvas: Canvas, { light, weather }: Conditions, seed: number, seconds: number): void {
  const { data, width, height } = canvas
  const clamped = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length)
  const red = toneCurve(light.red, light.gamma, weather.fog)
  const green = toneCurve(light.green, light.gamma, weather.fog)
  const blue = toneCurve(light.blue, light.gamma, weather.fog)
  const shade = vignette(seed, width, height)
  const mono = Math.round(light.mono * 256)
  const noise = Math.round(light.noise * 8)
  let grain = Math.floor(uniform(seed, Math.round(seconds * 1000), 100) * noiseLength)
  for (let i = 0, at = 0; at < data.length; i++, at += 3) {
    let r = data[at]!
    let g = data[at + 1]!
    let b = data[at + 2]!
    if (mono > 0) {
      const luma = (77 * r + 150 * g + 29 * b) >> 8
      r += ((luma - r) * mono) >> 8
      g += ((luma - g) * mono) >> 8
      b += ((luma - b) * mono) >> 8
    }
    grain = (grain + 1) & (noiseLength - 1)
    const speck = (noise * noiseTile[grain]!) >> 8
    const dim = shade[i]!
    r = ((red[r]! * dim) >> 8) + speck
    g = ((green[g]! * dim) >> 8) + speck
    b = ((blue[b]! * dim) >> 8) + speck
    clamped[at] = r
    clamped[at + 1] = g
    clamped[at + 2] = b
  }
}

function toneCurve(gain: number, gamma: number, fog: number): Uint8Array {
  const curve = new Uint8Array(256)
  for (let value = 0; value < 256; value++) {
    const toned = 255 * (value / 255) ** gamma * gain
    const veiled = toned + (fogGrey * Math.min(1, gain + 0.2) - toned) * fog
    curve[value] = Math.max(0, Math.min(255, Math.round(veiled)))
  }
  return curve
}

const vignettes = new Map<number, Uint16Array>()

/** Brightness of each pixel in 1/256. */
function vignette(seed: number, width: number, height: number): Uint16Array {
  const strength = Math.round(between(0, 40, seed, 101))
  const key = (strength * 4096 + width) * 4096 + height
  const known = vignettes.get(key)
  if (known) return known
  const table = Uint16Array.from({ length: width * height }, (_, i) => {
    const x = ((i % width) + 0.5) / width - 0.5
    const y = (Math.floor(i / width) + 0.5) / height - 0.5
    return Math.round(256 * (1 - (strength / 100) * Math.min(1, 2 * (x * x + y * y))))
  })
  if (vignettes.size > 64) vignettes.clear()
  vignettes.set(key, table)
  return table
}

/** Rain and snow in front of the lens, in frame heights. */
export function precipitate(canvas: Canvas, { rain, snow }: Weather, seed: number, seconds: number): void {
  const aspect = canvas.width / canvas.height
  canvas.transform = { a: canvas.height, b: 0, c: 0, d: canvas.height, e: 0, f: 0 }
  if (rain > 0.02) {
    canvas.opacity = 0.3 + 0.2 * rain
    const slant = between(-0.08, 0.08, seed, 102)
    for (let i = 0, count = Math.round(90 * rain); i < count; i++) {
      const fall = (uniform(seed, i, 103) + seconds * between(2, 3, seed, i, 104)) % 1.2
      const x = uniform(seed, i, 105) * aspect
      canvas.line(x + slant * fall, fall - 0.2, x + slant * (fall + 0.12), fall - 0.08, 0.007, 0xc8d0d8)
    }
  }
  if (snow > 0.02) {
    canvas.opacity = 0.85
    for (let i = 0, count = Math.round(110 * snow); i < count; i++) {
      const fall = (uniform(seed, i, 106) + seconds * between(0.3, 0.6, seed, i, 107)) % 1
      const x = (uniform(seed, i, 108) + 0.03 * Math.sin(seconds * 3 + i)) * aspect
      const size = between(0.006, 0.014, seed, i, 109)
      canvas.rectangle(x - size, fall - size, x + size, fall + size, 0xf8faff)
    }
  }
  canvas.opacity = 1
}
