/**
 * What to believe of estimated accuracies. An estimate is a measurement with an error, and whoever picks the highest of many picks the
 * luckiest error. So each is drawn towards what all estimates of the problem, and the outcomes of earlier trainings, have in common, the
 * more the less it can be trusted.
 *
 *   accuracy of configuration c   θ = level + slope × x + rest        x: log GPU-seconds less their mean over the configurations
 *   mean of its estimates         θ + bias + tilt × x + error         bias, tilt, part of the error: of the way of estimating, for all streams
 *   an outcome                    θ + what is special to the stream
 *
 * All normal and independent. Given level, slope, bias and tilt the configurations do not depend on each other, so these four come from
 * generalised least squares and each rest from its own two observations: exact, and linear in the number of estimates. Of what sets one
 * stream's estimate apart from the configuration's mean as much is believed as differences between streams explain.
 *
 * Planned is with the mean of the posterior. Accuracy over a window is linear in the accuracies of the models once the trainings are
 * chosen, so the plan that is best for the mean has the highest expected value, and nothing is chosen for its spread.
 */
import { trainable } from '../objective.ts'
import type { Problem, RetrainingOption } from '../problem.ts'

/**
 * Root mean square error of the micro-profiles that Ekya's authors logged (median 5.9 points, mean 8.4: a few are off by far). For who
 * has such estimates and no record of their errors.
 */
export const microProfileError = 0.12

/**
 * What is assumed before anything is seen, as standard deviations in accuracy (slopes: per factor e of GPU-seconds). Returns diminish:
 * with 200 times the GPU-seconds a model gains a few points (Ekya Fig. 3b: ten), hence the small slope.
 */
const prior = { level: 0.05, slope: 0.01, slopeError: 0.01, rest: 0.05 } as const
/** How one stream's result for a configuration differs from the configuration's mean. */
const betweenStreams = 0.06
/** Parts of an estimate's error that belong to the way of estimating and so do not average out over streams, relative to the whole. */
const shared = { bias: 0.35, tilt: 0.2, configuration: 0.5 } as const

/** The problem with accuracies as they are to be believed; the same one where nothing is uncertain. */
export function believed(problem: Problem): Problem {
  const options = problem.streams.flatMap(trainable)
  if (options.every(option => errorOf(option) <= 0)) return problem
  const means = configurationMeans(options, problem.outcomes ?? [])
  const difference = differences(options, means)
  const revise = (option: RetrainingOption): RetrainingOption => {
    const error = errorOf(option)
    const { believed: mean, estimated } = means.get(option.configuration)!
    if (error <= 0) return option
    const trust = difference / (difference + error ** 2)
    const accuracy = mean + trust * (option.accuracyAfter - estimated)
    return { ...option, accuracyAfter: Math.min(1, Math.max(0, accuracy)) }
  }
  return {
    ...problem,
    streams: problem.streams.map(stream =>
      trainable(stream).length === 0
        ? stream
        : {
            ...stream,
            retraining: stream.running === undefined ? stream.retraining.map(revise) : stream.retraining,
            ...(stream.running === undefined ? {} : { running: revise(stream.running) }),
          },
    ),
  }
}

const errorOf = ({ accuracyError }: RetrainingOption): number => accuracyError ?? 0

/** Variance of what sets estimates apart from their configuration's mean, less what their errors explain. */
function differences(options: readonly RetrainingOption[], means: ReadonlyMap<string, Believed>): number {
  let [square, error] = [0, 0]
  for (const option of options) {
    square += (option.accuracyAfter - means.get(option.configuration)!.estimated) ** 2
    error += errorOf(option) ** 2
  }
  const freedom = Math.max(1, options.length - means.size)
  return Math.max(0, square / freedom - error / options.length)
}

interface Observed {
  /** Mean estimate, its mean square error and number. */
  readonly estimate: number
  readonly square: number
  readonly count: number
  readonly logWork: number
  readonly outcome: number
  readonly outcomes: number
}

interface Believed {
  readonly believed: number
  readonly estimated: number
}

function configurationMeans(
  options: readonly RetrainingOption[],
  outcomes: NonNullable<Problem['outcomes']>,
): Map<string, Believed> {
  const observed = observe(options, outcomes)
  const all = [...observed.values()]
  const middle = mean(all.map(o => o.logWork))
  const level = mean(all.map(o => o.estimate))
  const error2 = mean(all.map(o => o.square))
  // Level, slope, bias, tilt: information and its right-hand side, from the prior on.
  const information = [
    [1 / prior.level ** 2, 0, 0, 0],
    [0, 1 / prior.slopeError ** 2, 0, 0],
    [0, 0, 1 / (shared.bias ** 2 * error2), 0],
    [0, 0, 0, 1 / (shared.tilt ** 2 * error2)],
  ]
  const right = [level / prior.level ** 2, prior.slope / prior.slopeError ** 2, 0, 0]
  const rest2 = prior.rest ** 2
  for (const o of all) {
    const x = o.logWork - middle
    const ofEstimate = [1, x, 1, x]
    const ofOutcome = [1, x, 0, 0]
    const { estimateError, outcomeError } = errorsOf(o)
    if (o.outcomes === 0) {
      add(information, right, ofEstimate, ofEstimate, 1 / (rest2 + estimateError), o.estimate)
      continue
    }
    const [a, d] = [rest2 + estimateError, rest2 + outcomeError]
    const determinant = a * d - rest2 ** 2
    add(information, right, ofEstimate, ofEstimate, d / determinant, o.estimate)
    add(information, right, ofEstimate, ofOutcome, -rest2 / determinant, o.outcome)
    add(information, right, ofOutcome, ofEstimate, -rest2 / determinant, o.estimate)
    add(information, right, ofOutcome, ofOutcome, a / determinant, o.outcome)
  }
  const [l, s, bias, tilt] = solve(information, right) as [number, number, number, number]
  return new Map(
    [...observed].map(([name, o]) => {
      const x = o.logWork - middle
      const { estimateError, outcomeError } = errorsOf(o)
      const byEstimate = 1 / estimateError
      const byOutcome = o.outcomes === 0 ? 0 : 1 / outcomeError
      const rest =
        (byEstimate * (o.estimate - l - s * x - bias - tilt * x) + byOutcome * (o.outcome - l - s * x)) /
        (1 / rest2 + byEstimate + byOutcome)
      return [name, { believed: l + s * x + rest, estimated: o.estimate }] as const
    }),
  )
}

/** Variances of the mean estimate and the mean outcome about the configuration's accuracy, but for bias and tilt. */
function errorsOf({ square, count, outcomes }: Observed): { estimateError: number; outcomeError: number } {
  return {
    estimateError: Math.max(
      1e-12,
      shared.configuration ** 2 * square + (square + betweenStreams ** 2) / count,
    ),
    outcomeError: betweenStreams ** 2 / Math.max(1, outcomes),
  }
}

function observe(
  options: readonly RetrainingOption[],
  outcomes: NonNullable<Problem['outcomes']>,
): Map<string, Observed> {
  const groups = new Map<string, RetrainingOption[]>()
  for (const option of options) {
    const group = groups.get(option.configuration)
    if (group === undefined) groups.set(option.configuration, [option])
    else group.push(option)
  }
  const results = new Map<string, number[]>()
  for (const { configuration, accuracy } of outcomes) {
    const group = results.get(configuration)
    if (group === undefined) results.set(configuration, [accuracy])
    else group.push(accuracy)
  }
  return new Map(
    [...groups].map(([name, group]) => {
      const known = results.get(name) ?? []
      return [
        name,
        {
          estimate: mean(group.map(o => o.accuracyAfter)),
          square: mean(group.map(o => Math.max(1e-6, errorOf(o)) ** 2)),
          count: group.length,
          logWork: mean(group.map(o => Math.log(Math.max(1e-3, o.gpuSeconds)))),
          outcome: mean(known),
          outcomes: known.length,
        },
      ] as const
    }),
  )
}

function add(
  information: number[][],
  right: number[],
  row: readonly number[],
  column: readonly number[],
  weight: number,
  value: number,
): void {
  row.forEach((r, i) => {
    right[i]! += weight * r * value
    column.forEach((c, j) => {
      information[i]![j]! += weight * r * c
    })
  })
}

/** Gaussian elimination; the matrix is positive definite, so no pivot is needed. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!])
  rows.forEach((pivot, i) => {
    for (const [k, row] of rows.entries()) {
      if (k === i) continue
      const factor = row[i]! / pivot[i]!
      for (let j = i; j < row.length; j++) row[j]! -= factor * pivot[j]!
    }
  })
  return rows.map((row, i) => row.at(-1)! / row[i]!)
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length
