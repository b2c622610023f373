import { expect } from 'chai'
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import type { ProfileResult } from '../../api/worker.ts'
import type { StreamSnapshot } from '../../cluster/snapshot.ts'
import { at, pod, profiled, retrainingWindow, site } from '../testing/site.ts'
import { siteProblem } from './site-problem.ts'

const planning = (index: number, rest: Partial<RetrainingWindowStatus> = {}): RetrainingWindowStatus => ({
  current: { index, phase: 'Planning', startedAt: at(0), endsAt: at(100) },
  ...rest,
})

/** The problem of one stream, 20 s into the window. */
const problemOf = (status: RetrainingWindowStatus, parts: Partial<StreamSnapshot>) =>
  siteProblem(site(retrainingWindow(status), [{ name: 'cam-0', ...parts }], 20)).streams[0]!

const profile = (result?: Partial<ProfileResult>) => ({
  profile: pod(
    'cam-0',
    'profile',
    result === undefined ? { index: 3 } : { index: 3, result: profiled(3, result) },
  ),
})

describe('siteProblem', () => {
  it('reckons with how the backend shares GPUs among trainings', () => {
    const throughputCurve = [
      [0.1, 0.36],
      [1, 1],
    ] as const
    const snapshot = site(retrainingWindow(), [], 20)
    expect(siteProblem(snapshot)).to.include({ resizeSeconds: 0 }).and.not.have.property('throughputCurve')
    expect(siteProblem({ ...snapshot, training: { resizeSeconds: 3, throughputCurve } })).to.include({
      resizeSeconds: 3,
      throughputCurve,
    })
  })

  it('counts the rest of the window and takes the last labels for the present', () => {
    const window = retrainingWindow(planning(3))
    expect(siteProblem(site(window, [], 20))).to.include({ remainingSeconds: 80, windowSeconds: 100 })
    const stream = problemOf(planning(3), profile({}))
    expect(stream.accuracyNow).to.equal(0.55)
    expect(stream.accuracySoFar).to.be.within(0, 0.55)
    expect(stream.retraining.map(option => option.configuration)).to.deep.equal(['all-5'])
  })

  it('follows what the running window shows, in what it predicts of a training as well', () => {
    const before = problemOf(planning(3), profile({}))
    const soFar = { labelled: 40, measured: 0.2, current: 0.25, expected: 0.55 }
    const now = problemOf(planning(3), profile({ soFar }))
    expect(now.accuracyNow).to.be.within(0.25, 0.5)
    expect(now.accuracySoFar).to.equal(0.2)
    expect(now.retraining[0]!.accuracyAfter).to.be.below(before.retraining[0]!.accuracyAfter)
  })

  it('believes what the micro-profiled model is worth on the running window', () => {
    const soFar = { labelled: 100, measured: 0.5, current: 0.5, expected: 0.55 }
    const predicted = (measured?: number) => {
      const { profiles } = profiled(3)
      const measuredToo = profiles.map(each => (measured === undefined ? each : { ...each, soFar: measured }))
      return problemOf(planning(3), profile({ soFar, profiles: measuredToo })).retraining[0]!.accuracyAfter
    }
    expect(predicted(0.9)).to.be.above(predicted())
    expect(predicted(0.5)).to.be.below(predicted())
  })

  it('learns from what came of past trainings, its own and others', () => {
    const predicted = (realised: number, name = 'cam-0') => {
      const estimate = { accuracyAfter: 0.8, gpuSeconds: 5 }
      const outcome = { accuracyAfter: realised, gpuSeconds: 5 }
      const streams = [{ name, configuration: 'all-5', retrained: true, estimate, outcome }]
      const history = [2, 1].map(index => ({ index, policy: 'thief', streams }))
      return problemOf(planning(3, { history }), profile({})).retraining[0]!.accuracyAfter
    }
    const without = problemOf(planning(3), profile({})).retraining[0]!.accuracyAfter
    expect(predicted(0.8)).to.equal(without)
    expect(predicted(0.7)).to.be.below(without)
    expect(predicted(0.85)).to.be.above(without)
    const history = [
      {
        index: 2,
        streams: [
          { name: 'cam-9', configuration: 'all-5', outcome: { accuracyAfter: 0.8, gpuSeconds: 6 } },
          { name: 'cam-8', configuration: 'all-5', outcome: { gpuSeconds: 6 } },
        ],
      },
    ]
    const window = retrainingWindow(planning(3, { history }))
    expect(siteProblem(site(window, [], 20)).outcomes).to.deep.equal([
      { configuration: 'all-5', accuracy: 0.8, gpuSeconds: 6 },
    ])
    expect(predicted(0.7, 'cam-9'), 'of another stream').to.equal(predicted(0.7))
  })

  it('reckons with the model that was taken in this window, not with the one before it', () => {
    const item = (outcome: object) => ({
      plan: {
        window: 3,
        policy: 'thief',
        decidedAt: at(10),
        items: [
          {
            stream: 'cam-0',
            node: 'edge',
            gpu: '0',
            inferenceShare: 0.3,
            trainingShare: 0,
            reason: 'done',
            ...outcome,
          },
        ],
      },
    })
    const now = (outcome: object) => problemOf(planning(3, item(outcome) as never), profile({})).accuracyNow
    expect(now({ state: 'Rejected' })).to.equal(0.55)
    expect(now({ state: 'Accepted', accuracyBefore: 0.6, accuracyAfter: 0.8 })).to.be.closeTo(0.775, 1e-9)
  })

  it('offers no second training to a stream whose item went and came back', () => {
    const training = pod('cam-0', 'training', { index: 3 }) as NonNullable<StreamSnapshot['training']>
    const { retraining, running, noRetrainingBecause } = problemOf(planning(3), { ...profile({}), training })
    expect(retraining).to.deep.equal([])
    expect(running).to.equal(undefined)
    expect(noRetrainingBecause).to.equal('no retraining: it has trained in this window already')
  })

  for (const { name, index, parts, want } of [
    { name: 'the first window', index: 0, parts: {}, want: 'window 0 has no window before it to learn from' },
    { name: 'a stream that came late', index: 3, parts: {}, want: 'the stream came too late' },
    {
      name: 'a profile that is late',
      index: 3,
      parts: profile(),
      want: 'took longer than 50 % of the window',
    },
  ])
    it(`says why nothing is retrained: ${name}`, () => {
      const { retraining, noRetrainingBecause } = problemOf(planning(index), parts)
      expect(retraining).to.deep.equal([])
      expect(noRetrainingBecause)
        .to.match(/^no retraining: /)
        .and.contain(want)
    })
})
