import { expect } from 'chai'
import type { RetrainingWindowStatus } from '../api/generated/types.ts'
import { gpuAnnotation, nodeAnnotation } from '../api/names.ts'
import type { WorkerRole } from '../api/worker.ts'
import { at, pod } from '../controllers/testing/site.ts'
import { running } from '../controllers/testing/window.ts'
import type { Phase } from './site-observer.ts'
import { endedWindows, fallingWindows, heldShares } from './site-observer.ts'

const status = (
  phase: Phase,
  index: number,
  { policy = 'thief', startedAt = at(0) } = {},
): RetrainingWindowStatus => {
  const made = running(phase, [], index)
  return {
    ...made,
    plan: { ...made.plan!, policy },
    current: { ...made.current!, startedAt },
  }
}

describe('heldShares', () => {
  const named = (name: string, role: WorkerRole, node: string) => {
    const made = pod<never>('cam-0', role)
    const annotations = { [nodeAnnotation]: node, [gpuAnnotation]: '0' }
    return { ...made, name, pod: { ...made.pod, metadata: { ...made.pod.metadata, annotations } } }
  }
  const pods = [
    named('cam-0-inference', 'inference', 'edge-0'),
    named('cam-0-inference-g2', 'inference', 'edge-0'),
    named('cam-0-inference-g3', 'inference', 'edge-1'),
    named('cam-0-training-1', 'training', 'edge-0'),
    named('cam-0-profile-1', 'profile', 'edge-0'),
  ]
  const reading = (actual: number) => ({ desired: 1, actual, resizing: false })
  const readings = new Map(
    [0.25, 0.5, 0.125, 0.0625].map((actual, i) => [pods[i]!.name, reading(actual)] as const),
  )

  it('adds up pods that take over from each other, and tells the GPU that each is on', () =>
    expect(heldShares(pods, readings)).to.deep.equal([
      { role: 'inference', node: 'edge-0', gpu: '0', share: 0.75 },
      { role: 'inference', node: 'edge-1', gpu: '0', share: 0.125 },
      { role: 'training', node: 'edge-0', gpu: '0', share: 0.0625 },
    ]))
})

describe('fallingWindows', () => {
  for (const { name, newestFirst, want } of [
    { name: 'nothing measured', newestFirst: [], want: 0 },
    { name: 'one window', newestFirst: [0.7], want: 0 },
    { name: 'better than before', newestFirst: [0.8, 0.7, 0.9], want: 0 },
    { name: 'as before', newestFirst: [0.7, 0.7], want: 0 },
    { name: 'falling, then risen before', newestFirst: [0.6, 0.7, 0.8, 0.5], want: 2 },
    { name: 'falling from the first on', newestFirst: [0.5, 0.6, 0.7], want: 2 },
    { name: 'the newest not measured yet', newestFirst: [undefined, 0.6, 0.7, 0.6], want: 1 },
  ])
    it(name, () => expect(fallingWindows(newestFirst)).to.equal(want))
})

describe('endedWindows', () => {
  // Windows of 100 s; `running` has them end at second 100.
  for (const { name, before, after, want } of [
    {
      name: 'a window that followed its plan',
      before: status('Retraining', 1),
      after: status('Closing', 1),
      want: [{ result: 'planned', count: 1 }],
    },
    {
      name: 'labels came too late for a plan',
      before: status('Labeling', 1),
      after: status('Closing', 1),
      want: [{ result: 'missed', count: 1 }],
    },
    {
      name: 'the policy made no plan',
      before: status('Retraining', 1, { policy: 'quick' }),
      after: status('Closing', 1),
      want: [{ result: 'missed', count: 1 }],
    },
    {
      name: 'window 0, which only collects',
      before: status('Retraining', 0, { policy: 'quick' }),
      after: status('Closing', 0),
      want: [{ result: 'planned', count: 1 }],
    },
    { name: 'within a window', before: status('Labeling', 1), after: status('Profiling', 1), want: [] },
    {
      name: 'the next one in time',
      before: status('Closing', 1),
      after: status('Labeling', 2, { startedAt: at(100) }),
      want: [],
    },
    {
      name: 'nobody worked for three windows',
      before: status('Closing', 1),
      after: status('Labeling', 2, { startedAt: at(430) }),
      want: [{ result: 'missed', count: 3 }],
    },
    { name: 'the first status', before: undefined, after: status('Pending', 0), want: [] },
  ])
    it(name, () => expect(endedWindows(before, after, 100_000)).to.deep.equal(want))
})
