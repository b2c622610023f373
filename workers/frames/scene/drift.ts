/**
 * How a camera's conditions drift: regimes of 60–180 s, each reached from the last one over 10–20 s. A regime keeps most of
 * what was and changes one or two of light, weather, view and class mix, as streets do: dusk falls while the traffic stays.
 *
 * `plain` is the day that students are pretrained on: straight view, no weather, even mix. `street` is off from it in view
 * and light from the first second on, by camera. Every fourth seed is a quiet camera that hardly drifts.
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
  if (preset === 'plain') {
    const plain: Conditions = { light: day, weather: clear, view: straight, mix: evenMix }
    return () => plain
  }
  return streetDrift(seed)
}

interface Regime {
  readonly from: number
  readonly ramp: number
  readonly conditions: Conditions
}

function streetDrift(seed: number): Drift {
  // Grown as far as it was asked for; each regime follows from the last one alone.
  const regimes: Regime[] = [firstRegime(seed)]
  let end = regimes[0]!.from + length(seed, 0)
  return seconds => {
    while (end <= seconds) {
      const number = regimes.length
      regimes.push({
        from: end,
        ramp: between(10, 20, seed, number, 1),
        conditions: next(regimes.at(-1)!.conditions, seed, number),
      })
      end += length(seed, number)
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

const length = (seed: number, number: number): number =>
  between(60, 180, seed, number, 2) * (quiet(seed) ? 2 : 1)

function firstRegime(seed: number): Regime {
  const strength = quiet(seed) ? 0.5 : 1
  return {
    // The first one is under way already, so that cameras change at different times.
    from: -between(0, 60, seed, 3),
    ramp: 1,
    conditions: {
      light: lightFrom(quiet(seed) ? ['day'] : ['day', 'dusk'], seed, 0),
      weather: clear,
      view: viewFrom(seed, 0, strength),
      mix: mixFrom(seed, 0),
    },
  }
}

function next(last: Conditions, seed: number, number: number): Conditions {
  const chance = quiet(seed) ? 0.25 : 0.55
  const changes = (aspect: number): boolean => uniform(seed, number, aspect, 4) < chance
  return {
    light: changes(0) ? lightFrom(['day', 'dusk', 'night', 'thermal'], seed, number) : last.light,
    weather: changes(1) ? weatherFrom(seed, number) : last.weather,
    view: !quiet(seed) && changes(2) ? viewFrom(seed, number, 1) : last.view,
    mix: changes(3) ? mixFrom(seed, number) : last.mix,
  }
}

const lights = {
  day: seed => {
    const warm = between(-0.12, 0.12, seed, 11)
    const gain = between(0.8, 1.1, seed, 12)
    return { ...day, red: gain * (1 + warm), green: gain, blue: gain * (1 - warm), noise: 4 }
  },
  dusk: seed => {
    const gain = between(0.5, 0.7, seed, 11)
    return {
      ...day,
      red: gain * 1.15,
      green: gain * 0.85,
      blue: gain * 0.8,
      gamma: 1.3,
      noise: 6,
      lamps: 0.4,
    }
  },
  night: seed => {
    const gain = between(0.3, 0.42, seed, 11)
    return { ...day, red: gain, green: gain * 0.9, blue: gain * 1.1, gamma: 1.4, noise: 9, lamps: 1 }
  },
  thermal: seed => ({ ...day, gamma: between(0.9, 1.2, seed, 11), mono: 1, negative: 1, noise: 7 }),
} satisfies Record<string, (seed: number) => Light>

function lightFrom(kinds: readonly (keyof typeof lights)[], seed: number, number: number): Light {
  return lights[pick(kinds, seed, number, 10)](keyed(seed, number))
}

function weatherFrom(seed: number, number: number): Weather {
  const strength = between(0.5, 1, seed, number, 21)
  switch (pick(['clear', 'fog', 'rain', 'snow'], seed, number, 20)) {
    case 'fog':
      return { ...clear, fog: 0.65 * strength }
    case 'rain':
      return { fog: 0.2 * strength, rain: strength, snow: 0 }
    case 'snow':
      return { fog: 0.15 * strength, rain: 0, snow: strength }
    default:
      return clear
  }
}

function viewFrom(seed: number, number: number, strength: number): View {
  const around = (spread: number, part: number): number =>
    strength * between(-spread, spread, seed, number, 30, part)
  return {
    zoom: 2 ** around(0.45, 1),
    rotation: around(0.35, 2),
    shear: around(0.35, 3),
    stretch: 2 ** around(0.4, 4),
    aside: around(0.08, 5),
    above: around(0.08, 6),
  }
}

/** One or two classes prevail, the others stay seen. */
function mixFrom(seed: number, number: number): ClassMix {
  return Object.fromEntries(
    sceneClasses.map((name, position) => [name, 0.08 + uniform(seed, number, 40, position) ** 3]),
  ) as Record<(typeof sceneClasses)[number], number>
}

const keyed = (seed: number, number: number): number => (Math.imul(seed, 7919) + number * 104_729) | 0
