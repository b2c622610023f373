import { expect } from 'chai'
import fc from 'fast-check'
import { toPlan } from '../scheduler/draft.ts'
import { assumedAccuracies } from '../scheduler/objective.ts'
import { fixedChoice } from '../scheduler/pick-configurations.ts'
import { policies } from '../scheduler/policies/registry.ts'
import { definePolicy, type Policy } from '../scheduler/policy.ts'
import type { Problem } from '../scheduler/problem.ts'
import { anyPool, gpus, linear, option, problem, stream } from '../scheduler/testing/problems.ts'
import type { Interval, Timeline } from '../scheduler/timeline.ts'
import { PlanError } from './errors.ts'
import { runWindow, type WindowRunOptions } from './window-run.ts'

const options: WindowRunOptions = { policyOptions: {}, delaySeconds: 0, monotonicMs: () => 0 }

/** Two streams on one GPU, 100 s; what is trained really takes `seconds` GPU-seconds. */
const site = (seconds: readonly [number, number]): Problem =>
  problem({
    gpus: gpus(1),
    gpuCapacity: 1,
    averaging: 'samples',
    streams: ['a', 'b'].map((name, i) =>
      stream(name, { retraining: [option('all', 0.9, seconds[i]!)], inference: [linear(0.1)] }),
    ),
  })

type Row = readonly [from: number, a: number, trainA: number, b: number, trainB: number]
const interval = ([from, a, trainA, b, trainB]: Row): Interval => ({
  from,
  shares: [
    { inference: a, training: trainA },
    { inference: b, training: trainB },
  ],
})
const rows = (timeline: Timeline) =>
  timeline.intervals.map(({ from, shares }) => [
    Number(from.toFixed(6)),
    ...shares.flatMap(s => [s.inference, s.training].map(x => Number(x.toFixed(6)))),
  ])

/** Plans a first, then b, on all that inference leaves; keeps what it was asked. */
function oneAfterTheOther(asked: Problem[]) {
  return definePolicy({
    name: 'sequence',
    plan: given => {
      asked.push(given)
      let at = 0
      const intervals: Interval[] = []
      const trainings = given.streams.map(s => s.running ?? (s.noRetrainingBecause ? null : s.retraining[0]!))
      trainings.forEach((training, i) => {
        if (training === null) return
        intervals.push(interval(i === 0 ? [at, 0.1, 0.8, 0.1, 0] : [at, 0.1, 0, 0.1, 0.8]))
        at += training.gpuSeconds / 0.8
      })
      intervals.push(interval([at, 0.5, 0, 0.5, 0]))
      const accuracies = assumedAccuracies(given.streams)
      return toPlan(given, {
        policy: 'sequence',
        gpus: [0, 0],
        shares: intervals[0]!.shares.map(s => ({
          inference: s.inference / given.step,
          training: s.training / given.step,
        })),
        choices: given.streams.map((s, i) => ({
          ...fixedChoice(given, s, accuracies[i]!, intervals[0]!.shares[i]!, undefined),
          retraining: trainings[i]!,
        })),
        warnings: [],
        timeline: { intervals, trainings },
      })
    },
  })
}

describe('runWindow', () => {
  it('follows a timeline that comes true, and asks once', () => {
    const asked: Problem[] = []
    const run = runWindow(site([16, 24]), site([16, 24]), oneAfterTheOther(asked), options)
    expect(rows(run.timeline)).to.deep.equal([
      [0, 0.1, 0.8, 0.1, 0],
      [20, 0.1, 0, 0.1, 0.8],
      [50, 0.5, 0, 0.5, 0],
    ])
    expect(run.results.map(r => r.completesAt)).to.deep.equal([20, 50])
    expect(asked).to.have.length(1)
    expect(run.plan.items.map(i => i.startsAtSeconds)).to.deep.equal([0, 20])
    expect(run.plan.predictedAccuracy).to.be.closeTo((run.results[0]!.mean + run.results[1]!.mean) / 2, 1e-12)
  })

  it('asks again when a training ends earlier than planned', () => {
    const asked: Problem[] = []
    const run = runWindow(site([8, 24]), site([16, 24]), oneAfterTheOther(asked), options)
    expect(rows(run.timeline)).to.deep.equal([
      [0, 0.1, 0.8, 0.1, 0],
      [10, 0.1, 0, 0.1, 0.8],
      [40, 0.5, 0, 0.5, 0],
    ])
    expect(asked.map(p => p.remainingSeconds)).to.deep.equal([100, 90])
    expect(asked[1]!.streams[0]).to.include({
      accuracyNow: 0.9,
      noRetrainingBecause: 'no retraining: all was trained in this window',
    })
  })

  it('asks again when a training is not done when it should be, and tells what is left of it', () => {
    const asked: Problem[] = []
    const run = runWindow(site([40, 24]), site([16, 24]), oneAfterTheOther(asked), options)
    expect(asked).to.have.length(2)
    expect(asked[1]!.remainingSeconds).to.be.closeTo(80, 1e-5)
    expect(asked[1]!.streams[0]!.running!.gpuSeconds).to.be.closeTo(24, 1e-5)
    expect(asked[1]!.streams[1]!.running).to.equal(undefined)
    expect(run.results[0]!.completesAt).to.be.closeTo(50, 1e-4)
    expect(run.results[1]!.completesAt).to.be.closeTo(80, 1e-4)
  })

  it('hands on at the real completion where the plan has no timeline', () => {
    const run = runWindow(site([10, 1000]), site([20, 1000]), policies['fair-dumb']!, options)
    expect(rows(run.timeline)).to.deep.equal([
      [0, 0.25, 0.25, 0.25, 0.25],
      [40, 0.333333, 0, 0.333333, 0.333333],
    ])
    expect(run.plans).to.equal(1)
  })

  it('lets inference run alone until the labels are there', () => {
    const run = runWindow(site([10, 1000]), site([10, 1000]), policies['fair-dumb']!, {
      ...options,
      delaySeconds: 20,
    })
    expect(rows(run.timeline).slice(0, 2)).to.deep.equal([
      [0, 0.5, 0, 0.5, 0],
      [20, 0.25, 0.25, 0.25, 0.25],
    ])
    expect(run.results[0]!.completesAt).to.equal(60)
  })

  for (const { name, shares, retraining, want } of [
    {
      name: 'more than there is',
      shares: [8, 4],
      retraining: undefined,
      want: /gives 1\.2\d* GPUs at 0\.000 s; accepted: .*at most 1/,
    },
    { name: 'less than nothing', shares: [-1, 4], retraining: undefined, want: /accepted: shares from 0/ },
    {
      name: 'what is not on offer',
      shares: [1, 1],
      retraining: option('other', 1, 1),
      want: /trains other for a, which is not on offer to it/,
    },
  ])
    it(`refuses a plan that gives ${name}`, () => {
      const bad = definePolicy({
        name: 'bad',
        plan: given =>
          toPlan(given, {
            policy: 'bad',
            gpus: [0, 0],
            shares: shares.map(inference => ({ inference, training: 0 })),
            choices: given.streams.map(s => ({
              ...fixedChoice(given, s, 0.6, { inference: 0.1, training: 0 }, undefined),
              retraining: retraining ?? null,
            })),
            warnings: [],
          }),
      })
      expect(() => runWindow(site([1, 1]), site([1, 1]), bad, options)).to.throw(PlanError, want)
    })

  const listing: Policy = {
    ...policies.thief!,
    plan: asked => policies.thief!.plan(asked, { variant: 'listing' }),
  }
  const pooled = Object.entries(policies).filter(([name]) => name !== 'replay')
  for (const [name, policy] of [...pooled, ['thief as listed', listing] as const]) {
    it(`never gives more than there is under ${name}, whatever comes true`, () => {
      fc.assert(
        fc.property(
          anyPool,
          fc.array(fc.double({ min: 0.2, max: 5, noNaN: true }), { minLength: 1 }),
          (seen, factors) => {
            const actual = {
              ...seen,
              streams: seen.streams.map((s, i) => ({
                ...s,
                retraining: s.retraining.map(o => ({
                  ...o,
                  gpuSeconds: o.gpuSeconds * factors[i % factors.length]!,
                })),
              })),
            }
            const { timeline } = runWindow(actual, seen, policy, { ...options, delaySeconds: 1 })
            for (const { shares } of timeline.intervals)
              expect(shares.reduce((sum, s) => sum + s.inference + s.training, 0)).to.be.at.most(
                seen.gpuCapacity! + 1e-9,
              )
          },
        ),
        { numRuns: 30 },
      )
    })

    it(`comes true as ${name} predicts when it sees what is actual`, () => {
      fc.assert(
        fc.property(anyPool, seen => {
          const { plan, results, plans } = runWindow(seen, seen, policy, options)
          const mean = results.reduce((sum, r) => sum + r.mean, 0) / results.length
          expect(plan.predictedAccuracy).to.be.closeTo(mean, 1e-9)
          expect(plans).to.equal(1)
        }),
        { numRuns: 30 },
      )
    })
  }
})
