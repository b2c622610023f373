import { expect } from 'chai'
import { SchedulerError } from '../errors.ts'
import type { Problem } from '../problem.ts'
import { gpus, linear, option, problem, stream } from '../testing/problems.ts'
import { policy } from './registry.ts'

const options = [option('quick', 0.7, 10), option('middle', 0.8, 60), option('slow', 0.9, 400)]

/** Four GPUs as one pool; two streams that may gain, one that may only lose. */
const pool = (overrides: Partial<Problem> = {}): Problem =>
  problem({
    gpus: gpus(1),
    gpuCapacity: 4,
    windowIndex: 0,
    averaging: 'samples',
    streams: [
      stream('a', { retraining: options, inference: [linear(0.1)] }),
      stream('b', { retraining: options, inference: [linear(0.1)] }),
      stream('c', { retraining: [option('quick', 0.5, 1)], inference: [linear(0.1)] }),
    ],
    ...overrides,
  })

const planned = (name: string, given: object = {}, asked = pool()) =>
  policy(name)
    .plan(asked, { ...given })
    .items.map(i => [i.retrainingConfiguration, i.inferenceShare, i.trainingShare])

describe('the baselines in a pool', () => {
  for (const { name, given, want } of [
    {
      name: 'fair',
      given: { configuration: 'quick', inferenceWeight: 0.3 },
      want: [
        ['quick', 0.4, 1.4],
        ['quick', 0.4, 1.4],
        [null, 0.4, 0],
      ],
    },
    {
      name: 'fair-dumb',
      given: {},
      want: [
        ['slow', 0.8, 0.8],
        ['slow', 0.8, 0.8],
        [null, 0.8, 0],
      ],
    },
    {
      // 100 s at 1 GPU: `slow` would not end.
      name: 'fair-naive',
      given: {},
      want: [
        ['middle', 0.8, 0.8],
        ['middle', 0.8, 0.8],
        [null, 0.8, 0],
      ],
    },
    {
      // At 2 GPUs: quick 5 s at 70 %, middle 30 s at 80 %, slow never.
      name: 'fair-sco',
      given: {},
      want: [
        ['middle', 0.8, 0.8],
        ['middle', 0.8, 0.8],
        [null, 0.8, 0],
      ],
    },
    {
      name: 'fair-random',
      given: {},
      want: [
        ['quick', 0.8, 0.8],
        ['quick', 0.8, 0.8],
        [null, 0.8, 0],
      ],
    },
    {
      // At 1 GPU: quick 10 s at 70 %: .69; middle 60 s at 80 %: .68.
      name: 'fixed-resources',
      given: {},
      want: [
        ['quick', 0.666666666667, 1],
        ['quick', 0.666666666667, 1],
        [null, 0.666666666667, 0],
      ],
    },
  ])
    it(`${name} gives what it says`, () => expect(planned(name, given)).to.deep.equal(want))

  it('fixed-configuration trains no other, and divides better than fair', () => {
    const given = { configuration: 'middle' }
    const plan = policy('fixed-configuration').plan(pool(), given)
    expect(plan.policy).to.equal('fixed-configuration')
    expect(plan.items.map(i => i.retrainingConfiguration)).to.deep.equal(['middle', 'middle', null])
    expect(plan.predictedAccuracy).to.be.above(policy('fair').plan(pool(), given).predictedAccuracy!)
  })

  it('fair-random draws by seed, window and stream', () => {
    const drawn = (seed: number, windowIndex: number) =>
      planned('fair-random', { seed }, pool({ windowIndex })).map(([configuration]) => configuration)
    expect(drawn(1, 0)).to.deep.equal(drawn(1, 0))
    const all = Array.from({ length: 20 }, (_, i) => drawn(i, 3)).flat()
    expect(new Set(all)).to.deep.equal(new Set(['quick', 'middle', 'slow', null]))
  })

  it('oracle-best-fixed finds the setting that is best over all windows', () => {
    const windows = [pool(), pool({ windowIndex: 1 })]
    const setting = policy('oracle-best-fixed').hindsight!(windows, {})
    const value = (given: object) =>
      windows.reduce((sum, w) => sum + policy('fair').plan(w, { ...given }).predictedAccuracy!, 0)
    for (const configuration of ['quick', 'middle', 'slow'])
      for (const inferenceWeight of [0.1, 0.3, 0.5, 0.9])
        expect(value(setting)).to.be.at.least(value({ configuration, inferenceWeight }))
    const hopeless = pool({ streams: [stream('a', { retraining: [option('bad', 0.1, 1)] })] })
    expect(policy('oracle-best-fixed').plan(hopeless, {}).items[0]!.retrainingConfiguration).to.equal(null)
  })
})

describe('cloud', () => {
  it('takes as long as the paper says: 8 streams, 400 s, a cellular link', () => {
    const streams = Array.from({ length: 8 }, (_, i) => stream(`${i}`, { retraining: options }))
    const plan = policy('cloud').plan(pool({ windowSeconds: 400, remainingSeconds: 400, streams }), {})
    expect(plan.timeline!.deliveries![0]).to.be.closeTo(432.9, 0.1)
    expect(plan.items[0]!.completesAtSeconds).to.equal(null)
  })

  it('serves with all GPUs and has the best model back after the delay', () => {
    const plan = policy('cloud').plan(pool(), { delaySeconds: 50 })
    const [a, , c] = plan.items
    expect(a).to.include({ trainingShare: 0, retrainingConfiguration: 'slow', completesAtSeconds: 50 })
    expect(a!.inferenceShare).to.be.closeTo(4 / 3, 1e-9)
    expect(a!.reason).to.equal('retrain slow in the cloud: 60.0 → 90.0 %, back after 50 s')
    // 50 samples before, 51 after.
    expect(a!.predictedWindow).to.be.closeTo((50 * 0.6 + 51 * 0.9) / 101, 1e-9)
    expect(c!.retrainingConfiguration).to.equal(null)
  })
})

describe('replay', () => {
  const schedule = {
    1: {
      0: {
        a_0_inference: 0.5,
        b_1_inference: 0.5,
        c_2_inference: 0.5,
        a_0_train_quick: 1,
        b_1_train_middle: 1.5,
      },
      10: { a_0_train_quick: 0, b_1_train_middle: 2.5 },
    },
  }
  it('follows the schedule', () => {
    const plan = policy('replay').plan(pool(), { schedule })
    expect(plan.timeline!.intervals).to.deep.equal([
      {
        from: 0,
        shares: [
          { inference: 0.5, training: 1 },
          { inference: 0.5, training: 1.5 },
          { inference: 0.5, training: 0 },
        ],
      },
      {
        from: 10,
        shares: [
          { inference: 0.5, training: 0 },
          { inference: 0.5, training: 2.5 },
          { inference: 0.5, training: 0 },
        ],
      },
    ])
    expect(plan.items.map(i => i.completesAtSeconds)).to.deep.equal([10, 28, null])
  })

  it('goes on in mid-window', () => {
    const plan = policy('replay').plan(pool({ remainingSeconds: 95 }), {
      schedule: { x: schedule },
      key: 'x',
    })
    expect(plan.timeline!.intervals.map(i => i.from)).to.deep.equal([0, 5])
  })

  const events = (jobs: unknown) => ({ schedule: { 1: { 0: jobs } } })
  for (const { name, given, want } of [
    {
      name: 'no schedule',
      given: {},
      want: /schedule is missing, accepted is the content of a schedule file/,
    },
    {
      name: 'an unknown key',
      given: { schedule: { x: schedule }, key: 'y' },
      want: /nothing under "y", accepted: x/,
    },
    {
      name: 'a window it does not have',
      given: { schedule: { 7: {} } },
      want: /nothing under "1", accepted: 7/,
    },
    {
      name: 'no begin',
      given: { schedule: { 1: { 5: {} } } },
      want: /window 1 of the schedule has no event at "0"/,
    },
    { name: 'a time that is none', given: { schedule: { 1: { soon: {} } } }, want: /"soon" is no time/ },
    {
      name: 'an event that is none',
      given: events(3),
      want: /schedule\["1"\]\["0"\] is 3, accepted is \{job: share\}/,
    },
    {
      name: 'a negative share',
      given: events({ a_0_inference: -1 }),
      want: /is -1, accepted is a number from 0/,
    },
    {
      name: 'an unknown stream',
      given: events({ z_0_inference: 1 }),
      want: /"z_0_inference" .* none of .* a, b, c/,
    },
    {
      name: 'an unknown configuration',
      given: events({ a_0_train_huge: 1 }),
      want: /trains huge for a, on offer: quick, middle, slow/,
    },
    {
      name: 'two trainings of a stream',
      given: events({ a_0_train_quick: 1, a_0_train_slow: 1 }),
      want: /trains quick and slow for a in one window/,
    },
  ])
    it(`refuses ${name}`, () =>
      expect(() => policy('replay').plan(pool(), { ...given })).to.throw(SchedulerError, want))
})
