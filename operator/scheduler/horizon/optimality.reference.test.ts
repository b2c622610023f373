import { expect } from 'chai'
import fc from 'fast-check'
import { horizon } from '../policies/horizon.ts'
import type { Problem } from '../problem.ts'
import { bestByTrial } from '../testing/exhaustive.ts'
import { gpus, linear, option, problem, stream } from '../testing/problems.ts'
import { evaluate, type Interval } from '../timeline.ts'
import { upperBound } from './bound.ts'

const curve = [
  [0.1, 0.36],
  [0.2, 0.51],
  [0.3, 0.65],
  [0.5, 0.83],
  [1, 1],
] as const

const two = [
  stream('a', {
    accuracyNow: 0.5,
    inference: [linear(0.3)],
    retraining: [option('cheap', 0.7, 8), option('dear', 0.85, 30)],
  }),
  stream('b', {
    accuracyNow: 0.65,
    weight: 1.5,
    inference: [
      {
        configuration: 'x',
        profile: [
          [0.1, 0.7],
          [0.2, 0.9],
          [0.5, 1],
        ] as const,
      },
    ],
    retraining: [option('cheap', 0.75, 5), option('dear', 0.95, 45)],
  }),
]
const three = [
  stream('a', { accuracyNow: 0.4, inference: [linear(0.5)], retraining: [option('x', 0.9, 20)] }),
  stream('b', { accuracyNow: 0.6, weight: 2, inference: [linear(0.25)], retraining: [option('x', 0.8, 10)] }),
  stream('c', { accuracyNow: 0.7, inference: [linear(0.3)], retraining: [option('x', 0.95, 30)] }),
]

/** The policy's plan against all plans on a grid, and the bound above both. */
describe('horizon against an exhaustive search', function () {
  this.timeout(120_000)
  for (const { name, given } of [
    { name: 'two streams, linear speed', given: problem({ streams: two }) },
    {
      name: 'two streams, a measured curve',
      given: problem({ streams: two, throughputCurve: curve, resizeSeconds: 2 }),
    },
    {
      name: 'two streams, a short window',
      given: problem({ streams: two, remainingSeconds: 30, windowSeconds: 30 }),
    },
    { name: 'three streams, linear speed', given: problem({ streams: three, step: 0.2 }) },
    {
      name: 'three streams, a measured curve',
      given: problem({ streams: three, step: 0.2, throughputCurve: curve, resizeSeconds: 2 }),
    },
  ])
    it(`${name}: within 0.3 % of the best, and neither above the bound`, () => {
      const best = bestByTrial(given, 1)
      const got = horizon.plan(given, {}).predictedAccuracy!
      const bound = upperBound(given)
      expect(got).to.be.at.least(best * 0.997)
      expect(bound).to.be.at.least(Math.max(best, got) - 1e-9)
      expect(bound).to.be.at.most(best * 1.08)
    })
})

const unit = fc.double({ min: 0, max: 1, noNaN: true })
const someStream = fc.record({
  weight: fc.double({ min: 0.2, max: 5, noNaN: true }),
  accuracyNow: unit,
  demand: fc.double({ min: 0.05, max: 0.9, noNaN: true }),
  retraining: fc.array(fc.tuple(unit, fc.double({ min: 0.1, max: 80, noNaN: true })), { maxLength: 3 }),
})
const someProblem: fc.Arbitrary<Problem> = fc
  .record({
    streams: fc.array(someStream, { minLength: 1, maxLength: 4 }),
    curved: fc.boolean(),
    averaging: fc.constantFrom('time' as const, 'samples' as const),
    capacity: fc.constantFrom(1, 2, 4),
  })
  .map(({ streams, curved, averaging, capacity }) =>
    problem({
      gpus: gpus(1),
      gpuCapacity: capacity,
      averaging,
      ...(curved ? { throughputCurve: curve, resizeSeconds: 2 } : {}),
      streams: streams.map(({ weight, accuracyNow, demand, retraining }, i) =>
        stream(`s${i}`, {
          weight,
          accuracyNow,
          inference: [linear(demand)],
          retraining: retraining.map(([after, cost], k) => option(`c${k}`, after, cost)),
        }),
      ),
    }),
  )

describe('upperBound', () => {
  it('is never below a plan drawn at random, whatever its trainings and shares', () => {
    fc.assert(
      fc.property(
        someProblem,
        fc.array(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.array(unit, { minLength: 8, maxLength: 8 })), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
        fc.constantFrom(1, 3, 7, 30, 400),
        (given, cuts, picks, slots) => {
          const bound = upperBound(given, { iterations: 20, slots })
          const n = given.streams.length
          const times = [0, ...new Set(cuts.slice(1).map(c => c[0]))].sort((a, b) => a - b)
          const intervals: Interval[] = times.map((from, k) => {
            const own = cuts[Math.min(k, cuts.length - 1)]![1]
            const sum = own.slice(0, 2 * n).reduce((a, b) => a + b, 0) || 1
            const share = (j: number): number => (own[j]! / sum) * given.gpuCapacity!
            return {
              from,
              shares: given.streams.map((_, i) => ({ inference: share(2 * i), training: share(2 * i + 1) })),
            }
          })
          const trainings = given.streams.map((s, i) => s.retraining[picks[i]!] ?? null)
          const got = evaluate(
            given,
            given.streams.map(s => s.accuracyNow!),
            { intervals, trainings },
          )
          const weight = given.streams.reduce((sum, s) => sum + s.weight, 0)
          const value = got.reduce((sum, r, i) => sum + r.mean * given.streams[i]!.weight, 0) / weight
          expect(value).to.be.at.most(bound + 1e-9)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('is never below what horizon reaches', () => {
    fc.assert(
      fc.property(someProblem, given => {
        expect(horizon.plan(given, {}).predictedAccuracy!).to.be.at.most(
          upperBound(given, { iterations: 20 }) + 1e-9,
        )
      }),
      { numRuns: 100 },
    )
  })

  it('stays above the plan and near it in slots of several seconds, and as fast for windows of hours', () => {
    const given = problem({
      gpus: gpus(1),
      gpuCapacity: 1,
      averaging: 'samples',
      remainingSeconds: 200,
      windowSeconds: 200,
      streams: [...two, ...three].map((s, i) => ({ ...s, name: `s${i}` })),
    })
    const reached = horizon.plan(given, {}).predictedAccuracy!
    const fine = upperBound(given)
    for (const slots of [100, 50, 29]) {
      expect(upperBound(given, { slots }), `${slots} slots`).to.be.within(reached, fine * 1.01)
    }
    // A hundred times as long and as much work: the same plans, in other units.
    const streams = given.streams.map(s => ({
      ...s,
      retraining: s.retraining.map(o => ({ ...o, gpuSeconds: o.gpuSeconds * 100 })),
    }))
    const long = { ...given, remainingSeconds: 20_000, windowSeconds: 20_000, streams }
    expect(upperBound(long)).to.be.within(horizon.plan(long, {}).predictedAccuracy!, fine * 1.01)
  }).timeout(20_000)

  it('is what is served where there is nothing to train and enough for all', () => {
    const streams = [stream('a', { accuracyNow: 0.6 }), stream('b', { accuracyNow: 0.8, weight: 3 })]
    expect(upperBound(problem({ streams }))).to.be.closeTo(0.75, 1e-6)
  })
})
