/**
 * Splits values into an effect of the configuration, an effect of the window and a rest:
 *
 *   value = effect of configuration + level of window + rest
 *
 * The effects of the configurations lie about a line (in the logarithm of GPU-seconds, say), so one that nobody has tried has an effect
 * too, and one that was tried once is drawn towards the line. All are normal; the variances of rest, levels and effects come from the
 * values, by alternating between effects and variances. A rest far outside the others counts with the weight that Huber (1964) gives it.
 */
import { type Coefficient, ridge } from './ridge.ts'

export interface Cell {
  readonly configuration: string
  /** Windows of all streams, counted through. */
  readonly window: number
  readonly value: number
}

export interface Effect {
  readonly mean: number
  /** Of the error of `mean`. */
  readonly variance: number
}

export interface Effects {
  of(configuration: string): Effect
  /** Variance of the rest. */
  readonly rest: number
  /** Mean of value − effect over the cells of a window, with Huber's weights, and how many cells that is worth; 0, 0 without any. */
  level(window: number): { readonly mean: number; readonly count: number }
  /** What is left of a cell: no further from 0 than Huber's bound. */
  bounded(rest: number): number
}

export interface Line {
  /** Of a configuration, the same number for each; the first is 1. */
  factors(configuration: string): readonly number[]
  readonly assumed: readonly Coefficient[]
}

/** Variances that are assumed before anything is seen, and as how many cells or configurations they count. Angles squared. */
const assumed = { rest: 0.06 ** 2, level: 0.1 ** 2, effect: 0.06 ** 2, weight: 2 } as const
/** In standard deviations: of 16,000 normal values one is beyond it, so only gross errors are touched. */
const huber = 4
const rounds = 6

export function effectsOf(cells: readonly Cell[], line: Line): Effects {
  const byConfiguration = Map.groupBy(cells, cell => cell.configuration)
  const byWindow = Map.groupBy(cells, cell => cell.window)
  const weights = new Map(cells.map(cell => [cell, 1]))
  const factors = new Map([...byConfiguration.keys()].map(name => [name, line.factors(name)]))
  const sum = (some: readonly Cell[], of: (cell: Cell) => number): number =>
    some.reduce((total, cell) => total + weights.get(cell)! * of(cell), 0)
  const count = (some: readonly Cell[]): number => sum(some, () => 1)

  let coefficients = line.assumed.map(({ mean }) => mean)
  let variances = {
    rest: assumed.rest as number,
    level: assumed.level as number,
    effect: assumed.effect as number,
  }
  const effects = new Map<string, number>()
  const levels = new Map<number, number>()
  const onLine = (of: readonly number[]): number =>
    of.reduce((total, x, i) => total + x * coefficients[i]!, 0)
  const restOf = (cell: Cell): number =>
    cell.value - (effects.get(cell.configuration) ?? 0) - (levels.get(cell.window) ?? 0)

  for (let round = 0; round < rounds; round++) {
    const { rest, effect } = variances
    const tried = [...byConfiguration].map(([name, some]) => ({
      name,
      factors: factors.get(name)!,
      raw: sum(some, cell => cell.value - (levels.get(cell.window) ?? 0)) / count(some),
      error: rest / count(some),
    }))
    coefficients = ridge(
      tried.map(each => ({ factors: each.factors, value: each.raw, weight: 1 / (effect + each.error) })),
      line.assumed,
    )
    let spread = assumed.weight * assumed.effect
    for (const { name, factors: of, raw, error } of tried) {
      const from = onLine(of)
      effects.set(name, from + (effect / (effect + error)) * (raw - from))
      spread += Math.max(0, (raw - from) ** 2 - error)
    }
    let movement = assumed.weight * assumed.level
    for (const [window, some] of byWindow) {
      const raw = sum(some, cell => cell.value - effects.get(cell.configuration)!)
      levels.set(window, raw / (count(some) + rest / variances.level))
      movement += Math.max(0, (raw / count(some)) ** 2 - rest / count(some))
    }
    const scale = robustDeviation(cells.map(restOf))
    for (const cell of cells) weights.set(cell, Math.min(1, (huber * scale) / Math.abs(restOf(cell)) || 1))
    const freedom = Math.max(0, cells.length - effects.size - levels.size)
    const squares = sum(cells, cell => restOf(cell) ** 2)
    variances = {
      // What shrunken effects leave over, where there are hardly more cells than effects, is no measure of the rest.
      rest: (assumed.weight * assumed.rest + (freedom > 0 ? squares : 0)) / (assumed.weight + freedom),
      level: movement / (assumed.weight + levels.size),
      effect: spread / (assumed.weight + effects.size),
    }
  }

  const bound = huber * Math.sqrt(variances.rest)
  const { rest, effect } = variances
  const known = new Map(
    [...byConfiguration].map(([name, some]) => {
      const error = rest / count(some)
      return [name, { mean: effects.get(name)!, variance: (effect * error) / (effect + error) }] as const
    }),
  )
  const seen = new Map(
    [...byWindow].map(([window, some]) => {
      const n = count(some)
      const mean = sum(some, cell => cell.value - effects.get(cell.configuration)!) / n
      return [window, { mean, count: n }] as const
    }),
  )
  return {
    rest,
    of: name => known.get(name) ?? { mean: onLine(line.factors(name)), variance: effect },
    level: window => seen.get(window) ?? { mean: 0, count: 0 },
    bounded: value => Math.max(-bound, Math.min(bound, value)),
  }
}

/** From the median of the absolute values (0.6745 deviations of a normal distribution), which outliers do not move. */
function robustDeviation(values: readonly number[]): number {
  const sorted = values.map(Math.abs).sort((a, b) => a - b)
  return (sorted[sorted.length >> 1] ?? 0) / 0.6745
}
