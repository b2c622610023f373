/**
 * A street as a camera sees it: one *dominant* object at a time crosses the view, smaller ones pass behind it, a post may stand
 * in front. The frame's label is the dominant object's class, which stays for 0.5–0.8 s, so that a last result goes on being
 * right for a while when frames are left out.
 *
 * Everything follows from (seed, preset, second): frames can be rendered in any order.
 */
import type { Affine } from './canvas.ts'
import { Canvas, compose } from './canvas.ts'
import type { Conditions, View } from './conditions.ts'
import type { Drift, Preset } from './drift.ts'
import { driftOf } from './drift.ts'
import type { SceneClass } from './objects.ts'
import { drawings, lamps, sceneClasses } from './objects.ts'
import { between, pick, uniform } from './random.ts'
import { develop, precipitate } from './weather.ts'

export const frameWidth = 240
export const frameHeight = 180
/** The street is painted this much larger in both directions and then averaged: thin things keep their weight. */
const oversampling = 2

const aspect = frameWidth / frameHeight
/** Mean time that one object stays dominant. */
const dwellSeconds = 0.65
/** How far, in dwell times, an object is still (or already) partly in view outside its own time. */
const overlap = 0.1

export interface Street {
  readonly drift: Drift
  /** Class of the dominant object. */
  labelAt(seconds: number): SceneClass
  /** Paints the frame; the canvas is overwritten as a whole. */
  paint(canvas: Canvas, seconds: number): void
}

interface Passage {
  readonly kind: SceneClass
  readonly seed: number
  /** Progress through its own time: [0, 1] while dominant. */
  readonly progress: number
}

/** @param shown classes that may appear; default all six. */
export function createStreet(
  seed: number,
  preset: Preset = 'street',
  shown: readonly SceneClass[] = sceneClasses,
  drift: Drift = driftOf(seed, preset),
): Street {
  const begins = (slot: number): number => (slot + between(-0.15, 0.15, seed, slot, 50)) * dwellSeconds
  const slotAt = (seconds: number): number => {
    const near = Math.floor(seconds / dwellSeconds)
    return seconds < begins(near) ? near - 1 : seconds >= begins(near + 1) ? near + 1 : near
  }
  const kindIn = (slot: number): SceneClass =>
    draw(drift(slot * dwellSeconds).mix, shown, uniform(seed, slot, 51))
  const passage = (slot: number, seconds: number): Passage => ({
    kind: kindIn(slot),
    seed: (Math.imul(seed, 1_000_003) + slot) | 0,
    progress: (seconds - begins(slot)) / (begins(slot + 1) - begins(slot)),
  })
  return {
    drift,
    labelAt: seconds => kindIn(slotAt(seconds)),
    paint(canvas, seconds) {
      const conditions = drift(seconds)
      const fine = fineCanvas(canvas)
      const fineView = viewMatrix(conditions.view, fine)
      fine.opacity = 1
      paintBackdrop(fine, fineView, seed, conditions)
      paintFarTraffic(fine, fineView, seed, seconds, shown)
      const slot = slotAt(seconds)
      const near = [slot - 1, slot + 1, slot]
        .map(number => passage(number, seconds))
        .filter(({ progress }) => progress > -overlap && progress < 1 + overlap)
      for (const figure of near) paintPassage(fine, fineView, conditions.view, figure, seconds)
      paintPost(fine, fineView, seed)
      canvas.average(fine, oversampling)
      develop(canvas, conditions, seed, seconds)
      const view = viewMatrix(conditions.view, canvas)
      if (conditions.light.lamps > 0) {
        for (const figure of near) paintLamps(canvas, view, conditions, figure)
      }
      precipitate(canvas, conditions.weather, seed, seconds)
    },
  }
}

let shared: Canvas | undefined
/** Painting never awaits, so that one large canvas serves all streets. */
function fineCanvas({ width, height }: Canvas): Canvas {
  if (shared?.width !== width * oversampling || shared.height !== height * oversampling) {
    shared = new Canvas(width * oversampling, height * oversampling)
  }
  return shared
}

function draw(mix: Conditions['mix'], shown: readonly SceneClass[], at: number): SceneClass {
  let left = at * shown.reduce((sum, name) => sum + mix[name], 0)
  for (const name of shown) {
    left -= mix[name]
    if (left < 0) return name
  }
  return shown.at(-1)!
}

function viewMatrix(view: View, canvas: Canvas): Affine {
  const { zoom, rotation, shear, stretch, aside, above } = view
  const cos = Math.cos(rotation) * zoom
  const sin = Math.sin(rotation) * zoom
  const pixels = canvas.height
  const aimed: Affine = { a: 1, b: 0, c: shear, d: stretch, e: aside, f: above }
  return compose(
    {
      a: cos * pixels,
      b: sin * pixels,
      c: -sin * pixels,
      d: cos * pixels,
      e: canvas.width / 2,
      f: canvas.height / 2,
    },
    aimed,
  )
}

/** Sky, houses, pavement, road. Far wider than the frame: the view may be tilted. */
function paintBackdrop(canvas: Canvas, view: Affine, seed: number, { light, weather }: Conditions): void {
  canvas.transform = view
  const white = weather.snow * 0.75
  const wet = weather.rain * 0.35
  canvas.rectangle(-3, -3, 3, 0.1, pick([0x9cc4e8, 0xb4d0e6, 0xc4d2dc], seed, 60))
  for (let i = -6; i <= 6; i++) {
    const left = i * 0.36 + between(-0.05, 0.05, seed, i, 61)
    const right = left + between(0.26, 0.36, seed, i, 62)
    const top = -between(0.12, 0.5, seed, i, 63)
    canvas.rectangle(left, top, right, 0.04, pick(facades, seed, i, 64))
    const pane = light.lamps > 0.3 && uniform(seed, i, 65) < 0.7 ? 0xffe9a0 : 0x5c6670
    for (let y = top + 0.04; y < -0.05; y += 0.09) {
      for (let x = left + 0.03; x < right - 0.05; x += 0.085)
        canvas.rectangle(x, y, x + 0.045, y + 0.05, pane)
    }
  }
  // Layers reach below the next one: at a shared edge both would let the last frame shine through.
  canvas.rectangle(-3, 0.03, 3, 0.3, toward(0xb0aca4, 0xf4f6fa, white))
  canvas.rectangle(-3, 0.12, 3, 3, toward(toward(0x6c6e72, 0x45484e, wet), 0xeef1f6, white))
  const dash = toward(0xd8d6cc, 0xf2f4f8, white)
  for (let x = -2.4; x < 2.4; x += 0.4) canvas.rectangle(x, 0.19, x + 0.2, 0.205, dash)
  canvas.rectangle(-3, 0.46, 3, 0.48, dash)
}

const facades = [0xa8927c, 0x8c8478, 0xb8a48c, 0x94a0a8, 0xa07868, 0xc4b8a4, 0x7c8890]

function paintFarTraffic(
  canvas: Canvas,
  view: Affine,
  seed: number,
  seconds: number,
  shown: readonly SceneClass[],
): void {
  for (let lane = 0; lane < 2; lane++) {
    const period = between(3.5, 5, seed, lane, 70)
    const turn = seconds / period + lane * 0.5
    const number = Math.floor(turn)
    if (uniform(seed, lane, number, 71) < 0.35) continue
    const kind = pick(shown, seed, lane, number, 72)
    const direction = lane === 0 ? 1 : -1
    const size = 0.36
    canvas.transform = compose(view, {
      a: size * direction,
      b: 0,
      c: 0,
      d: size,
      e: direction * (turn - number - 0.5) * 2.6,
      f: 0.1 + lane * 0.05,
    })
    drawings[kind](canvas, (seed + number * 31 + lane) | 0, seconds * 7)
  }
}

/** Enters, slows down in the middle of the view, leaves: half of it is in the frame when its time begins and ends. */
function placement(view: View, { seed, progress }: Passage): Affine {
  const half = progress - 0.5
  const direction = uniform(seed, 80) < 0.5 ? 1 : -1
  const size = between(0.85, 1.12, seed, 81)
  const across = (0.6 * half + 0.35 * (2 * half) ** 5) * (aspect / (4 / 3))
  return {
    a: size * direction,
    b: 0,
    c: 0,
    d: size,
    // A wider view shows more of the road: objects cross all of it.
    e: (direction * across) / Math.min(1, view.zoom),
    f: between(0.26, 0.36, seed, 82),
  }
}

function paintPassage(canvas: Canvas, view: Affine, aim: View, figure: Passage, seconds: number): void {
  canvas.transform = compose(view, placement(aim, figure))
  canvas.opacity = 0.35
  canvas.ellipse(0, 0, 0.3, 0.025, 0x202024)
  canvas.opacity = 1
  drawings[figure.kind](canvas, figure.seed, seconds * 7 + figure.seed)
}

function paintLamps(canvas: Canvas, view: Affine, { light, view: aim }: Conditions, figure: Passage): void {
  const lamp = lamps[figure.kind]
  if (!lamp) return
  canvas.transform = compose(view, placement(aim, figure))
  canvas.opacity = 0.22 * light.lamps
  canvas.polygon(
    [lamp.front, -lamp.height, lamp.front + 0.45, -lamp.height - 0.08, lamp.front + 0.45, 0.08],
    0xfff2c8,
  )
  canvas.opacity = 0.9 * light.lamps
  canvas.ellipse(lamp.front, -lamp.height, 0.025, 0.025, 0xfffbe8)
  canvas.ellipse(lamp.rear, -lamp.height, 0.02, 0.02, 0xff3020)
  canvas.opacity = 1
}

function paintPost(canvas: Canvas, view: Affine, seed: number): void {
  if (uniform(seed, 90) < 0.4) return
  const x = between(-0.55, 0.55, seed, 91)
  canvas.transform = view
  canvas.rectangle(x, -1.5, x + 0.035, 0.5, 0x4a4e52)
}

function toward(color: number, other: number, part: number): number {
  const channel = (shift: number): number => {
    const from = (color >> shift) & 255
    return Math.round(from + (((other >> shift) & 255) - from) * part) << shift
  }
  return channel(16) | channel(8) | channel(0)
}

export const newFrame = (): Canvas => new Canvas(frameWidth, frameHeight)
