import { expect } from 'chai'
import { type Pod, podSnapshot } from './pod.ts'

const pod = (status: NonNullable<Pod['status']>): Pod => ({
  metadata: {
    name: 'cam-0-training-2',
    labels: { 'ekya.dev/stream': 'cam-0', 'ekya.dev/role': 'training', 'ekya.dev/window': '2' },
  },
  spec: { containers: [] },
  status,
})

describe('podSnapshot', () => {
  for (const { name, status, want } of [
    {
      name: 'a pod that a device plugin refused as one that may be made again',
      status: {
        phase: 'Failed',
        reason: 'UnexpectedAdmissionError',
        message: 'Allocate failed due to no such device',
      },
      want: {
        finished: false,
        rejected: 'UnexpectedAdmissionError: Allocate failed due to no such device',
        failure: undefined,
      },
    },
    {
      name: 'a pod for which its node has no room any more likewise',
      status: { phase: 'Failed', reason: 'OutOfekya.dev/gpu0-share' },
      want: {
        finished: false,
        rejected: 'OutOfekya.dev/gpu0-share: the node gives no message',
        failure: undefined,
      },
    },
    {
      name: 'an evicted pod as ended',
      status: { phase: 'Failed', reason: 'Evicted', message: 'disk pressure' },
      want: {
        finished: true,
        rejected: undefined,
        failure: 'training pod cam-0-training-2 ended without a container status: disk pressure',
      },
    },
    {
      name: 'a pod that ran out of memory as ended',
      status: {
        phase: 'Failed',
        reason: 'OutOfmemory',
        containerStatuses: [
          { name: 'worker', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } },
        ],
      },
      want: {
        finished: true,
        rejected: undefined,
        failure: 'training pod cam-0-training-2 ended with exit code 137 (OOMKilled) and no result: ',
      },
    },
  ])
    it(`takes ${name}`, () => {
      const { finished, rejected, failure } = podSnapshot(pod(status))!
      expect({ finished, rejected, failure }).to.deep.equal(want)
    })
})
