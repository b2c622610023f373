import { expect } from 'chai'
import fc from 'fast-check'
import { floorShare, gridOf } from '../horizon/model.ts'
import { assumedAccuracies } from '../objective.ts'
import { allowedCurrent, allowedGpus, currentGpu } from '../placement.ts'
import type { Plan } from '../plan.ts'
import type { Problem } from '../problem.ts'
import { stepsPerGpu } from '../share-grid.ts'
import { anyPool, anyProblem, gpus, linear, option, problem, stream } from '../testing/problems.ts'
import { evaluate } from '../timeline.ts'
import { horizon } from './horizon.ts'

const runs = { numRuns: 100 }
const usable = anyProblem.filter(p => p.gpus.length > 0 && p.streams.length > 0)

/** Floors off: they come before accuracy, so that another plan that keeps more of them may have less of it. */
const withoutFloors = usable.map(p => ({
  ...p,
  streams: p.streams.map(s => ({
    ...s,
    minAccuracy: 0,
    // A place on a GPU that is not there would count as soon as there is one more.
    ...(currentGpu(p.gpus, s.current) >= 0 ? {} : { current: undefined, running: undefined }),
  })),
}))

/** Floors that ask for a good part of a GPU each. */
const withFloors: fc.Arbitrary<Problem> = fc
  .record({
    gpuCount: fc.integer({ min: 1, max: 3 }),
    streams: fc.array(
      fc.record({
        demand: fc.double({ min: 0.1, max: 1, noNaN: true }),
        part: fc.double({ min: 0.1, max: 1, noNaN: true }),
        weight: fc.constantFrom(1, 2),
        gain: fc.double({ min: 0.01, max: 0.2, noNaN: true }),
        cost: fc.double({ min: 1, max: 60, noNaN: true }),
        at: fc.option(fc.nat(2), { nil: undefined }),
        goesOn: fc.boolean(),
      }),
      { minLength: 1, maxLength: 7 },
    ),
  })
  .map(({ gpuCount, streams }) =>
    problem({
      gpus: gpus(gpuCount),
      streams: streams.map(({ demand, part, weight, gain, cost, at, goesOn }, i) => {
        const placed = at !== undefined && at < gpuCount
        return stream(`s${i}`, {
          weight,
          accuracyNow: 0.8,
          minAccuracy: 0.8 * part,
          inference: [linear(demand)],
          retraining: [option('x', 0.8 + gain, cost)],
          ...(placed
            ? { current: { ...gpus(3)[at]!, inferenceShare: 0.1, trainingShare: goesOn ? 0.1 : 0 } }
            : {}),
          ...(placed && goesOn ? { running: option('x', 0.8 + gain, cost) } : {}),
        })
      }),
    }),
  )

/** Weighted mean over the rest of the window, with what is assumed where nothing is known. */
function worth(given: Problem, plan: Plan): number {
  const results = evaluate(given, assumedAccuracies(given.streams), plan.timeline!)
  const weight = given.streams.reduce((sum, s) => sum + s.weight, 0)
  return results.reduce((sum, r, i) => sum + r.mean * given.streams[i]!.weight, 0) / weight
}

describe('horizon', () => {
  it('holds no more than there is on any GPU at any moment, in whole steps', () => {
    fc.assert(
      fc.property(usable, given => {
        const plan = horizon.plan(given, {})
        const most = stepsPerGpu(given.step) * given.step
        for (const { shares } of plan.timeline!.intervals)
          for (const { node, gpu } of given.gpus) {
            let sum = 0
            plan.items.forEach((item, i) => {
              if (item.node !== node || item.gpu !== gpu) return
              for (const share of [shares[i]!.inference, shares[i]!.training]) {
                expect(share / given.step).to.be.closeTo(Math.round(share / given.step), 1e-6)
                sum += share
              }
            })
            expect(sum).to.be.at.most(most + 1e-9)
          }
      }),
      runs,
    )
  })

  it('gives no job a share between 0 and a step, on GPUs and in a pool, nor a pool more than there is', () => {
    fc.assert(
      fc.property(fc.oneof(usable, anyPool), given => {
        for (const { shares } of horizon.plan(given, {}).timeline!.intervals) {
          const held = shares.flatMap(({ inference, training }) => [inference, training])
          for (const share of held) if (share !== 0) expect(share).to.be.at.least(given.step - 1e-9)
          if (given.gpuCapacity !== undefined)
            expect(held.reduce((sum, share) => sum + share)).to.be.at.most(given.gpuCapacity + 1e-9)
        }
      }),
      runs,
    )
  })

  it('predicts what the exact evaluator makes of its timeline', () => {
    fc.assert(
      fc.property(usable, given => {
        const plan = horizon.plan(given, {})
        const results = evaluate(given, assumedAccuracies(given.streams), plan.timeline!)
        plan.items.forEach((item, i) => {
          expect(item.completesAtSeconds).to.equal(results[i]!.completesAt)
          expect(item.inferenceShare).to.be.closeTo(plan.timeline!.intervals[0]!.shares[i]!.inference, 1e-9)
          if (given.windowSeconds === given.remainingSeconds && item.predictedWindow !== null)
            expect(item.predictedWindow).to.be.closeTo(results[i]!.mean, 1e-9)
        })
      }),
      runs,
    )
  })

  it('keeps every floor where some plan keeps all that can be kept', () => {
    fc.assert(
      fc.property(fc.oneof(usable, withFloors), given => {
        const needs = neededShares(given)
        if (!fits(given, needs)) return
        const plan = horizon.plan(given, {})
        plan.items.forEach((item, i) => {
          expect(item.inferenceShare, item.stream).to.be.at.least(needs[i]! - 1e-9)
        })
      }),
      runs,
    )
  })

  it('keeps a floor to the end, with the retrained model', () => {
    fc.assert(
      fc.property(fc.oneof(usable, withFloors), given => {
        const needs = neededShares(given)
        if (!fits(given, needs)) return
        const { intervals } = horizon.plan(given, {}).timeline!
        const accuracies = assumedAccuracies(given.streams)
        given.streams.forEach((s, i) => {
          if (floorShare(s, accuracies[i]!, gridOf(given)) === undefined) return
          const lasting = floorShare(s, 1, gridOf(given))!
          for (const { shares } of intervals) expect(shares[i]!.inference).to.be.at.least(lasting - 1e-9)
        })
      }),
      runs,
    )
  })

  it('says which floors cannot be kept, and keeps the heaviest that fit', () => {
    const floor = (name: string, weight: number) =>
      stream(name, { weight, minAccuracy: 0.5, accuracyNow: 0.5, inference: [linear(0.6)] })
    const plan = horizon.plan(problem({ streams: [floor('a', 1), floor('b', 3), floor('c', 1)] }), {})
    expect(plan.items.map(i => i.inferenceShare >= 0.6)).to.deep.equal([false, true, false])
    expect(plan.warnings.join('; ')).to.match(
      /a: the accuracy floor of 50\.0 % cannot be kept.*c: the accuracy floor/,
    )
  })

  it('is not worse off by more than 0.1 % with another GPU', () => {
    fc.assert(
      fc.property(withoutFloors, given => {
        // Where there is no step for everybody they go where they help most; with another GPU everybody gets one.
        if (given.streams.length > stepsPerGpu(given.step) * given.gpus.length) return
        const before = worth(given, horizon.plan(given, {}))
        const more = { ...given, gpus: gpus(given.gpus.length + 1) }
        expect(worth(more, horizon.plan(more, {}))).to.be.at.least(before * 0.999 - 1e-6)
      }),
      runs,
    )
  })

  it('is not worse off by more than 0.1 % with another configuration', () => {
    const extra = fc.tuple(
      fc.nat(6),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 200, noNaN: true }),
    )
    fc.assert(
      fc.property(withoutFloors, extra, (given, [which, accuracy, cost]) => {
        const before = worth(given, horizon.plan(given, {}))
        const streams = given.streams.map((s, i) =>
          i === which % given.streams.length
            ? { ...s, retraining: [...s.retraining, option('another', accuracy, cost)] }
            : s,
        )
        const more = { ...given, streams }
        expect(worth(more, horizon.plan(more, {}))).to.be.at.least(before * 0.999 - 1e-6)
      }),
      runs,
    )
  })

  it('does not depend on the order of the streams', () => {
    fc.assert(
      fc.property(withoutFloors, given => {
        const turned = { ...given, streams: given.streams.toReversed() }
        const [a, b] = [worth(given, horizon.plan(given, {})), worth(turned, horizon.plan(turned, {}))]
        expect(Math.abs(a - b)).to.be.at.most(0.001 * a + 1e-6)
      }),
      runs,
    )
  })

  const queue = [
    stream('cam-1', { accuracyNow: 0.5, retraining: [option('all', 0.9, 20)] }),
    stream('cam-2', { accuracyNow: 0.7, retraining: [option('all', 0.8, 20)] }),
  ]

  it('trains one after the other where speed is in proportion to share, most gain per GPU-second first', () => {
    const [first, second] = horizon.plan(problem({ streams: queue }), {}).items
    expect([first!.startsAtSeconds, second!.trainingShare]).to.deep.equal([0, 0])
    expect(second!.startsAtSeconds).to.be.closeTo(first!.completesAtSeconds!, 1e-6)
    expect(second!.retrainingConfiguration).to.equal('all')
    expect(second!.reason).to.match(
      /^waits for cam-1 until \d+ s, then retrain all: 70\.0 → 80\.0 % for 20 GPU-s, done \d+ s into the window$/,
    )
  })

  it('trains side by side where a small share is nearly as fast', () => {
    const given = problem({
      streams: queue,
      throughputCurve: [
        [0.3, 0.9],
        [1, 1],
      ],
      resizeSeconds: 2,
    })
    expect(horizon.plan(given, {}).items.map(i => i.startsAtSeconds)).to.deep.equal([0, 0])
  })

  it('goes on with a training that runs, or gives it up, and lets it never wait', () => {
    fc.assert(
      fc.property(usable, given => {
        horizon.plan(given, {}).items.forEach((item, i) => {
          if (given.streams[i]!.running === undefined || item.retrainingConfiguration === null) return
          expect(item.startsAtSeconds).to.equal(0)
        })
      }),
      runs,
    )
  })

  it('moves a stream only for more than a move costs', () => {
    const at = { node: 'node-0', gpu: '0', inferenceShare: 0.3, trainingShare: 0 }
    const crowded = (moveSeconds: number) =>
      horizon
        .plan(
          problem({
            gpus: gpus(2),
            moveSeconds,
            streams: ['a', 'b', 'c'].map(name => stream(name, { inference: [linear(0.5)], current: at })),
          }),
          {},
        )
        .items.filter(i => i.gpu !== '0').length
    expect(crowded(1)).to.be.at.least(1)
    expect(crowded(1000)).to.equal(0)
  })

  it('puts streams only on nodes that they allow', () => {
    const streams = ['a', 'b', 'c', 'd'].map(name =>
      stream(name, { inference: [linear(0.9)], nodes: ['node-1'] }),
    )
    expect(horizon.plan(problem({ gpus: gpus(4), streams }), {}).items.map(i => i.node)).to.deep.equal(
      Array(4).fill('node-1'),
    )
  })

  it('draws estimates towards what is known of their configuration', () => {
    const estimated = (name: string, lucky: number) =>
      stream(name, {
        accuracyNow: 0.8,
        retraining: [
          { ...option('good', 0.85, 10), accuracyError: 0.12 },
          { ...option('bad', lucky, 10), accuracyError: 0.12 },
        ],
      })
    const streams = [estimated('a', 0.97), estimated('b', 0.75)]
    const outcomes = [0.9, 0.92, 0.9, 0.91].map(accuracy => ({
      configuration: 'good',
      accuracy,
      gpuSeconds: 10,
    }))
    const bad = [0.7, 0.72, 0.71, 0.69].map(accuracy => ({ configuration: 'bad', accuracy, gpuSeconds: 10 }))
    const chosen = (p: Problem) => horizon.plan(p, {}).items.map(i => i.retrainingConfiguration)
    expect(chosen(problem({ streams: [estimated('a', 0.97)] }))).to.deep.equal(['bad'])
    expect(chosen(problem({ streams, outcomes: [...outcomes, ...bad] }))).to.deep.equal(['good', 'good'])
  })
})

/** The least share of each stream: a step, or what keeps its floor where that can be kept at all. */
function neededShares(given: Problem): number[] {
  const accuracies = assumedAccuracies(given.streams)
  return given.streams.map((s, i) => Math.max(given.step, floorShare(s, accuracies[i]!, gridOf(given)) ?? 0))
}

/** Whether some assignment gives every stream what it needs; by trying them all. */
function fits(given: Problem, needs: readonly number[]): boolean {
  const free = given.gpus.map(() => stepsPerGpu(given.step) * given.step)
  const place = (i: number): boolean => {
    if (i === given.streams.length) return true
    const s = given.streams[i]!
    const at = allowedCurrent(given.gpus, s)
    for (const g of s.running !== undefined && at >= 0 ? [at] : allowedGpus(given.gpus, s.nodes)) {
      if (free[g]! < needs[i]! - 1e-9) continue
      free[g]! -= needs[i]!
      const done = place(i + 1)
      free[g]! += needs[i]!
      if (done) return true
    }
    return false
  }
  return place(0)
}
