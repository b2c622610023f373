import { expect } from 'chai'
import { type SwapPod, statePods } from './swap-state.ts'

const created = Date.parse('2030-01-01T00:00:00Z')
const pod = (generation: number, more: Partial<SwapPod> = {}): SwapPod => ({
  name: `p${generation}`,
  generation,
  amount: { units: 10 * generation, memoryMiB: 0 },
  createdAt: created,
  readySeconds: 20,
  ready: true,
  terminating: false,
  finished: false,
  standby: false,
  ...more,
})
const states = (pods: readonly SwapPod[], seconds = 5): string[] =>
  statePods(pods, created + seconds * 1000).map(({ pod: name, state, reason }) =>
    reason === undefined ? `${name} ${state}` : `${name} ${state}: ${reason}`,
  )

describe('statePods', () => {
  for (const { name, pods, seconds, want } of [
    { name: 'the only pod, also while it starts', pods: [pod(1, { ready: false })], want: ['p1 serving'] },
    {
      name: 'a pod that is to take over and starts',
      pods: [pod(1), pod(2, { standby: true, ready: false })],
      want: ['p1 serving', 'p2 starting'],
    },
    {
      name: 'one that is ready, in any order',
      pods: [pod(2, { standby: true }), pod(1)],
      want: ['p1 serving', 'p2 ready'],
    },
    {
      name: 'one that is not ready in time',
      pods: [pod(1), pod(2, { standby: true, ready: false })],
      seconds: 21,
      want: ['p1 serving', 'p2 failed: it was not ready within 20 s'],
    },
    {
      name: 'one that was ready in time and waits',
      pods: [pod(1), pod(2, { standby: true })],
      seconds: 60,
      want: ['p1 serving', 'p2 ready'],
    },
    {
      name: 'one that its node refused',
      pods: [
        pod(1),
        pod(2, { standby: true, finished: true, problem: 'UnexpectedAdmissionError: no device' }),
      ],
      want: ['p1 serving', 'p2 failed: UnexpectedAdmissionError: no device'],
    },
    {
      name: 'one with the wrong share, though it runs',
      pods: [pod(1), pod(2, { standby: true, problem: '108 multiprocessors' })],
      want: ['p1 serving', 'p2 failed: 108 multiprocessors'],
    },
    {
      name: 'one that ended by itself',
      pods: [pod(1), pod(2, { standby: true, finished: true })],
      want: ['p1 serving', 'p2 failed: it ended before it was ready'],
    },
    {
      name: 'the old pod once the new one was told',
      pods: [pod(1), pod(2)],
      want: ['p1 ending', 'p2 serving'],
    },
    {
      name: 'the old pod once it has ended',
      pods: [pod(1, { finished: true }), pod(2)],
      want: ['p1 ended', 'p2 serving'],
    },
    {
      name: 'the old pod while it goes',
      pods: [pod(1, { terminating: true, finished: true }), pod(2)],
      want: ['p1 ending', 'p2 serving'],
    },
    {
      name: 'a pod that is given up and still there',
      pods: [pod(1), pod(2, { standby: true, terminating: true })],
      want: ['p1 serving', 'p2 ending'],
    },
    {
      name: 'a pod whose predecessor went before it was told',
      pods: [pod(2, { standby: true })],
      want: ['p2 serving'],
    },
    {
      name: 'a training that is to end at a checkpoint',
      pods: [pod(1, { ending: true })],
      want: ['p1 ending'],
    },
    {
      name: 'a pod that has ended though it should serve',
      pods: [pod(1, { finished: true })],
      want: ['p1 ended'],
    },
  ] as { name: string; pods: SwapPod[]; seconds?: number; want: string[] }[])
    it(`tells ${name}`, () => expect(states(pods, seconds)).to.deep.equal(want))
})
