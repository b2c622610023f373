/** What a camera sees things in: light, weather, view, and the mix of what passes. All are numbers, so that drift is smooth. */
import type { SceneClass } from './objects.ts'
import { sceneClasses } from './objects.ts'

export interface Light {
  /** Gain of each channel, 1 by day. */
  readonly red: number
  readonly green: number
  readonly blue: number
  /** Exponent of the tone curve: above 1 darkens the middle. */
  readonly gamma: number
  /** 0 colour … 1 black and white. */
  readonly mono: number
  /** Of the sensor, in grey levels. */
  readonly noise: number
  /** 0 off … 1 full: headlights, lit windows. */
  readonly lamps: number
}

export interface Weather {
  /** 0 clear … 1 nothing to be seen. */
  readonly fog: number
  /** Streaks and a wet road, in [0, 1]. */
  readonly rain: number
  /** Flakes and a white ground, in [0, 1]. */
  readonly snow: number
}

export interface View {
  readonly zoom: number
  /** Radians. */
  readonly rotation: number
  readonly shear: number
  /** Height against width: below 1 as from high above. */
  readonly stretch: number
  /** Where it aims, in frame heights. */
  readonly aside: number
  readonly above: number
}

export type ClassMix = Readonly<Record<SceneClass, number>>

export interface Conditions {
  readonly light: Light
  readonly weather: Weather
  readonly view: View
  /** Weights; they need not sum to 1. */
  readonly mix: ClassMix
}

export const day: Light = {
  red: 1,
  green: 1,
  blue: 1,
  gamma: 1,
  mono: 0,
  noise: 2,
  lamps: 0,
}
export const clear: Weather = { fog: 0, rain: 0, snow: 0 }
export const straight: View = { zoom: 1, rotation: 0, shear: 0, stretch: 1, aside: 0, above: 0 }
export const evenMix = Object.fromEntries(sceneClasses.map(name => [name, 1])) as Record<SceneClass, number>

/** From `a` (0) to `b` (1), part by part. */
export const blend = (a: Conditions, b: Conditions, part: number): Conditions =>
  part <= 0
    ? a
    : part >= 1
      ? b
      : {
          light: blendNumbers(a.light, b.light, part),
          weather: blendNumbers(a.weather, b.weather, part),
          view: blendNumbers(a.view, b.view, part),
          mix: blendNumbers(a.mix, b.mix, part),
        }

function blendNumbers<T extends object>(a: T, b: T, part: number): T {
  const from = a as Record<string, number>
  const to = b as Record<string, number>
  return Object.fromEntries(
    Object.keys(from).map(key => [key, from[key]! + (to[key]! - from[key]!) * part]),
  ) as T
}
