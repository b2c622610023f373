import { expect } from 'chai'
import { podSnapshot } from '../../cluster/pod.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { type PodActuator, remove } from './pod-actuator.ts'
import { RecentPods } from './recent-pods.ts'

const terminated = { state: { terminated: { exitCode: 0 } } }
const running = { state: { running: {} } }

describe('a pod that is removed', () => {
  for (const { name, status, want } of [
    { name: 'one that runs', status: { phase: 'Running', containerStatuses: [running] }, want: undefined },
    { name: 'one that has ended', status: { phase: 'Succeeded', containerStatuses: [terminated] }, want: 0 },
    { name: 'one that has failed', status: { phase: 'Failed', containerStatuses: [terminated] }, want: 0 },
    {
      name: 'one that is given up on a node that is away',
      status: { phase: 'Failed', containerStatuses: [running] },
      want: undefined,
    },
    { name: 'one of which nothing is known', status: { phase: 'Failed' }, want: undefined },
    { name: 'one that was never started', status: undefined, want: undefined },
  ])
    it(`is given ${want === 0 ? 'no time' : 'its time'}: ${name}`, async () => {
      const pod = podSnapshot({
        metadata: {
          name: 'cam-inference',
          namespace: 'edge',
          uid: 'u',
          labels: { 'ekya.dev/stream': 'cam', 'ekya.dev/role': 'inference' },
        },
        spec: { containers: [{ name: 'worker' }] },
        ...(status && {
          status: {
            ...status,
            containerStatuses: (status.containerStatuses ?? []).map(each => ({ name: 'worker', ...each })),
          },
        }),
      } as never)!
      const asked: object[] = []
      const actuator = {
        transport: {
          delete: async (_resource: unknown, _at: unknown, options: object) => asked.push(options),
        },
        executor: { forget: () => {} },
        recent: new RecentPods(),
      } as unknown as PodActuator
      await remove(pod, actuator, { now: 0, lostNodes: [] } as unknown as SiteSnapshot)
      expect(asked).to.deep.equal([
        { preconditions: { uid: 'u' }, ...(want === undefined ? {} : { gracePeriodSeconds: want }) },
      ])
    })
})
