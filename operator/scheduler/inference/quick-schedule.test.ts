import { expect } from 'chai'
import { gpus, linear, stream } from '../testing/problems.ts'
import { type QuickStream, quickSchedule } from './quick-schedule.ts'

const on = (gpu: number, inferenceShare: number, trainingShare = 0) => ({
  current: { ...gpus(gpu + 1)[gpu]!, inferenceShare, trainingShare },
})
const cam = (name: string, demand: number, more: object = {}): QuickStream =>
  stream(name, { inference: [linear(demand)], ...more })

describe('quickSchedule', () => {
  const cases: {
    name: string
    streams: QuickStream[]
    count?: number
    reserve?: number
    keepsTrainings?: boolean
    want: number[]
    /** Of trainings; default: none holds any. */
    trainings?: number[]
    on?: string[]
  }[] = [
    { name: 'splits evenly what nobody needs', streams: [cam('a', 0.1), cam('b', 0.1)], want: [0.5, 0.5] },
    { name: 'splits by demand', streams: [cam('a', 0.4), cam('b', 0.8)], want: [0.3, 0.7] },
    {
      name: 'splits by weight',
      streams: [cam('a', 0.9, { weight: 1 }), cam('b', 0.9, { weight: 3 })],
      want: [0.2, 0.8],
    },
    {
      name: 'reserves a share for labelling',
      streams: [cam('a', 0.5), cam('b', 0.5)],
      reserve: 0.35,
      want: [0.3, 0.3],
    },
    {
      name: 'serves before it labels',
      streams: Array.from({ length: 9 }, (_, i) => cam(`${i}`, 0.1)),
      reserve: 0.5,
      want: Array(9).fill(0.1),
    },
    {
      name: 'keeps what is in force',
      streams: [cam('a', 0.1, on(0, 0.7)), cam('b', 0.1, on(0, 0.1))],
      want: [0.7, 0.1],
    },
    {
      name: 'splits anew where the reserve needs room',
      streams: [cam('a', 0.1, on(0, 0.7)), cam('b', 0.1, on(0, 0.3))],
      reserve: 0.2,
      want: [0.4, 0.4],
    },
    {
      name: 'splits anew where a free step would help',
      streams: [cam('a', 0.1, on(0, 0.3)), cam('b', 0.4, on(0, 0.2))],
      want: [0.2, 0.8],
    },
    {
      name: 'makes room for a newcomer on the emptiest GPU',
      streams: [cam('a', 0.1, on(0, 0.5)), cam('b', 0.1, on(0, 0.5)), cam('c', 0.1)],
      count: 2,
      want: [0.5, 0.5, 1],
      on: ['0', '0', '1'],
    },
    {
      name: 'gives nothing to those for whom there is no step',
      streams: Array.from({ length: 12 }, (_, i) => cam(`${i}`, 0.1, { weight: i < 2 ? 1 : 2 })),
      want: [0, 0, ...Array(10).fill(0.1)],
    },
    {
      name: 'takes no notice of trainings that are over',
      streams: [cam('a', 0.1, on(0, 0.2, 0.6)), cam('b', 0.1, on(0, 0.2))],
      want: [0.2, 0.2],
    },
    {
      name: 'serves a newcomer beside trainings that go on',
      streams: [cam('a', 0.1, on(0, 0.4, 0.6)), cam('b', 0.1)],
      keepsTrainings: true,
      want: [0.2, 0.2],
      trainings: [0.6, 0],
    },
    {
      name: 'takes a first step for everybody from the trainings that hold most',
      streams: [cam('a', 0.1, on(0, 0.1, 0.6)), cam('b', 0.1, on(0, 0.1, 0.2)), cam('c', 0.1), cam('d', 0.1)],
      keepsTrainings: true,
      want: [0.1, 0.1, 0.1, 0.1],
      trainings: [0.4, 0.2, 0, 0],
    },
    {
      name: 'ends the training of a stream whose GPU went',
      streams: [cam('a', 0.1, on(1, 0.4, 0.6)), cam('b', 0.1, on(0, 0.5, 0.5))],
      keepsTrainings: true,
      want: [0.3, 0.2],
      trainings: [0, 0.5],
    },
  ]
  for (const { name, streams, count = 1, reserve = 0, keepsTrainings = false, want, ...more } of cases)
    it(name, () => {
      const got = quickSchedule({ step: 0.1, gpus: gpus(count), streams, reserve, keepsTrainings })
      const { trainings = want.map(() => 0), on: where } = more
      expect(got.items.map(i => i.inferenceShare)).to.deep.equal(want)
      expect(got.items.map(i => i.trainingShare)).to.deep.equal(trainings)
      if (where !== undefined) expect(got.items.map(i => i.gpu)).to.deep.equal(where)
      const held = got.items
        .filter(i => i.gpu === '0')
        .reduce((sum, i) => sum + i.inferenceShare + i.trainingShare, 0)
      expect(held).to.be.at.most(1 + 1e-9)
    })

  it('settles: what it gave is kept', () => {
    const streams = [cam('a', 0.4), cam('b', 0.15), cam('c', 0.7)]
    const first = quickSchedule({ step: 0.1, gpus: gpus(2), streams, reserve: 0.3 })
    const again = quickSchedule({
      step: 0.1,
      gpus: gpus(2),
      reserve: 0.3,
      streams: streams.map((s, i) => ({ ...s, current: first.items[i]! })),
    })
    expect(again).to.deep.equal(first)
  })

  it('says so where there is no GPU or no step for everybody', () => {
    expect(quickSchedule({ step: 0.1, gpus: [], streams: [cam('a', 0.1)], reserve: 0 })).to.deep.equal({
      items: [],
      warnings: ['no GPU: none of the streams can be served until a node offers one'],
    })
    const many = Array.from({ length: 3 }, (_, i) => cam(`${i}`, 0.1))
    expect(quickSchedule({ step: 0.5, gpus: gpus(1), streams: many, reserve: 0 }).warnings[0]).to.contain(
      '3 streams and 2 steps',
    )
  })
})
