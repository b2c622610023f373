/**
 * How a camera's conditions drift: regimes of two to five minutes, each reached from the last one within half a minute to a minute.
 * A regime keeps most of what was and changes one or two of light, weather, view and class mix, as streets do: dusk falls while the
 * traffic stays. Drift is slow against a window on purpose: what was learnt from the last window holds for most of the next.
 *
 * `plain` is the day that students are pretrained on: straight view, no weather, even mix, ordinary daylight. `street` is off
 * from it in view from the first second on, by camera, and drifts. Every fourth seed is a quiet camera that hardly does.
 */
import type { ClassMix, Conditions, Light, View, Weather } from './conditions.ts'
import { blend, clear, day, evenMix, straight } from './conditions.ts'
import { sceneClasses } from './objects.ts'
import { between, pick, uniform } from './random.ts'

export const presets = ['street', 'plain'] as const
export type Preset = (typeof presets)[number]

/** Conditions at a moment of a scene, in seconds from its beginning. */
export type Drift = (seconds: number) => Conditions

export function driftOf(seed: number, preset: Preset): Drift {
  if (preset === 'street') return streetDrift(seed)
  const plain: Conditions = { light: lights.day(seed), weather: clear, view: straight, mix: evenMix }
  return () => plain
}

interface Regime {
  readonly from: number
  readonly ramp: number
  readonly kind: LightKind
  readonly conditions: Conditions
}

function streetDrift(seed: number): Drift {
  // Grown as far as it was asked for; each regime follows from the last one alone.
  const regimes: Regime[] = [firstRegime(seed)]
  let end = firstEnd(seed)
  return seconds => {
    while (end <= seconds) {
      const number = regimes.length
      const length = between(120, 300, seed, number, 2)
      regimes.push({
        from: end,
        ramp: between(30, 60, seed, number, 1),
        ...next(regimes.at(-1)!, seed, number),
      })
      end += length
    }
    let number = regimes.length - 1
    while (number > 0 && regimes[number]!.from > seconds) number--
    const { from, ramp, conditions } = regimes[number]!
    if (number === 0) return conditions
    const progress = Math.min(1, (seconds - from) / ramp)
    return blend(regimes[number - 1]!.conditions, conditions, progress * progress * (3 - 2 * progress))
  }
}

const quiet = (seed: number): boolean => seed % 4 === 0

/** Cameras change at different times, the first of them soon. */
const firstEnd = (seed: number): number => between(5, 150, seed, 3)

function firstRegime(seed: number): Regime {
  return {
    from: 0,
    ramp: 1,
    kind: 'day',
    conditions: {
      light: lightOf('day', seed, 0),
      weather: clear,
      view: viewFrom(seed, 0, quiet(seed) ? 0.4 : 1),
      mix: mixFrom(seed, 0),
    },
  }
}

function next(
  { kind: last, conditions }: Regime,
  seed: number,
  number: number,
): Pick<Regime, 'kind' | 'conditions'> {
  const changes = (aspect: number, chance: number): boolean => uniform(seed, number, aspect, 4) < chance
  if (quiet(seed)) {
    const light = changes(0, 0.5) ? lightOf('day', seed, number) : conditions.light
    const mix = changes(3, 0.5) ? mixFrom(seed, number) : conditions.mix
    return { kind: 'day', conditions: { ...conditions, light, mix } }
  }
  const darker = changes(0, 0.6) ? pick(neighbours[last], seed, number, 5) : last
  const view = changes(2, 0.3) ? viewFrom(seed, number, 1) : conditions.view
  return {
    kind: darker,
    conditions: {
      light: darker === last ? conditions.light : lightOf(darker, seed, number),
      weather: changes(1, 0.45) ? weatherFrom(seed, number) : conditions.weather,
      view,
      mix: changes(3, 0.6) ? mixFrom(seed, number) : conditions.mix,
    },
  }
}

type LightKind = 'day' | 'dusk' | 'night' | 'infrared'

const lights: Readonly<Record<LightKind, (seed: number) => Light>> = {
  day: seed => {
    const warm = between(-0.1, 0.1, seed, 11)
    const gain = between(0.8, 1.1, seed, 12)
    return { ...day, red: gain * (1 + warm), green: gain, blue: gain * (1 - warm), noise: 4 }
  },
  dusk: seed => {
    const gain = between(0.5, 0.65, seed, 11)
    return { ...day, red: gain * 1.2, green: gain * 0.9, blue: gain * 0.8, gamma: 1.2, noise: 6, lamps: 0.4 }
  },
  night: seed => {
    const gain = between(0.32, 0.42, seed, 11)
    return { ...day, red: gain, green: gain * 0.9, blue: gain * 1.15, gamma: 1.4, noise: 8, lamps: 1 }
  },
  /** Cameras that light the street themselves give grey pictures. */
  infrared: seed => {
    const gain = between(0.6, 0.8, seed, 11)
    return { ...day, red: gain, green: gain, blue: gain, gamma: 1.5, mono: 1, noise: 8, lamps: 0.6 }
  },
}

/** Night does not fall at noon. */
const neighbours: Readonly<Record<LightKind, readonly LightKind[]>> = {
  day: ['dusk'],
  dusk: ['day', 'night', 'night'],
  night: ['dusk', 'infrared'],
  infrared: ['night', 'dusk'],
}

const lightOf = (kind: LightKind, seed: number, number: number): Light =>
  lights[kind]((Math.imul(seed, 7919) + number * 104_729) | 0)

function weatherFrom(seed: number, number: number): Weather {
  const strength = between(0.5, 1, seed, number, 21)
  switch (pick(['clear', 'fog', 'rain', 'snow'], seed, number, 20)) {
    case 'fog':
      return { ...clear, fog: 0.55 * strength }
    case 'rain':
      return { fog: 0.2 * strength, rain: strength, snow: 0 }
    case 'snow':
      return { fog: 0.12 * strength, rain: 0, snow: strength }
    default:
      return clear
  }
}

function viewFrom(seed: number, number: number, strength: number): View {
  const around = (spread: number, part: number): number =>
    strength * between(-spread, spread, seed, number, 30, part)
  return {
    zoom: 2 ** around(0.35, 1),
    rotation: around(0.28, 2),
    shear: around(0.3, 3),
    stretch: 2 ** around(0.35, 4),
    aside: around(0.08, 5),
    above: around(0.08, 6),
  }
}

/** One or two classes prevail, the others stay seen. */
function mixFrom(seed: number, number: number): ClassMix {
  return Object.fromEntries(
    sceneClasses.map((name, position) => [name, 0.08 + uniform(seed, number, 40, position) ** 2]),
  ) as Record<(typeof sceneClasses)[number], number>
}
