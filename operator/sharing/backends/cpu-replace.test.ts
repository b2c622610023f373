import { expect } from 'chai'
import type { RawNode, RawPod } from '../backend.ts'
import { cpuReplaceBackend } from './cpu-replace.ts'

const labels = { 'ekya.dev/sharing-backend': 'cpu-replace' }
const node = (allocatable: Record<string, string>, of: Record<string, string> = labels): RawNode => ({
  metadata: { name: 'edge-1', labels: of },
  status: { allocatable },
})
const gpu = {
  node: 'edge-1',
  gpu: '0',
  device: { kind: 'cpu', cores: 1.5 },
  granularity: 0.01,
  memoryMiB: 8192,
  labels,
} as const
const pod = (resources: NonNullable<RawPod['spec']>['containers'], phase = 'Running'): RawPod => ({
  spec: { containers: resources! },
  status: { phase },
})

describe('cpu-replace backend', () => {
  it('makes one GPU of half of the cores, so that all pods can exist twice', () => {
    expect(cpuReplaceBackend.discover(node({ cpu: '3', memory: '8Gi' }))).to.deep.equal([gpu])
    const { steadyUnits, totalUnits, memoryMiB } = cpuReplaceBackend.limits(gpu)
    expect({ steadyUnits, totalUnits, memoryMiB }).to.deep.equal({
      steadyUnits: 100,
      totalUnits: 200,
      memoryMiB: 8192,
    })
  })

  it('leaves nodes of other backends alone', () =>
    expect(
      cpuReplaceBackend.discover(node({ cpu: '3' }, { 'ekya.dev/sharing-backend': 'cpu' })),
    ).to.deep.equal([]))

  it('bounds no memory that the node does not tell', () => {
    const [found] = cpuReplaceBackend.discover(node({ cpu: '3' }))
    expect(cpuReplaceBackend.limits(found!).memoryMiB).to.equal(Number.POSITIVE_INFINITY)
  })

  for (const { share, memory, units, memoryMiB } of [
    { share: 1, memory: undefined, units: 100, memoryMiB: 0 },
    { share: 0.35, memory: '500Mi', units: 35, memoryMiB: 500 },
    { share: 0.3333, memory: '1G', units: 33, memoryMiB: 954 },
    { share: 0.001, memory: undefined, units: 1, memoryMiB: 0 },
  ])
    it(`counts ${units} units and ${memoryMiB} MiB for ${share} and ${memory}, and reads them back`, () => {
      const amount = { units, memoryMiB }
      expect(cpuReplaceBackend.amount(share, gpu, memory)).to.deep.equal(amount)
      const { resources } = cpuReplaceBackend.render(share, gpu, memory)
      for (const phase of ['Pending', 'Running', 'Failed'])
        expect(cpuReplaceBackend.amountOf(pod([{ name: 'worker', resources }], phase), gpu)).to.deep.equal(
          amount,
        )
    })

  it('refuses shares that are none', () =>
    expect(() => cpuReplaceBackend.amount(1.2, gpu)).to.throw(/accepted: more than 0/))
})
