import { expect } from 'chai'
import { nodeAnnotation } from '../api/names.ts'
import type { InferenceStatus } from '../api/worker.ts'
import { furthestAhead, skewedClocks, skewOf, steadySkew } from './clock-skew.ts'
import type { Pod } from './pod.ts'
import type { PodSnapshot } from './snapshot.ts'
import { WorkerPoller } from './worker-poller.ts'

const second = Date.parse('2030-01-01T00:00:00Z')
const iso = (ms: number) => new Date(second + ms).toISOString()

describe("a node's clock", () => {
  for (const { name, said, took = 100, want } of [
    { name: 'that agrees is not off', said: iso(50), want: 0 },
    { name: 'may be off by what the answer took', said: iso(100), want: 0 },
    { name: 'is ahead', said: iso(5_100), want: 5_000 },
    { name: 'is behind', said: iso(-5_000), want: -5_000 },
    { name: 'is not judged by an answer that took long', said: iso(5_100), took: 1_001, want: undefined },
    { name: 'is not known of a worker that says nothing of it', said: undefined, want: undefined },
    { name: 'is not known of a worker that says no time', said: 'noon', want: undefined },
  ])
    it(name, () => expect(skewOf(said, { from: second, to: second + took })).to.equal(want))
})

describe('what is known of a clock', () => {
  for (const { name, said, want } of [
    { name: 'is the first that is told', said: [4_480], want: [4_480] },
    {
      name: 'stays while answers differ by the time that they take',
      said: [4_480, 4_520, 4_450],
      want: [4_480, 4_480, 4_480],
    },
    {
      name: 'follows a clock that drifts',
      said: [4_480, 4_600, 4_700, 4_800],
      want: [4_480, 4_480, 4_700, 4_700],
    },
    { name: 'follows one that is set', said: [4_480, 0], want: [4_480, 0] },
    { name: 'stays where an answer tells nothing', said: [4_480, undefined], want: [4_480, 4_480] },
    { name: 'is nothing at first', said: [undefined], want: [undefined] },
  ])
    it(name, () => {
      let known: number | undefined
      expect(
        said.map(each => {
          known = steadySkew(known, each)
          return known
        }),
      ).to.deep.equal(want)
    })
})

describe('clocks that are off', () => {
  const pod = (node: string, clockAheadMs?: number, finished = false): PodSnapshot =>
    ({
      pod: { metadata: { annotations: { [nodeAnnotation]: node } } },
      finished,
      ...(clockAheadMs === undefined ? {} : { clockAheadMs }),
    }) as unknown as PodSnapshot
  for (const { name, pods, want } of [
    { name: 'are none below a second', pods: [pod('a', 999), pod('b', -999), pod('c')], want: [] },
    {
      name: 'are told once a node, by its largest difference',
      pods: [pod('b', -3_400), pod('a', 1_200), pod('b', -4_100)],
      want: [
        "the clock of node a is about 1 s ahead of the operator's",
        "the clock of node b is about 4 s behind the operator's",
      ],
    },
    {
      name: 'are told in few digits',
      pods: [pod('a', 130_000), pod('b', 7_300_000)],
      want: [
        "the clock of node a is about 2 min ahead of the operator's",
        "the clock of node b is about 2 h ahead of the operator's",
      ],
    },
    { name: 'are not told by pods that have ended', pods: [pod('a', 5_000, true)], want: [] },
  ])
    it(name, () => expect(skewedClocks(pods)).to.deep.equal(want))
})

describe('the clock that is furthest ahead', () => {
  for (const { name, ahead, want } of [
    { name: 'is one of those that are ahead', ahead: [3_000, 5_000], want: 5_000 },
    { name: 'may be behind as well', ahead: [-90_000, -89_000], want: -89_000 },
    { name: 'is not one of which nothing is known', ahead: [-90_000, undefined], want: -90_000 },
    { name: 'is taken to agree where nothing is known', ahead: [undefined], want: 0 },
    { name: 'is taken to agree where there is no pod', ahead: [], want: 0 },
  ])
    it(name, () =>
      expect(
        furthestAhead(ahead.map(clockAheadMs => (clockAheadMs === undefined ? {} : { clockAheadMs }))),
      ).to.equal(want),
    )
})

describe('the poller', () => {
  const pod = {
    metadata: { name: 'cam-0-inference', uid: 'u' },
    status: { phase: 'Running', podIP: '10.0.0.1' },
  } as unknown as Pod

  it("keeps how far a worker's clock is ahead, and wakes those who have to know", async () => {
    let now = second
    let answer: { readonly said: string; readonly tookMs: number } = { said: iso(0), tookMs: 20 }
    let woken = 0
    const poller = new WorkerPoller({
      pods: () => [pod],
      reader: {
        status: async () => {
          now += answer.tookMs
          return { role: 'inference', now: answer.said } as InferenceStatus
        },
      },
      intervalMs: 1000,
      onChange: () => void woken++,
      now: () => now,
    })
    await poller.poll()
    expect(poller.of('u')?.clockAheadMs).to.equal(0)
    expect(woken).to.equal(1)
    answer = { said: iso(3_040), tookMs: 20 }
    await poller.poll()
    expect(poller.of('u')?.clockAheadMs).to.equal(3_000)
    expect(woken).to.equal(2)
    answer = { said: iso(60_000), tookMs: 1_500 }
    await poller.poll()
    expect(poller.of('u')?.clockAheadMs, 'a slow answer tells nothing').to.equal(3_000)
    poller.learn(pod, { role: 'inference' } as InferenceStatus)
    expect(poller.of('u')?.clockAheadMs).to.equal(3_000)
    expect(woken).to.equal(2)
  })
})
