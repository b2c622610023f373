import { expect } from 'chai'
import { setConditions } from '../../api/conditions.ts'
import { nodeAnnotation } from '../../api/names.ts'
import { type PodSnapshot, type SiteSnapshot, stepOf } from '../../cluster/snapshot.ts'
import { gpu, pod, retrainingWindow, site } from '../testing/site.ts'
import { skewNotes, windowConditionInputs } from './conditions.ts'

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

describe("a node's clock that is off", () => {
  const inference = pod('cam-0', 'inference')
  const on = { ...inference.pod.metadata, annotations: { [nodeAnnotation]: 'edge-0' } }
  const snapshot = (clockAheadMs: number) =>
    site(retrainingWindow(status), [
      {
        name: 'cam-0',
        inference: {
          ...inference,
          clockAheadMs,
          pod: { ...inference.pod, metadata: on },
        } as PodSnapshot<never>,
      },
    ])
  const judged = (seen: SiteSnapshot) => {
    const conditions = setConditions([], windowConditionInputs(seen, status), new Date(seen.now))
    return { ...status, conditions }
  }
  const sentence = "the clock of node edge-0 is about 4 s ahead of the operator's"

  it('is told in Ready, and once in an event', () => {
    const off = judged(snapshot(4_200))
    expect(off.conditions.find(({ type }) => type === 'Ready')).to.include({
      status: 'True',
      reason: 'ClockSkew',
      message: `window 3 runs; ${sentence}: have both set by NTP`,
    })
    expect(skewNotes(retrainingWindow(status), off, snapshot(4_200))).to.deep.equal([
      { type: 'Warning', reason: 'ClockSkew', message: `${sentence}: have both set by NTP` },
    ])
    expect(skewNotes(retrainingWindow(off), off, snapshot(4_300))).to.deep.equal([])
  })

  it('is not told below a second', () => {
    const near = judged(snapshot(-900))
    expect(near.conditions.find(({ type }) => type === 'Ready')?.reason).to.equal('Running')
    expect(skewNotes(retrainingWindow(status), near, snapshot(-900))).to.deep.equal([])
  })
})

describe('stepOf', () => {
  for (const { name, granularities, want } of [
    { name: 'as asked for', granularities: [undefined, 0.05], want: 0.1 },
    { name: 'as coarse as the coarsest GPU', granularities: [0.05, 0.25], want: 0.25 },
  ])
    it(name, () =>
      expect(
        stepOf({
          window: retrainingWindow(),
          gpus: granularities.map(granularity => ({
            ...gpu,
            ...(granularity === undefined ? {} : { granularity }),
          })),
        }),
      ).to.equal(want),
    )
})
