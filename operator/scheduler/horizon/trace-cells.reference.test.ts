/** Horizon on recorded profiles, cell by cell (streams × GPUs, mean of three windows), against Ekya's own simulator and our thief. */
import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { handOn } from '../hand-on.ts'
import { demandShare } from '../inference-quality.ts'
import { horizon } from '../policies/horizon.ts'
import { thief } from '../policies/thief.ts'
import type { Problem, RetrainingOption, SubsampledInference } from '../problem.ts'
import { type Trace, traceProblem } from '../testing/trace.ts'
import { completion, evaluate, type Interval } from '../timeline.ts'
import { microProfileError } from './belief.ts'
import { upperBound } from './bound.ts'

const data = new URL('../../../../shared/ekya-data/', import.meta.url)
const windows = [0, 1, 2]

function rows(file: string): Record<string, string>[] {
  const [head, ...lines] = readFileSync(new URL(file, data), 'utf8').trim().split('\n')
  const names = head!.split(',')
  return lines.map(line => Object.fromEntries(line.split(',').map((value, i) => [names[i]!, value])))
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

describe('horizon on the Cityscapes trace', function () {
  this.timeout(120_000)
  let trace: Trace
  let measured: NonNullable<Problem['throughputCurve']>

  before(function () {
    if (!existsSync(new URL('traces/cityscapes-10.json', data))) {
      console.log(`      skipped: ${data.pathname} is not there`)
      this.skip()
    }
    trace = JSON.parse(readFileSync(new URL('traces/cityscapes-10.json', data), 'utf8')) as Trace
    measured = rows('system/mps_allocation_vs_epoch_time_resnet18_bs8.csv').map(
      row => [Number(row.gpu_percent) / 100, Number(row.throughput_vs_100)] as const,
    )
  })

  it("reaches Ekya's thief and its sequential schedules in every cell, within 1 % of the bound", () => {
    for (const row of rows('reference/headroom_over_thief.csv')) {
      const cell = { streams: Number(row.streams), gpus: Number(row.gpus) }
      const problems = windows.map(window => traceProblem(trace, { ...cell, window }))
      const got = mean(problems.map(p => horizon.plan(p, {}).predictedAccuracy!))
      const name = `${cell.streams} streams, ${cell.gpus} GPUs`
      expect(got, name).to.be.at.least(Number(row.ekya_thief_sees_actual_profiles))
      expect(got, name).to.be.at.least(Number(row.sequential_in_ekya_simulator) - 0.002)
      const bound = mean(problems.map(p => upperBound(p, { iterations: 60 })))
      expect(got, name).to.be.within(bound * 0.99, bound + 1e-9)
    }
  })

  it('with the measured curve and two seconds for a resize reaches our thief in every cell', () => {
    for (const streams of [2, 4, 6, 8, 10])
      for (const gpus of [1, 2, 4, 8]) {
        const problems = windows.map(window => ({
          ...traceProblem(trace, { streams, gpus, window }),
          throughputCurve: measured,
          resizeSeconds: 2,
        }))
        const ours = mean(problems.map(p => horizon.plan(p, {}).predictedAccuracy!))
        const theirs = mean(problems.map(thiefReplayed))
        expect(ours, `${streams} streams, ${gpus} GPUs`).to.be.at.least(theirs)
      }
  })

  it('loses at most half of what the thief loses to wrong estimates, with a record of other cameras to tell them by', () => {
    const losses = rows('reference/headroom_over_thief.csv').map(row => {
      const cell = { streams: Number(row.streams), gpus: Number(row.gpus) }
      const own = windows.map(window => {
        const actual = traceProblem(trace, { ...cell, window })
        const seen = uncertain(traceProblem(trace, { ...cell, window }, 'estimate'))
        return (
          horizon.plan(actual, {}).predictedAccuracy! -
          replayed({ ...seen, outcomes: heldOut(trace) }, actual)
        )
      })
      return [
        mean(own),
        Number(row.ekya_thief_sees_actual_profiles) - Number(row.ekya_thief_sees_microprofile),
      ] as const
    })
    const [ours, theirs] = [mean(losses.map(l => l[0])), mean(losses.map(l => l[1]))]
    expect(ours).to.be.at.most(theirs / 2)
  })
})

const uncertain = (problem: Problem): Problem => ({
  ...problem,
  streams: problem.streams.map(stream => ({
    ...stream,
    retraining: stream.retraining.map(o => ({ ...o, accuracyError: microProfileError })),
  })),
})

/** Results of the cameras that no cell with six streams or fewer has: what a site knows from before. */
const heldOut = (trace: Trace): NonNullable<Problem['outcomes']> =>
  trace.streams.slice(6).flatMap(({ windows: all }) =>
    all.flatMap(({ retraining }) =>
      retraining.map(({ configuration, accuracyAfter, gpuSeconds }) => ({
        configuration,
        accuracy: accuracyAfter,
        gpuSeconds,
      })),
    ),
  )

/** Mean accuracy where plans are made of what is seen and carried out on what is, anew when a training ends. One job at a time. */
function replayed(seen: Problem, actual: Problem): number {
  const trainings: (RetrainingOption | null)[] = actual.streams.map(() => null)
  const intervals: Interval[] = []
  const trained = new Set<number>()
  for (let now = 0; ; ) {
    const plan = horizon.plan(
      {
        ...seen,
        remainingSeconds: seen.remainingSeconds - now,
        streams: seen.streams.map((stream, i) =>
          trained.has(i) ? { ...stream, accuracyNow: trainings[i]!.accuracyAfter, retraining: [] } : stream,
        ),
      },
      {},
    )
    const { intervals: planned, trainings: chosen } = plan.timeline!
    const first = chosen.findIndex((o, i) => o !== null && planned[0]!.shares[i]!.training > 0)
    const option = actual.streams[first]?.retraining.find(
      o => o.configuration === chosen[first]!.configuration,
    )
    const share = first < 0 ? 0 : planned[0]!.shares[first]!.training
    intervals.push({ from: now, shares: planned[0]!.shares })
    if (option === undefined || now + option.gpuSeconds / share >= seen.remainingSeconds) {
      intervals.push(...planned.slice(1).map(({ from, shares }) => ({ from: now + from, shares })))
      break
    }
    now += option.gpuSeconds / share
    trainings[first] = option
    trained.add(first)
  }
  return mean(
    evaluate(
      actual,
      actual.streams.map(s => s.accuracyNow!),
      { intervals, trainings },
    ).map(r => r.mean),
  )
}

/** What the thief's plan comes to when the share of each training that ends is handed on. */
function thiefReplayed(problem: Problem): number {
  const capacity = problem.gpuCapacity!
  const small = shrunk(problem, capacity)
  const plan = thief.plan(small, {})
  const trainings = plan.items.map(
    (item, i) =>
      small.streams[i]!.retraining.find(o => o.configuration === item.retrainingConfiguration) ?? null,
  )
  let now = plan.items.map((item, i) => ({
    stream: item.stream,
    node: item.node,
    gpu: item.gpu,
    inferenceShare: item.inferenceShare,
    trainingShare: item.trainingShare,
    inferenceDemand: demandShare(small.streams[i]!.inference),
  }))
  const intervals: Interval[] = []
  const ended = new Set<number>()
  for (let from = 0; ; ) {
    intervals.push({
      from,
      shares: now.map(a => ({ inference: a.inferenceShare, training: a.trainingShare })),
    })
    const ends = trainings.map((training, i) => {
      if (training === null || ended.has(i)) return Number.POSITIVE_INFINITY
      const segments = intervals.map(({ from: at, shares }) => ({ from: at, ...shares[i]! }))
      return completion(segments, training.gpuSeconds, small) ?? Number.POSITIVE_INFINITY
    })
    const next = Math.min(...ends)
    if (!(next < problem.remainingSeconds)) break
    const who = ends.indexOf(next)
    ended.add(who)
    now = handOn(now, now[who]!.stream, small.step)
    from = next
  }
  return mean(
    evaluate(
      small,
      small.streams.map(s => s.accuracyNow!),
      { intervals, trainings },
    ).map(r => r.mean),
  )
}

/** The same problem on one GPU as large as the pool, which the thief can work on: all shares in its fractions. */
function shrunk(problem: Problem, capacity: number): Problem {
  const curve = problem.throughputCurve ?? [[1, 1] as const]
  return {
    ...problem,
    gpuCapacity: undefined,
    step: problem.step / capacity,
    throughputCurve: [
      ...curve.map(([share, speed]) => [share / capacity, speed / capacity] as const),
      ...(capacity > 1 ? [[1, 1] as const] : []),
    ],
    streams: problem.streams.map(stream => ({
      ...stream,
      inference: stream.inference.map(option => ({
        ...option,
        maxShare: (option as SubsampledInference).maxShare / capacity,
      })),
      retraining: stream.retraining.map(o => ({ ...o, gpuSeconds: o.gpuSeconds / capacity })),
    })),
  }
}
