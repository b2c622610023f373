/**
 * What moves in the street: six classes that differ in shape, parts and proportions. Colours vary freely within a class, so
 * that no colour gives one away.
 *
 * An object stands on its origin, looks to the right, and is measured in frame heights (y points down).
 */
import type { Canvas } from './canvas.ts'
import { between, pick, uniform } from './random.ts'

export const sceneClasses = ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog'] as const
export type SceneClass = (typeof sceneClasses)[number]

export interface Figure {
  readonly kind: SceneClass
  /** Of everything about it that is random. */
  readonly seed: number
}

/** Paints the figure; `stride` in radians moves legs and pedals. */
export type Drawing = (canvas: Canvas, seed: number, stride: number) => void

const paints = [
  0xb03030, 0x2f5fa8, 0x3c8a4a, 0xd8d8d8, 0x303236, 0xc9a227, 0x8a8f98, 0x7a3e8a, 0xd2743a, 0x4aa3a8,
  0xf0eee6, 0x5b4636,
]
const coats = [0x6b4a2f, 0x2a2624, 0xc9a877, 0xe6e0d6, 0x8d6e4f]
const skins = [0xe2b08c, 0xb9825a, 0x7d5236]
const glass = 0x39495a
const rubber = 0x1c1c1e
const steel = 0x9aa0a6

const paint = (seed: number, part: number): number => pick(paints, seed, part)

function wheel(canvas: Canvas, x: number, radius: number): void {
  canvas.ellipse(x, -radius, radius, radius, rubber)
  canvas.ellipse(x, -radius, radius * 0.5, radius * 0.5, steel)
}

const car: Drawing = (canvas, seed) => {
  const body = paint(seed, 1)
  const roof = between(0.22, 0.26, seed, 2)
  const back = between(-0.26, -0.16, seed, 3)
  canvas.polygon(
    [-0.32, -0.06, -0.32, -0.14, -0.27, -0.16, 0.27, -0.15, 0.33, -0.12, 0.33, -0.05, -0.32, -0.05],
    body,
  )
  canvas.polygon([back, -0.15, back + 0.08, -roof, 0.06, -roof, 0.17, -0.15], body)
  canvas.polygon([back + 0.04, -0.155, back + 0.09, -roof + 0.02, -0.04, -roof + 0.02, -0.04, -0.155], glass)
  canvas.polygon([-0.02, -0.155, -0.02, -roof + 0.02, 0.05, -roof + 0.02, 0.13, -0.155], glass)
  canvas.rectangle(0.3, -0.12, 0.33, -0.09, 0xf6efc0)
  canvas.rectangle(-0.32, -0.13, -0.3, -0.09, 0xc03028)
  wheel(canvas, -0.19, 0.055)
  wheel(canvas, 0.2, 0.055)
}

const truck: Drawing = (canvas, seed) => {
  const cab = paint(seed, 1)
  const box = uniform(seed, 2) < 0.5 ? 0xdedad0 : paint(seed, 3)
  const height = between(0.38, 0.46, seed, 4)
  canvas.rectangle(-0.48, -0.1, 0.46, -0.06, 0x3a3a3c)
  canvas.rectangle(-0.48, -height, 0.2, -0.1, box)
  for (const x of [-0.31, -0.14, 0.03]) canvas.rectangle(x - 0.006, -height, x + 0.006, -0.1, 0x6a6a6a)
  canvas.polygon([0.24, -0.06, 0.24, -0.3, 0.38, -0.3, 0.46, -0.19, 0.47, -0.06], cab)
  canvas.polygon([0.31, -0.19, 0.31, -0.275, 0.37, -0.275, 0.43, -0.19], glass)
  canvas.rectangle(0.43, -0.12, 0.47, -0.09, 0xf6efc0)
  wheel(canvas, -0.38, 0.065)
  wheel(canvas, -0.24, 0.065)
  wheel(canvas, 0.34, 0.065)
}

const bus: Drawing = (canvas, seed) => {
  const body = paint(seed, 1)
  const stripe = paint(seed, 2)
  canvas.polygon([-0.53, -0.05, -0.53, -0.36, -0.51, -0.39, 0.5, -0.39, 0.53, -0.35, 0.53, -0.05], body)
  canvas.rectangle(-0.53, -0.16, 0.53, -0.13, stripe)
  for (let i = 0; i < 6; i++) canvas.rectangle(-0.49 + i * 0.155, -0.34, -0.365 + i * 0.155, -0.21, glass)
  canvas.rectangle(0.45, -0.34, 0.53, -0.18, glass)
  canvas.rectangle(0.36, -0.34, 0.43, -0.06, 0x4c5866)
  canvas.rectangle(0.5, -0.11, 0.53, -0.08, 0xf6efc0)
  wheel(canvas, -0.34, 0.06)
  wheel(canvas, 0.27, 0.06)
}

const bicycle: Drawing = (canvas, seed, stride) => {
  const frame = paint(seed, 1)
  const shirt = paint(seed, 2)
  const trousers = paint(seed, 3)
  canvas.ring(-0.17, -0.12, 0.11, 0.018, rubber)
  canvas.ring(0.17, -0.12, 0.11, 0.018, rubber)
  for (const [x0, y0, x1, y1] of bicycleFrame) canvas.line(x0, y0, x1, y1, 0.018, frame)
  const pedalX = 0.045 * Math.cos(stride)
  const pedalY = 0.045 * Math.sin(stride)
  canvas.line(-0.08, -0.27, 0.05, -0.2, 0.04, trousers)
  canvas.line(0.05, -0.2, pedalX, -0.1 + pedalY, 0.035, trousers)
  canvas.line(-0.08, -0.27, 0.04, -0.43, 0.075, shirt)
  canvas.line(0.03, -0.4, 0.14, -0.27, 0.03, shirt)
  canvas.ellipse(0.07, -0.48, 0.035, 0.042, pick(skins, seed, 4))
}
const bicycleFrame = [
  [-0.17, -0.12, -0.08, -0.24],
  [-0.08, -0.24, 0.11, -0.24],
  [0.11, -0.24, 0, -0.11],
  [0, -0.11, -0.08, -0.24],
  [0, -0.11, -0.17, -0.12],
  [0.1, -0.28, 0.17, -0.12],
] as const

const pedestrian: Drawing = (canvas, seed, stride) => {
  const shirt = paint(seed, 1)
  const trousers = paint(seed, 2)
  const step = 0.075 * Math.sin(stride)
  canvas.line(0, -0.24, step, 0, 0.042, trousers)
  canvas.line(0, -0.24, -step, 0, 0.042, trousers)
  canvas.polygon([-0.055, -0.41, 0.055, -0.41, 0.045, -0.22, -0.045, -0.22], shirt)
  canvas.line(0, -0.39, -step * 1.1, -0.23, 0.03, shirt)
  canvas.line(0, -0.39, step * 1.1, -0.23, 0.03, shirt)
  canvas.ellipse(0.005, -0.455, 0.038, 0.045, pick(skins, seed, 3))
  if (uniform(seed, 4) < 0.3) canvas.rectangle(-0.085, -0.4, -0.04, -0.28, paint(seed, 5))
}

const dog: Drawing = (canvas, seed, stride) => {
  const coat = pick(coats, seed, 1)
  const step = 0.045 * Math.sin(stride * 1.6)
  for (const x of [-0.13, 0.1]) {
    canvas.line(x, -0.12, x + step, 0, 0.03, coat)
    canvas.line(x + 0.03, -0.12, x + 0.03 - step, 0, 0.03, coat)
  }
  canvas.ellipse(0, -0.155, 0.18, 0.065, coat)
  canvas.line(-0.16, -0.17, -0.25, -0.25 + step * 0.4, 0.025, coat)
  canvas.line(0.13, -0.17, 0.2, -0.24, 0.06, coat)
  canvas.ellipse(0.22, -0.245, 0.06, 0.045, coat)
  canvas.rectangle(0.25, -0.25, 0.31, -0.215, coat)
  canvas.polygon([0.18, -0.27, 0.2, -0.33, 0.225, -0.275], coat)
}

export const drawings: Readonly<Record<SceneClass, Drawing>> = { car, truck, bus, bicycle, pedestrian, dog }

/** Where a class carries lamps, if any: height above the ground of front and rear, and where they are. */
export const lamps: Readonly<Record<SceneClass, { front: number; rear: number; height: number } | null>> = {
  car: { front: 0.33, rear: -0.32, height: 0.105 },
  truck: { front: 0.47, rear: -0.48, height: 0.105 },
  bus: { front: 0.53, rear: -0.53, height: 0.095 },
  bicycle: { front: 0.17, rear: -0.2, height: 0.22 },
  pedestrian: null,
  dog: null,
}
