import { expect } from 'chai'
import type { InferenceStatus } from '../../api/worker.ts'
import type { PodSnapshot } from '../../cluster/snapshot.ts'
import { WorkerClientError } from '../../cluster/worker-client.ts'
import { lastBefore, markOf } from '../../sharing/hand-over-mark.ts'
import { pod } from '../testing/site.ts'
import { handOver } from './hand-over.ts'

const due = Date.parse('2030-01-01T00:01:00Z')
const mark = {
  window: 4,
  startsAt: '2030-01-01T00:00:00.000Z',
  frame: 600,
  dueAt: new Date(due).toISOString(),
}
const last = lastBefore(mark)

const status = (more: Partial<InferenceStatus> = {}): InferenceStatus => ({
  role: 'inference',
  stream: 'cam-0',
  model: { uri: 'm', digest: 'd' },
  configuration: 'c',
  window: null,
  frames: { offered: 0, analysed: 0, skipped: 0, dropped: 0 },
  gpuSecondsPerFrame: null,
  latencySeconds: null,
  draining: false,
  ...more,
})
const snapshot = (name: string, more: Partial<PodSnapshot> = {}): PodSnapshot => ({
  ...pod('cam-0', 'inference', { status: status() }),
  name,
  uid: name,
  ...more,
})
const old = (more: Partial<PodSnapshot> = {}) => snapshot('old', more)
const next = (more: Partial<PodSnapshot> = {}) =>
  snapshot('next', { status: status({ standby: true }), ...more })
const ended = (until = last) =>
  old({
    finished: true,
    result: {
      kind: 'inference',
      until,
      lastFrame: null,
      frames: { offered: 1, analysed: 1, skipped: 0, dropped: 0 },
    },
  })
const startedAt = (time: string) =>
  next({
    pod: {
      ...pod('cam-0', 'inference').pod,
      status: { containerStatuses: [{ name: 'worker', state: { running: { startedAt: time } } }] },
    },
  })
const error = (code: 'TooLate' | 'Unreachable') =>
  new WorkerClientError(code, code, { retryable: code === 'Unreachable' })

describe('handOver', () => {
  for (const { name, parties, seconds = -1, drain, activate, want, calls } of [
    {
      name: 'tells the old pod, then the new one',
      parties: { old: old(), next: next() },
      want: 'told',
      calls: [{ drain: { until: last } }, { activate: { from: markOf(mark) } }],
    },
    {
      name: 'does not tell the new one where the old one does not answer',
      parties: { old: old(), next: next() },
      drain: error('Unreachable'),
      want: 'pending',
      calls: [{ drain: { until: last } }],
    },
    {
      name: 'needs another frame where the old pod is past this one',
      parties: { old: old(), next: next() },
      drain: error('TooLate'),
      want: 'late',
      calls: [{ drain: { until: last } }],
    },
    {
      name: 'gives up an old pod that never answers',
      parties: { old: old(), next: next() },
      seconds: 11,
      drain: error('Unreachable'),
      want: 'stuck',
      calls: [{ drain: { until: last } }],
    },
    {
      name: 'goes on where an operator before it got to: the old one was told',
      parties: { old: old({ status: status({ until: last }) }), next: next() },
      seconds: 3,
      want: 'told',
      calls: [{ activate: { from: markOf(mark) } }],
    },
    {
      name: 'and where it has ended meanwhile',
      parties: { old: ended(), next: next() },
      seconds: 8,
      want: 'told',
      calls: [{ activate: { from: markOf(mark) } }],
    },
    {
      name: 'tells the new pod again where the call failed',
      parties: { old: old({ status: status({ until: last }) }), next: next() },
      activate: error('Unreachable'),
      want: 'pending',
      calls: [{ activate: { from: markOf(mark) } }],
    },
    {
      name: 'waits for the old pod to go',
      parties: { old: old({ status: status({ until: last }) }), next: next({ status: status() }) },
      seconds: 5,
      want: 'pending',
      calls: [],
    },
    {
      name: 'gives up an old pod that does not end',
      parties: { old: old({ status: status({ until: last }) }), next: next({ status: status() }) },
      seconds: 21,
      want: 'stuck',
      calls: [],
    },
    {
      name: 'gives up an old pod that has forgotten its end while the new one serves',
      parties: { old: old(), next: next({ status: status() }) },
      want: 'stuck',
      calls: [],
    },
    {
      name: 'has the new pod begin at what is due where nobody knows what the old one did',
      parties: { old: undefined, next: next() },
      want: 'told',
      calls: [{ activate: {} }],
    },
    {
      name: 'and where the old one ended otherwise',
      parties: { old: ended({ ...last, frame: 5 }), next: next() },
      want: 'told',
      calls: [{ activate: {} }],
    },
    {
      name: 'waits until an old pod is gone that is being killed',
      parties: { old: old({ terminating: true }), next: next() },
      want: 'pending',
      calls: [],
    },
    {
      name: 'does not wait for one that had agreed',
      parties: { old: old({ terminating: true, status: status({ until: last }) }), next: next() },
      want: 'told',
      calls: [{ activate: { from: markOf(mark) } }],
    },
    {
      name: 'has a container that was started again after the hand-over go on at what is due',
      parties: {
        old: old({ status: status({ until: last }) }),
        next: startedAt('2030-01-01T00:01:05Z'),
      },
      seconds: 9,
      want: 'told',
      calls: [{ activate: {} }],
    },
    {
      name: 'is done once the old pod has gone',
      parties: { old: undefined, next: next({ status: status() }) },
      want: 'done',
      calls: [],
    },
  ] as {
    name: string
    parties: { old: PodSnapshot | undefined; next: PodSnapshot }
    seconds?: number
    drain?: Error
    activate?: Error
    want: string
    calls: object[]
  }[])
    it(name, async () => {
      const made: object[] = []
      const answer = async (call: object, failure: Error | undefined): Promise<InferenceStatus> => {
        made.push(call)
        if (failure !== undefined) throw failure
        return status()
      }
      const learnt: string[] = []
      const state = await handOver(
        { ...parties, mark },
        {
          workers: {
            drain: (_address, request) => answer({ drain: request }, drain),
            activate: (_address, request) => answer({ activate: request }, activate),
          },
          learn: ({ metadata }) => void learnt.push(metadata.name),
          now: due + seconds * 1000,
        },
      )
      expect(state).to.equal(want)
      expect(made).to.deep.equal(calls)
      const failures = [drain, activate].filter(failure => failure !== undefined).length
      expect(learnt).to.have.lengthOf(calls.length - failures)
    })

  it('waits for the first answer of a new pod after a restart', async () => {
    const { status: _, ...silent } = next()
    const state = await handOver(
      { old: undefined, next: silent, mark },
      {
        workers: {
          drain: () => Promise.reject(new Error('not to be called')),
          activate: () => Promise.reject(new Error('not to be called')),
        },
        learn: () => {},
        now: due,
      },
    )
    expect(state).to.equal('pending')
  })

  it('passes on what is no answer of a worker', async () => {
    const bug = new TypeError('a bug')
    const attempt = handOver(
      { old: old(), next: next(), mark },
      {
        workers: { drain: () => Promise.reject(bug), activate: () => Promise.reject(bug) },
        learn: () => {},
        now: due,
      },
    )
    expect(await attempt.catch((thrown: unknown) => thrown)).to.equal(bug)
  })
})
