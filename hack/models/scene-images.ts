/** Labelled images of generated streets, to train and to test on. */
import { resizeToPlanes } from '../../workers/frames/resize.ts'
import type { Preset } from '../../workers/frames/scene/drift.ts'
import { sceneClasses } from '../../workers/frames/scene/objects.ts'
import { between } from '../../workers/frames/scene/random.ts'
import type { Street } from '../../workers/frames/scene/street.ts'
import { createStreet, newFrame } from '../../workers/frames/scene/street.ts'
import type { ImageSet } from '../../workers/learning/image-set.ts'

/** A frame of a street. */
export interface Glimpse {
  readonly seed: number
  readonly preset: Preset
  readonly seconds: number
}

export interface Side {
  readonly height: number
  readonly width: number
}

export function sceneImages(glimpses: readonly Glimpse[], { height, width }: Side): ImageSet {
  const size = 3 * height * width
  const pixels = new Uint8Array(glimpses.length * size)
  const labels = new Int32Array(glimpses.length)
  const canvas = newFrame()
  const streets = new Map<string, Street>()
  for (const [i, { seed, preset, seconds }] of glimpses.entries()) {
    const key = `${preset} ${seed}`
    const street = streets.get(key) ?? createStreet(seed, preset)
    streets.set(key, street)
    street.paint(canvas, seconds)
    resizeToPlanes(canvas, { height, width }, undefined, pixels.subarray(i * size, (i + 1) * size))
    labels[i] = sceneClasses.indexOf(street.labelAt(seconds))
  }
  return { count: glimpses.length, shape: { channels: 3, height, width }, pixels, labels }
}

/** Frames of many streets: `perStreet` of each, at random within the first `horizonSeconds`. */
export function manyStreets(
  preset: Preset,
  firstSeed: number,
  { streets, perStreet, horizonSeconds }: { streets: number; perStreet: number; horizonSeconds: number },
): Glimpse[] {
  return Array.from({ length: streets * perStreet }, (_, i) => {
    const seed = firstSeed + Math.floor(i / perStreet)
    return { seed, preset, seconds: between(0, horizonSeconds, seed, i, 200) }
  })
}

/** Frames of one window of one camera, spread at random as the inference pod keeps them; `draw` gives other ones. */
export function windowGlimpses(
  seed: number,
  window: number,
  { count, windowSeconds, draw = 0 }: { count: number; windowSeconds: number; draw?: number },
): Glimpse[] {
  return Array.from({ length: count }, (_, i) => ({
    seed,
    preset: 'street',
    seconds: windowSeconds * (window + between(i / count, (i + 1) / count, seed, window, i, draw, 201)),
  }))
}
