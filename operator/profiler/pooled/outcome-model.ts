/**
 * What a retraining gives, as a distribution, from everything that is known at a site. Ekya §4.3 asks the micro-profile of the stream
 * alone; its authors' logs show that other streams' outcomes of the same configuration say more. Here both, and the rest, are
 * measurements in one normal model (on the angles of accuracies, angle.ts):
 *
 *   outcome        = effect of configuration + level of window + slope of configuration × (before − mean) + rest
 *   micro-profile  = effect of configuration + level of window + rest                            its own ones, correlated with those above
 *
 *   levels    of outcomes, of micro-profiles and the accuracy before vary together, between streams and between windows of a stream
 *   rests     of an outcome and its micro-profile vary together, between streams (a configuration that suits a scene) and within
 *
 * How good a micro-profile is thus follows from the data: where it tells little, little is made of it. All variances come from the
 * method of moments, drawn towards weak assumptions, and a prediction is the conditional distribution given the stream's earlier
 * windows, its accuracy before and its micro-profiles. Slopes are drawn towards 0 (empirical Bayes): a short training leaves a model
 * much as it was, a long one makes a new one.
 */
import { type AccuracyDistribution, angleOf, distributionOf } from './angle.ts'
import { type Assumption, type Components, components, conditionalOfFirst, type Row } from './components.ts'
import { type Cell, type Effects, effectsOf } from './effects.ts'
import type { Conditional } from './normal.ts'

export interface WindowRecord {
  /** Of the model in use when the window begins, in [0, 1]; absent: unknown. */
  readonly accuracyBefore?: number
  readonly trainings: readonly TrainingRecord[]
}

export interface TrainingRecord {
  readonly configuration: string
  /** On one whole GPU, ≥ 0. */
  readonly gpuSeconds: number
  /** Accuracy that the micro-profile promises, in [0, 1]; absent: not profiled. */
  readonly estimate?: number
  /** Accuracy that came of it, in [0, 1]; absent: not trained, or not known yet. */
  readonly outcome?: number
}

export interface OutcomeModel {
  /**
   * One distribution for each training of the window, in its order, from the stream's earlier windows and what is common to all. Outcomes
   * of the window itself, where there are any, are not looked at here, but they are in what is common to all: leave them out of the
   * records to predict honestly.
   */
  predict(stream: number, window: number): readonly AccuracyDistribution[]
  /**
   * The same, and what micro-profiles of the configurations named would tell, which does not depend on what they will say.
   */
  foretell(stream: number, window: number, profiled: ReadonlySet<string>): readonly Foretold[]
}

export interface Foretold {
  readonly now: AccuracyDistribution
  /** Deviation of the change that the micro-profiles will bring to `now.mean`, ≥ 0. */
  readonly told: number
}

/** Earlier windows of the stream that a prediction looks back on. */
const lookBack = 8

/**
 * What is assumed before a site has shown anything, in angles squared: everything moves by about 0.1 (8 points at 75 %), measurements of
 * the same thing agree half, and a micro-profile's rest is twice as far off as the outcome's. Counts as four windows.
 */
const assumedLevels: Assumption = {
  between: [
    [0.005, 0.003, 0.003],
    [0.003, 0.005, 0.003],
    [0.003, 0.003, 0.005],
  ],
  within: [
    [0.005, 0.003, 0.003],
    [0.003, 0.01, 0.003],
    [0.003, 0.003, 0.01],
  ],
  weight: 4,
}
const assumedRests: Assumption = {
  between: [
    [0.001, 0.0005],
    [0.0005, 0.001],
  ],
  within: [
    [0.003, 0.002],
    [0.002, 0.012],
  ],
  weight: 4,
}
/** Deviations: of the line through the configurations by factor e of GPU-seconds, and of the share that it takes of the micro-profiles' line. */
const assumedLine = { level: 0.2, perLogSecond: 0.02, ofEstimates: 0.25 } as const
/** Variance of the slopes' assumption, and as how many configurations it counts. */
const assumedSlope = { variance: 0.05, weight: 2 } as const

/** @param streams windows of each stream in order, those to be predicted included. */
export function fitOutcomes(streams: readonly (readonly WindowRecord[])[]): OutcomeModel {
  const site = gather(streams)
  const slopes = slopesOf(site)
  const levelRow = (window: Gathered): { row: Row; noise: number[] } => {
    const outcome = site.outcomes.level(window.index)
    const estimate = site.estimates.level(window.index)
    return {
      row: [
        outcome.count > 0 ? outcome.mean : undefined,
        window.before,
        estimate.count > 0 ? estimate.mean : undefined,
      ],
      noise: [
        outcome.count > 0 ? site.outcomes.rest / outcome.count : 0,
        0,
        estimate.count > 0 ? site.estimates.rest / estimate.count : 0,
      ],
    }
  }
  const levels = site.windows.map(of => of.map(levelRow))
  const restRow = (window: Gathered, training: GatheredTraining): Row => [
    training.outcome === undefined
      ? undefined
      : site.outcomes.bounded(
          training.outcome -
            site.outcomes.of(training.configuration).mean -
            site.outcomes.level(window.index).mean -
            (slopes.get(training.configuration) ?? 0) * (window.before ?? 0),
        ),
    training.estimate === undefined
      ? undefined
      : site.estimates.bounded(
          training.estimate -
            site.estimates.of(training.configuration).mean -
            site.estimates.level(window.index).mean,
        ),
  ]
  const rests = site.windows.map(of =>
    of.map(window => new Map(window.trainings.map(t => [t.configuration, restRow(window, t)] as const))),
  )
  const ofLevels = components(
    levels.map(of => of.map(({ row }) => row)),
    meanNoise(levels.flat()),
    assumedLevels,
  )
  const ofRests = restComponents(rests)

  /** Angles of a window's outcomes. @param assumed configurations whose micro-profiles count as if they had said what is expected. */
  const angles = (stream: number, index: number, assumed: ReadonlySet<string>): readonly Conditional[] => {
    const window = site.windows[stream]![index]!
    const first = Math.max(0, index - lookBack)
    const level = conditionalOfFirst(
      ofLevels,
      levels[stream]!.slice(first, index),
      unseen(levels[stream]![index]!, estimatesWith(window, assumed)),
    )
    return window.trainings.map(({ configuration }) => {
      const effect = site.outcomes.of(configuration)
      const [, estimate = assumed.has(configuration) ? 0 : undefined] =
        rests[stream]![index]!.get(configuration)!
      const rest = conditionalOfFirst(
        ofRests,
        rests[stream]!.slice(first, index).flatMap(of => {
          const row = of.get(configuration)
          return row === undefined ? [] : [{ row, noise: noNoise }]
        }),
        { row: [undefined, estimate], noise: noNoise },
      )
      const slope = (slopes.get(configuration) ?? 0) * (window.before ?? 0)
      return {
        mean: effect.mean + level.mean + slope + rest.mean,
        variance: effect.variance + level.variance + rest.variance,
      }
    })
  }
  const estimatesWith = (window: Gathered, assumed: ReadonlySet<string>): number =>
    window.trainings.filter(each => each.estimate === undefined && assumed.has(each.configuration)).length
  /** A window's levels without its outcomes, and with so many more micro-profiles. */
  const unseen = ({ row, noise }: { row: Row; noise: readonly number[] }, more: number) => {
    if (more === 0) return { row: [undefined, row[1], row[2]], noise }
    const known = row[2] === undefined ? 0 : site.estimates.rest / noise[2]!
    return {
      row: [undefined, row[1], row[2] ?? 0],
      noise: [0, noise[1]!, site.estimates.rest / (known + more)],
    }
  }
  const predict: OutcomeModel['predict'] = (stream, window) =>
    angles(stream, window, new Set()).map(({ mean, variance }) => distributionOf(mean, variance))

  return {
    predict,
    foretell: (stream, window, profiled) => {
      const before = angles(stream, window, new Set())
      const after = angles(stream, window, profiled)
      return before.map(({ mean, variance }, i) => {
        const now = distributionOf(mean, variance)
        const later = distributionOf(mean, Math.min(variance, after[i]!.variance))
        return { now, told: Math.sqrt(Math.max(0, now.deviation ** 2 - later.deviation ** 2)) }
      })
    },
  }
}

const noNoise = [0, 0] as const

interface Gathered {
  readonly index: number
  /** Angle less the mean of all. */
  readonly before: number | undefined
  readonly trainings: readonly GatheredTraining[]
}

/** Angles. */
interface GatheredTraining {
  readonly configuration: string
  readonly estimate: number | undefined
  readonly outcome: number | undefined
}

interface Site {
  readonly windows: readonly (readonly Gathered[])[]
  readonly outcomes: Effects
  readonly estimates: Effects
}

function gather(streams: readonly (readonly WindowRecord[])[]): Site {
  const all = streams.flat()
  const before = mean(all.flatMap(w => (w.accuracyBefore === undefined ? [] : [angleOf(w.accuracyBefore)])))
  let index = 0
  const windows = streams.map(of =>
    of.map(
      ({ accuracyBefore, trainings }): Gathered => ({
        index: index++,
        before: accuracyBefore === undefined ? undefined : angleOf(accuracyBefore) - before,
        trainings: trainings.map(({ configuration, estimate, outcome }) => ({
          configuration,
          estimate: estimate === undefined ? undefined : angleOf(estimate),
          outcome: outcome === undefined ? undefined : angleOf(outcome),
        })),
      }),
    ),
  )
  const cells = (of: 'estimate' | 'outcome'): Cell[] =>
    windows
      .flat()
      .flatMap(window =>
        window.trainings.flatMap(({ configuration, [of]: value }) =>
          value === undefined ? [] : [{ configuration, window: window.index, value }],
        ),
      )
  const work = logWork(all)
  const profiled = cells('estimate')
  const start = profiled.length > 0 ? mean(profiled.map(cell => cell.value)) : before
  const { level, perLogSecond, ofEstimates } = assumedLine
  const estimates = effectsOf(profiled, {
    factors: name => [1, work(name)],
    assumed: [
      { mean: start, deviation: level },
      { mean: 0, deviation: perLogSecond },
    ],
  })
  const outcomes = effectsOf(cells('outcome'), {
    factors: name => [1, work(name), estimates.of(name).mean - start],
    assumed: [
      { mean: start, deviation: level },
      { mean: 0, deviation: perLogSecond },
      { mean: ofEstimates, deviation: ofEstimates },
    ],
  })
  return { windows, outcomes, estimates }
}

/** Mean logarithm of a configuration's GPU-seconds, less that of all. */
function logWork(windows: readonly WindowRecord[]): (configuration: string) => number {
  const trainings = windows.flatMap(window => window.trainings)
  const logs = new Map(
    [...Map.groupBy(trainings, t => t.configuration)].map(([name, some]) => [
      name,
      // A second more, so that what costs next to nothing is not infinitely far from the others.
      mean(some.map(t => Math.log(1 + t.gpuSeconds))),
    ]),
  )
  const middle = mean([...logs.values()])
  return name => (logs.get(name) ?? middle) - middle
}

/** How far a configuration's outcome moves with the accuracy before, beyond what all do. */
function slopesOf({ windows, outcomes }: Site): ReadonlyMap<string, number> {
  const sums = new Map<string, { xx: number; xy: number }>()
  for (const window of windows.flat()) {
    if (window.before === undefined) continue
    for (const { configuration, outcome } of window.trainings) {
      if (outcome === undefined) continue
      const rest = outcome - outcomes.of(configuration).mean - outcomes.level(window.index).mean
      const sum = sums.get(configuration) ?? { xx: 0, xy: 0 }
      sum.xx += window.before ** 2
      sum.xy += window.before * outcomes.bounded(rest)
      sums.set(configuration, sum)
    }
  }
  const measured = [...sums].flatMap(([name, { xx, xy }]) =>
    xx > 0 ? [{ name, slope: xy / xx, error: outcomes.rest / xx }] : [],
  )
  let [squares, weight] = [assumedSlope.weight * assumedSlope.variance, assumedSlope.weight as number]
  for (const { slope, error } of measured) {
    // Those that are measured well count most.
    const trust = assumedSlope.variance / (assumedSlope.variance + error)
    squares += trust * (slope ** 2 - error)
    weight += trust
  }
  const variance = Math.max(0, squares / weight)
  return new Map(measured.map(({ name, slope, error }) => [name, (slope * variance) / (variance + error)]))
}

/** Configurations of a stream are groups; those of one window are not independent of each other. */
function restComponents(rests: readonly (readonly ReadonlyMap<string, Row>[])[]): Components {
  const groups = rests.flatMap(of => {
    const rows = of.flatMap(window => [...window])
    return [...Map.groupBy(rows, ([name]) => name).values()].map(some => some.map(([, row]) => row))
  })
  const windows = rests.flat().filter(window => window.size > 0)
  const rows = windows.reduce((total, window) => total + window.size, 0)
  return components(groups, noNoise, assumedRests, Math.sqrt(Math.max(1, rows / Math.max(1, windows.length))))
}

const meanNoise = (rows: readonly { readonly row: Row; readonly noise: readonly number[] }[]): number[] =>
  [0, 1, 2].map(of => mean(rows.flatMap(({ row, noise }) => (row[of] === undefined ? [] : [noise[of]!]))))

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length
