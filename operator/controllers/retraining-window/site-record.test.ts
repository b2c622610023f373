import { expect } from 'chai'
import type { HistoryEntry } from '../plan-status.ts'
import { pod, profiled, retrainingWindow, site } from '../testing/site.ts'
import { inference, item, planner, running } from '../testing/window.ts'
import { advance } from './phases.ts'
import { siteProblem } from './site-problem.ts'
import { configurationsWorthTrying, lastKnownCosts, windowRecords } from './site-record.ts'

const said = (configuration: string, accuracyAfter: number, gpuSeconds: number) => ({
  configuration,
  accuracyAfter,
  gpuSeconds,
})
const entry = (index: number, stream: object = {}, name = 'cam-0'): HistoryEntry => ({
  index,
  streams: [
    { name, accuracyBefore: 0.5, profiled: [said('head', 0.6, 1), said('all', 0.8, index)], ...stream },
  ],
})

describe('windowRecords', () => {
  it('gives the windows oldest first, with what came of the training', () => {
    const outcome = { accuracyAfter: 0.7, gpuSeconds: 5 }
    const [first, second] = windowRecords(
      [entry(2, { configuration: 'all', outcome }), entry(1), { index: 0, streams: [{ name: 'cam-0' }] }],
      'cam-0',
    )
    expect(first!.trainings.map(({ outcome }) => outcome)).to.deep.equal([undefined, undefined])
    expect(second).to.deep.equal({
      accuracyBefore: 0.5,
      trainings: [
        { configuration: 'head', gpuSeconds: 1, estimate: 0.6 },
        { configuration: 'all', gpuSeconds: 2, estimate: 0.8, outcome: 0.7 },
      ],
    })
  })

  it('keeps what was trained without a micro-profile', () => {
    const outcome = { accuracyAfter: 0.7, gpuSeconds: 5 }
    const [window] = windowRecords([entry(1, { configuration: 'other', outcome })], 'cam-0')
    expect(window!.trainings[2]).to.deep.equal({ configuration: 'other', gpuSeconds: 5, outcome: 0.7 })
  })
})

describe('lastKnownCosts', () => {
  const history = [entry(3, {}, 'cam-1'), entry(2), entry(1)]
  for (const { stream, name, want } of [
    { stream: 'cam-0', name: 'all', want: 2 },
    { stream: 'cam-9', name: 'all', want: 3 },
    { stream: 'cam-0', name: 'never', want: undefined },
  ])
    it(`of ${name} on ${stream} is ${want}`, () =>
      expect(lastKnownCosts(history)(stream, name)).to.equal(want))
})

describe('configurationsWorthTrying', () => {
  const names = ['a', 'b', 'c', 'd', 'bad', 'worse']
  const offers = names.map((name, i) => said(name, name.length > 1 ? 0.3 - 0.01 * i : 0.5 + 0.1 * i, 1 + i))
  const history = (windows: number) =>
    Array.from({ length: windows }, (_, i) => entry(windows - i, { profiled: offers }))

  it('is all of them while little is known', () => {
    expect(configurationsWorthTrying(names, [], 1)).to.deep.equal(names)
    expect(configurationsWorthTrying(names, history(1), 2)).to.deep.equal(names)
  })

  it('leaves out the worst later on', () =>
    expect(configurationsWorthTrying(names, history(2), 3)).to.deep.equal(['a', 'b', 'c', 'd', 'bad']))

  it('tries those left out again in turn, however short the history is', () => {
    const again = [9, 13, 17, 21].map(index => configurationsWorthTrying(names, history(4), index).at(-1))
    expect(new Set(again)).to.deep.equal(new Set(['bad', 'worse']))
    expect(configurationsWorthTrying(names, history(4), 10)).to.deep.equal(['a', 'b', 'c', 'd'])
  })
})

describe('a site with the estimator pooled', () => {
  const knobs = retrainingWindow().spec.retraining.configurations[0]!
  const spec = (estimator: 'ekya' | 'pooled') => ({
    microProfiler: { ...retrainingWindow().spec.microProfiler, estimator },
    retraining: {
      ...retrainingWindow().spec.retraining,
      configurations: [knobs, { ...knobs, name: 'all-20', epochs: 20 }, { ...knobs, name: 'unheard-of' }],
    },
  })
  const history = (outcome: number): HistoryEntry[] =>
    [3, 2, 1].map(index => ({
      index,
      streams: [
        {
          name: 'cam-0',
          accuracyBefore: 0.5,
          configuration: 'all-20',
          profiled: [said('all-5', 0.8, 5), said('all-20', 0.85, 16)],
          estimate: { accuracyAfter: 0.85, gpuSeconds: 16 },
          outcome: { accuracyAfter: outcome, gpuSeconds: 16 },
        },
      ],
    }))
  const optionsOf = (estimator: 'ekya' | 'pooled', outcome = 0.6) =>
    siteProblem(
      site(
        retrainingWindow(
          { ...running('Planning', [item('cam-0')], 4), history: history(outcome) },
          spec(estimator),
        ),
        [{ ...inference('cam-0'), profile: pod('cam-0', 'profile', { index: 4, result: profiled(4) }) }],
        10,
      ),
    ).streams[0]!.retraining
  const names = (options: ReturnType<typeof optionsOf>) => options.map(({ configuration }) => configuration)

  it('offers what was micro-profiled before, too, and nothing of which no cost is known', () => {
    expect(names(optionsOf('ekya'))).to.deep.equal(['all-5'])
    expect(names(optionsOf('pooled'))).to.deep.equal(['all-5', 'all-20'])
    expect(optionsOf('pooled')[1]!.gpuSeconds).to.be.within(15, 17)
  })

  it('believes what trainings came to', () => {
    const [low, high] = [0.56, 0.9].map(outcome => optionsOf('pooled', outcome)[1]!.accuracyAfter)
    expect(high! - low!).to.be.above(0.1)
  })

  it('keeps in the history what micro-profiles said, of the newest windows', () => {
    const old = Array.from({ length: 12 }, (_, i) => entry(12 - i))
    const window = retrainingWindow({ ...running('Closing', [item('cam-0')], 13), history: old })
    const snapshot = site(
      window,
      [{ ...inference('cam-0'), profile: pod('cam-0', 'profile', { index: 13, result: profiled(13) }) }],
      100,
    )
    const records = advance(snapshot, planner).status.history!.map(({ streams }) => streams![0]!)
    expect(records[0]!.accuracyBefore).to.equal(0.55)
    expect(records[0]!.profiled!.map(({ configuration }) => configuration)).to.deep.equal(['all-5'])
    expect(records.filter(({ profiled }) => profiled !== undefined)).to.have.length(10)
    expect(records).to.have.length(13)
  })
})
