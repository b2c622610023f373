/** Problems for tests: small ones by hand, random ones for properties. */
import fc from 'fast-check'
import type { InferenceOption, Problem, RetrainingOption, StreamProblem } from '../problem.ts'

export const gpus = (count: number): Problem['gpus'] =>
  Array.from({ length: count }, (_, i) => ({ node: `node-${Math.floor(i / 2)}`, gpu: `${i % 2}` }))

/** Accuracy rises with the share up to `demand`. */
export const linear = (demand: number, configuration = 'every-frame'): InferenceOption => ({
  configuration,
  profile: [[demand, 1]],
})

export const option = (
  configuration: string,
  accuracyAfter: number,
  gpuSeconds: number,
): RetrainingOption => ({
  configuration,
  accuracyAfter,
  gpuSeconds,
})

export function stream(name: string, overrides: Partial<StreamProblem> = {}): StreamProblem {
  return {
    name,
    weight: 1,
    minAccuracy: 0,
    accuracyNow: 0.6,
    accuracySoFar: null,
    inference: [linear(0.2)],
    retraining: [],
    ...overrides,
  }
}

export function problem(overrides: Partial<Problem> = {}): Problem {
  return {
    remainingSeconds: 100,
    windowSeconds: 100,
    step: 0.1,
    gpus: gpus(1),
    streams: [stream('a'), stream('b')],
    ...overrides,
  }
}

const unit = fc.double({ min: 0, max: 1, noNaN: true })
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

const inferenceOption: fc.Arbitrary<InferenceOption> = fc
  .tuple(
    fc.constantFrom('every-frame', 'every-2nd', 'half-size'),
    fc.array(fc.tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), unit), { minLength: 1, maxLength: 6 }),
  )
  .map(([configuration, points]) => {
    const shares = [...new Set(points.map(p => p[0]))].sort((a, b) => a - b)
    const factors = points.map(p => p[1]).sort((a, b) => a - b)
    return { configuration, profile: shares.map((share, i) => [share, factors[i]!] as const) }
  })

const retrainingOption: fc.Arbitrary<RetrainingOption> = fc.record({
  configuration: fc.constantFrom('head-5', 'head-15', 'all-5', 'all-15', 'all-30'),
  accuracyAfter: unit,
  gpuSeconds: fc.double({ min: 0, max: 400, noNaN: true }),
})

const throughputCurve = maybe(
  fc.constant([
    [0.1, 0.36],
    [0.5, 0.83],
    [1, 1],
  ] as const),
)

/** Any problem that the contract allows: unknown accuracies, no options, running trainings, gone GPUs, too many streams. */
export const anyProblem: fc.Arbitrary<Problem> = fc
  .record({
    step: fc.constantFrom(0.05, 0.1, 0.25, 0.3, 0.5),
    gpuCount: fc.integer({ min: 0, max: 4 }),
    remaining: fc.double({ min: 1, max: 200, noNaN: true }),
    passed: fc.constantFrom(0, 10, 100),
    throughputCurve,
    streams: fc.array(
      fc.record({
        weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
        minAccuracy: fc.oneof(fc.constant(0), unit),
        accuracyNow: fc.option(unit),
        accuracySoFar: fc.option(unit),
        inference: fc.array(inferenceOption, { minLength: 1, maxLength: 3 }),
        retraining: fc.uniqueArray(retrainingOption, { maxLength: 5, selector: o => o.configuration }),
        running: maybe(retrainingOption),
        noRetrainingBecause: maybe(fc.constant('no retraining: the stream is suspended')),
        at: maybe(fc.tuple(fc.integer({ min: 0, max: 5 }), unit, unit)),
      }),
      { maxLength: 7 },
    ),
  })
  .map(({ step, gpuCount, remaining, passed, throughputCurve: curve, streams }) => ({
    step,
    remainingSeconds: remaining,
    windowSeconds: remaining + passed,
    gpus: gpus(gpuCount),
    throughputCurve: curve,
    streams: streams.map(({ at, ...rest }, i) => ({
      ...rest,
      name: `cam-${i}`,
      current:
        at === undefined
          ? undefined
          : { ...gpus(at[0] + 1)[at[0]]!, inferenceShare: at[1], trainingShare: at[2] * (1 - at[1]) },
    })),
  }))

/** All of a site's GPUs as one pool, nothing planned yet, as the simulator asks. */
export const anyPool: fc.Arbitrary<Problem> = fc
  .tuple(anyProblem, fc.constantFrom(1, 2, 3.5, 8), maybe(fc.constantFrom(0, 2)))
  .filter(([{ streams }]) => streams.length > 0)
  .map(([given, gpuCapacity, resizeSeconds]) => {
    const seconds = Math.max(2, Math.round(given.remainingSeconds))
    return {
      ...given,
      remainingSeconds: seconds,
      windowSeconds: seconds,
      windowIndex: 0,
      gpus: gpus(1),
      gpuCapacity,
      averaging: 'samples' as const,
      ...(resizeSeconds === undefined ? {} : { resizeSeconds }),
      streams: given.streams.map(s => ({
        ...s,
        weight: 1,
        accuracyNow: s.accuracyNow ?? 0.5,
        accuracySoFar: null,
        running: undefined,
        noRetrainingBecause: undefined,
        current: undefined,
      })),
    }
  })
