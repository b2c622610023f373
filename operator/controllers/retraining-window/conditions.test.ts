import { expect } from 'chai'
import { gpu, pod, retrainingWindow, site, skewedSite } from '../testing/site.ts'
import { windowConditionInputs } from './conditions.ts'

const status = {
  current: {
    index: 3,
    phase: 'Profiling' as const,
    startedAt: '2026-01-01T00:00:00Z',
    endsAt: '2026-01-01T00:01:40Z',
  },
}
const refusal = 'node edge-1 (mps): GPU 0: MIG mode is on; accepted: GPUs without'

describe('Ready of a window', () => {
  for (const { name, refusedGpus, gpus, want } of [
    {
      name: 'runs on all GPUs',
      refusedGpus: [],
      gpus: [gpu],
      want: { status: true, reason: 'Running', message: 'window 3 runs' },
    },
    {
      name: 'tells of GPUs that are left out',
      refusedGpus: [refusal],
      gpus: [gpu],
      want: { status: true, reason: 'GpusLeftOut', message: `window 3 runs; left out: ${refusal}` },
    },
    {
      name: 'tells of a GPU that has to be cleared',
      refusedGpus: [],
      gpus: [{ ...gpu, fault: 'a client faulted' }],
      want: {
        status: true,
        reason: 'GpuFault',
        message: 'window 3 runs; GPU edge-0/0: a client faulted',
      },
    },
    {
      name: 'tells why there is none',
      refusedGpus: [refusal],
      gpus: [],
      want: {
        status: false,
        reason: 'NoGpu',
        message: `no node that matches spec.gpus.nodeSelector {} offers a GPU; accepted are ready nodes with the label ekya.dev/sharing-backend, or with GPUs that the node agent tells of; left out: ${refusal}`,
      },
    },
  ])
    it(name, () => {
      const snapshot = {
        ...site(retrainingWindow(status), [{ name: 'cam-0', inference: pod('cam-0', 'inference') }], 0, gpus),
        refusedGpus,
      }
      const ready = windowConditionInputs(snapshot, status).find(({ type }) => type === 'Ready')
      expect(ready).to.deep.include(want)
    })
})

describe('Ready of a window with a node that is lost', () => {
  const problem = 'its kubelet is not heard of'
  for (const { leftOut, want } of [
    {
      leftOut: true,
      want: { reason: 'GpusLeftOut', message: `window 3 runs; left out: node edge-1: ${problem}` },
    },
    {
      leftOut: false,
      want: {
        reason: 'NodeNotReady',
        message: `window 3 runs; node edge-1: ${problem}; its pods stay, because no other node of the site offers a GPU`,
      },
    },
  ])
    it(leftOut ? 'tells that it is left out' : 'tells that its pods stay', () => {
      const snapshot = {
        ...site(retrainingWindow(status), [{ name: 'cam-0', inference: pod('cam-0', 'inference') }]),
        lostNodes: [{ node: 'edge-1', problem, leftOut }],
        refusedGpus: leftOut ? [`node edge-1: ${problem}`] : [],
      }
      const ready = windowConditionInputs(snapshot, status).find(({ type }) => type === 'Ready')
      expect(ready).to.deep.include({ status: true, ...want })
    })
})

describe("Ready of a window with a node's clock that is off", () => {
  for (const { name, clockAheadMs, want } of [
    {
      name: 'tells of it',
      clockAheadMs: 4_200,
      want: {
        status: true,
        reason: 'ClockSkew',
        message:
          "window 3 runs; the clock of node edge-0 is about 4 s ahead of the operator's: have both set by NTP",
      },
    },
    { name: 'does not below a second', clockAheadMs: -900, want: { reason: 'Running' } },
  ])
    it(name, () => {
      const snapshot = skewedSite(retrainingWindow(status), clockAheadMs)
      expect(windowConditionInputs(snapshot, status).find(({ type }) => type === 'Ready')).to.deep.include(
        want,
      )
    })
})
