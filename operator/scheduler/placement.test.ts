import { expect } from 'chai'
import { type Bundle, place, placesOf, spread, withoutUnused } from './placement.ts'
import { gpus, option, stream } from './testing/problems.ts'

const bundle = (
  stream: string,
  inference: number,
  training: number,
  on?: number,
  pinned = false,
): Bundle => ({
  stream,
  inference,
  training,
  pinned,
  current: on === undefined ? undefined : gpus(on + 1)[on]!,
})

describe('place', () => {
  const cases: {
    name: string
    bundles: Bundle[]
    count?: number
    want: number[]
    steps?: [number, number][]
    notes?: RegExp
  }[] = [
    {
      name: 'fills a GPU before the next where that fits best',
      bundles: [bundle('a', 4, 2), bundle('b', 2, 2), bundle('c', 3, 3)],
      want: [0, 0, 1],
    },
    {
      name: 'keeps a stream where it is',
      bundles: [bundle('a', 2, 2, 1), bundle('b', 2, 2, 1)],
      want: [1, 1],
    },
    {
      name: 'moves the smaller one where two do not fit any more',
      bundles: [bundle('a', 3, 1, 0), bundle('b', 5, 4, 0)],
      want: [1, 0],
    },
    {
      name: 'never moves a stream that trains',
      bundles: [bundle('a', 2, 2, 0, true), bundle('b', 6, 3, 0)],
      want: [0, 1],
    },
    {
      name: 'goes to no node that the stream does not allow, however full the others are',
      bundles: [bundle('a', 5, 4), { ...bundle('b', 5, 4), nodes: ['node-1'] }, bundle('c', 5, 4)],
      count: 3,
      want: [0, 2, 1],
    },
    {
      name: 'leaves a node that is not allowed any more',
      bundles: [{ ...bundle('a', 2, 2, 0), nodes: ['node-1'] }],
      count: 3,
      want: [2],
    },
    { name: 'places a stream anew whose GPU is gone', bundles: [bundle('a', 2, 2, 5)], want: [0] },
    {
      name: 'shrinks trainings first and says so',
      bundles: [bundle('a', 4, 4), bundle('b', 4, 2)],
      count: 1,
      want: [0, 0],
      steps: [
        [4, 1],
        [4, 1],
      ],
      notes: /a: training share 0\.4 does not fit on GPU node-0\/0, shrunk to 0\.1/,
    },
    {
      name: 'leaves every inference its step while steps suffice',
      bundles: [bundle('a', 9, 0), bundle('b', 1, 0), bundle('c', 8, 0)],
      count: 1,
      want: [0, 0, 0],
      steps: [
        [5, 0],
        [1, 0],
        [4, 0],
      ],
    },
  ]
  for (const { name, bundles, count = 2, want, steps, notes } of cases)
    it(name, () => {
      const got = place(bundles, gpus(count), 10, 0.1)
      expect(got.gpus).to.deep.equal(want)
      if (steps !== undefined) expect(got.bundles.map(b => [b.inference, b.training])).to.deep.equal(steps)
      if (notes !== undefined) expect(got.notes.join('\n')).to.match(notes)
      else if (steps === undefined) expect(got.notes).to.deep.equal([])
    })
})

describe('GPUs that take no streams', () => {
  /** Two GPUs of each node; those that are named take none. */
  const site = (count: number, ...none: number[]) =>
    gpus(count).map((gpu, g) => (none.includes(g) ? { ...gpu, takesStreams: false } : gpu))
  const at = (g: number) => ({ current: gpus(g + 1)[g]! })
  for (const { name, streams, all, perGpu = 10, want } of [
    {
      name: 'get nobody new',
      streams: [{}, at(0)],
      all: site(3, 1),
      want: [
        [0, 2],
        [0, 2],
      ],
    },
    { name: 'keep whom they have', streams: [at(1), {}], all: site(2, 1), want: [[1], [0]] },
    {
      name: 'do as others where there are none',
      streams: [at(1), {}],
      all: site(2, 0, 1),
      want: [[1], [0, 1]],
    },
    {
      name: 'get those that may go nowhere else',
      streams: [{ nodes: ['node-1'] }, { nodes: ['node-0', 'node-1'] }],
      all: site(3, 2),
      want: [[2], [0, 1]],
    },
    {
      name: 'get those for whom others have no step',
      streams: [at(0), {}, {}, {}],
      all: site(2, 1),
      perGpu: 2,
      want: [[0], [0], [0, 1], [0, 1]],
    },
    {
      name: 'get those for whom there is no step any more where they are',
      streams: [at(0), at(0), at(0)],
      all: site(2, 1),
      perGpu: 2,
      want: [[0], [0], [0, 1]],
    },
    {
      name: 'get nobody for whom there is a step elsewhere',
      streams: [at(0), at(0), at(0)],
      all: site(3, 1),
      perGpu: 2,
      want: [
        [0, 2],
        [0, 2],
        [0, 2],
      ],
    },
    {
      name: 'let go of whom may not be there any more',
      streams: [{ ...at(2), nodes: ['node-0'] }],
      all: site(3, 2),
      want: [[0, 1]],
    },
  ])
    it(name, () => expect(placesOf(streams, all, perGpu)).to.deep.equal(want))

  it('count for nothing where nobody may be put on them', () => {
    const given = { step: 0.1, gpus: site(3, 0, 1), streams: [{ ...stream('a'), ...at(1) }, stream('b')] }
    const left = withoutUnused({ ...given, streams: given.streams.map(({ current: _, ...rest }) => rest) })
    expect(left.gpus).to.deep.equal([given.gpus[2]])
  })

  it('get no more than others have no step for', () => {
    const given = { streams: [at(0), at(0), at(0), at(0)], gpus: site(3, 1), step: 0.5 }
    expect(spread(given)).to.deep.equal([0, 0, 2, 2])
    expect(spread({ ...given, gpus: site(2, 1) })).to.deep.equal([0, 0, 1, 1])
  })

  it('make nobody else move', () => {
    const streams = [at(0), at(1), at(0), at(1), at(1), at(0)]
    expect(spread({ streams, gpus: site(3, 2), step: 0.1 })).to.deep.equal([0, 1, 0, 1, 1, 0])
  })
})

describe('spread', () => {
  const on = (g: number, running = false) => ({
    current: { ...gpus(g + 1)[g]!, inferenceShare: 0.1, trainingShare: 0 },
    running: running ? option('x', 0.9, 10) : undefined,
  })
  for (const { name, streams, want, count = 2 } of [
    { name: 'puts as many on each GPU', streams: [{}, {}, {}], want: [0, 1, 0] },
    { name: 'keeps them where they are', streams: [on(1), on(0), on(1)], want: [1, 0, 1] },
    { name: 'moves what is too many', streams: [on(0), on(0), on(0), on(0)], want: [0, 0, 1, 1] },
    {
      name: 'lets those choose first who have little choice',
      count: 3,
      streams: [{}, {}, { nodes: ['node-1'] }],
      want: [0, 1, 2],
    },
    {
      name: 'keeps to the nodes that are allowed',
      count: 3,
      streams: [{ nodes: ['node-1'] }, { nodes: ['node-1'] }, { ...on(0), nodes: ['node-1'] }, {}],
      want: [2, 2, 2, 0],
    },
    {
      name: 'leaves running trainings where they are',
      streams: [on(0), on(0), on(0, true), on(0, true)],
      want: [1, 1, 0, 0],
    },
  ])
    it(name, () => expect(spread({ streams, gpus: gpus(count), step: 0.1 })).to.deep.equal(want))
})
