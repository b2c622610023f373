import { expect } from 'chai'
import type { RawNode, RawPod } from '../backend.ts'
import { defaultGpuOptions, type GpuOptions } from '../gpu-options.ts'
import { gkeNode, hamiNode, inventory, kaiNode, mpsNode, slicesNode } from '../testing/gpu-nodes.ts'
import { backendSet, createBackends } from './registry.ts'

const setOf = (options: Partial<GpuOptions> = {}) =>
  backendSet(createBackends({ ...defaultGpuOptions, kaiQueue: 'cameras', ...options }))
const set = setOf()
const gpuOf = (node: RawNode) => {
  const [gpu] = set.discover(node)
  if (gpu === undefined) throw new Error(`no GPU: ${set.refusals(node).join('; ')}`)
  return gpu
}
const labelled = (node: RawNode, labels: Readonly<Record<string, string>>): RawNode => ({
  ...node,
  metadata: { ...node.metadata, labels: { ...node.metadata?.labels, ...labels } },
})

describe('nodes with GPUs', () => {
  for (const { name, node, want } of [
    { name: 'mps', node: mpsNode(), want: { steadyUnits: 100, totalUnits: 200, clients: 44 } },
    {
      name: 'mps with little room for changes',
      node: mpsNode(inventory(), '120'),
      want: { steadyUnits: 100, totalUnits: 120, clients: 44 },
    },
    { name: 'units', node: gkeNode(), want: { steadyUnits: 38, totalUnits: 48, clients: 48 } },
    { name: 'nvidia-slices', node: slicesNode(), want: { steadyUnits: 4, totalUnits: 4, clients: 4 } },
    { name: 'hami', node: hamiNode(), want: { steadyUnits: 100, totalUnits: 200, clients: 10 } },
    {
      name: 'hami without scaled cores',
      node: hamiNode({ devcore: 100 }),
      want: { steadyUnits: 80, totalUnits: 100, clients: 10 },
    },
    { name: 'kai', node: kaiNode(), want: { steadyUnits: 85, totalUnits: 100, clients: 44 } },
  ])
    it(`offer what can be given away and what can be there at once: ${name}`, () => {
      const gpu = gpuOf(node)
      expect(gpu.facts).to.deep.include(want)
      expect(set.refusals(node)).to.deep.equal([])
      const backend = set.of(gpu)
      expect(backend.name).to.equal(name.split(' ')[0])
      if (backend.resizes !== 'replace') throw new Error(`resizes ${backend.resizes}`)
      const { steadyUnits, totalUnits, clients, memoryMiB } = backend.limits(gpu)
      expect({ steadyUnits, totalUnits, clients }).to.deep.equal(want)
      // All units at once never exceed the memory.
      const unit = backend.amount(1 / steadyUnits, gpu)
      expect(unit.units).to.equal(1)
      expect(unit.memoryMiB * totalUnits).to.be.at.most(memoryMiB)
    })

  it('offer one GPU for each that they have slices of', () =>
    expect(set.discover(slicesNode('8')).map(({ gpu }) => gpu)).to.deep.equal(['0', '1']))

  for (const { name, node, want } of [
    { name: 'mps', node: mpsNode(inventory(), '0'), want: 1 },
    { name: 'units', node: gkeNode('0'), want: 1 },
    { name: 'nvidia-slices', node: slicesNode('0', { 'nvidia.com/gpu.count': '2' }), want: 2 },
    { name: 'kai', node: kaiNode('0'), want: 1 },
  ])
    it(`offer what they had while kubelet or its plugin is away: ${name}`, () => {
      const gpus = set.discover(node)
      expect(gpus).to.have.length(want)
      expect(gpus[0]!.facts!.totalUnits).to.be.at.least(gpus[0]!.facts!.steadyUnits)
      expect(set.refusals(node)).to.deep.equal([])
    })

  it('offer a GPU in fault with the reason, so that its pods can go', () => {
    const gpu = gpuOf(mpsNode(inventory('device-plugin', { state: 'fault', reason: 'a client faulted' })))
    expect(gpu.fault).to.equal('a client faulted')
  })

  for (const { name, node, want } of [
    {
      name: 'no inventory',
      node: labelled({ metadata: { name: 'edge-0' } }, { 'ekya.dev/sharing-backend': 'mps' }),
      want: /it has no annotation ekya\.dev\/gpu-inventory; accepted: nodes on which the node agent runs/,
    },
    {
      name: 'an inventory that is not understood',
      node: mpsNode('{"version": 1}'),
      want: /is not understood: allocation is missing; accepted: device-plugin, node-status; driver is missing/,
    },
    {
      name: 'fewer units than a GPU has',
      node: mpsNode(inventory(), '60'),
      want: /GPU 0: the node offers 60 of ekya\.dev\/gpu0-share; accepted: 100/,
    },
    { name: 'no GPU', node: mpsNode({ ...inventory(), gpus: [] }), want: /the node agent finds no GPU/ },
    {
      name: 'an old driver',
      node: mpsNode({ ...inventory(), driver: '535.161.08' }),
      want: /its NVIDIA driver is 535\.161\.08; accepted: 550 or later/,
    },
    {
      name: 'an old kubelet',
      node: { ...mpsNode(), status: { ...mpsNode().status, nodeInfo: { kubeletVersion: 'v1.25.16' } } },
      want: /its kubelet is v1\.25\.16; accepted: 1\.26 or later/,
    },
    {
      name: 'MIG mode',
      node: mpsNode(inventory('node-status', { mig: true })),
      want: /GPU 0: MIG mode is on; accepted: GPUs without/,
    },
    {
      name: 'units that nobody advertises',
      node: mpsNode(inventory(), null),
      want: /GPU 0: the node offers nothing of ekya\.dev\/gpu0-share; accepted: 100 for what there is, 200/,
    },
    {
      name: 'a GPU that the agent refuses',
      node: mpsNode(inventory('node-status', { state: 'unusable', reason: 'nvidia.com/gpu hands it out' })),
      want: /GPU 0: nvidia\.com\/gpu hands it out/,
    },
    {
      name: 'units of several GPUs',
      node: gkeNode('96'),
      want: /96 of nvidia\.com\/gpu with 48 to a GPU.*accepted: nodes with one GPU/,
    },
    {
      name: 'time-sharing on GKE',
      node: gkeNode('48', { 'cloud.google.com/gke-gpu-sharing-strategy': 'time-sharing' }),
      want: /shared by time-sharing, which gives no shares; accepted: mps/,
    },
    {
      name: 'a number of units that nobody says',
      node: gkeNode('48', { 'cloud.google.com/gke-max-shared-clients-per-gpu': '' }),
      want: /nobody says how many parts a GPU has; accepted: the label ekya\.dev\/units-per-gpu/,
    },
    {
      name: 'a number of units that is none',
      node: gkeNode('48', { 'ekya.dev/units-per-gpu': 'many' }),
      want: /its label ekya\.dev\/units-per-gpu is "many"; accepted: an integer above 0/,
    },
    {
      name: 'too few units',
      node: gkeNode('2', { 'ekya.dev/units-per-gpu': '2' }),
      want: /a GPU has 2 units; accepted: 3 or more/,
    },
    {
      name: 'slices by time',
      node: slicesNode('4', { 'nvidia.com/gpu.sharing-strategy': 'time-slicing' }),
      want: /shared by time-slicing, which gives no shares; accepted: sharing\.mps/,
    },
    {
      name: 'GPUs that are not sliced',
      node: slicesNode('1', { 'nvidia.com/gpu.replicas': '1' }),
      want: /a GPU has 1 slices; accepted: 2 to 48/,
    },
    {
      name: 'slices of MIG',
      node: slicesNode('4', { 'nvidia.com/mig.strategy': 'single' }),
      want: /MIG mode is on/,
    },
    { name: 'a sick GPU of HAMi', node: hamiNode({ health: false }), want: /GPU 0: HAMi says.*not healthy/ },
    {
      name: 'a GPU that HAMi divides by MIG',
      node: hamiNode({ mode: 'mig' }),
      want: /GPU 0: HAMi divides it by mig; accepted: hami-core/,
    },
    {
      name: "HAMi's old annotation",
      node: hamiNode({}, 'GPU-1,10,24576,100,NVIDIA-A10,0,true:'),
      want: /hami\.io\/node-nvidia-register is not understood; accepted: the JSON list/,
    },
    { name: 'several GPUs under KAI', node: kaiNode('2'), want: /it has 2 GPUs, of which KAI picks one/ },
    {
      name: 'a driver without namespaces of MPS',
      node: kaiNode('1', { 'nvidia.com/cuda.driver-version.full': '580.159.04' }),
      want: /its NVIDIA driver is 580\.159\.04; accepted: 615 or later/,
    },
    {
      name: 'a backend that nobody knows',
      node: labelled(kaiNode(), { 'ekya.dev/sharing-backend': 'magic' }),
      want: /its label ekya\.dev\/sharing-backend is "magic"; accepted: cpu, .*kai$/,
    },
  ])
    it(`are left out with the reason: ${name}`, () => {
      expect(set.discover(node)).to.deep.equal([])
      const refusals = set.refusals(node)
      expect(refusals).to.have.length(1)
      expect(refusals[0])
        .to.match(/^node edge-0\b/)
        .and.match(want)
    })

  it("are left out without KAI's queue", () => {
    const options = setOf({ kaiQueue: undefined })
    expect(options.discover(kaiNode())).to.deep.equal([])
    expect(options.refusals(kaiNode())[0]).to.match(/which of KAI's queues.*accepted: its option --kai-queue/)
  })

  it('without a label are shared by the default backend alone', () => {
    const { 'ekya.dev/sharing-backend': _label, ...labels } = hamiNode().metadata!.labels!
    const node = { ...hamiNode(), metadata: { ...hamiNode().metadata, labels } }
    expect(set.discover(node)).to.deep.equal([])
    expect(set.refusals(node)).to.deep.equal([])
    expect(setOf({ defaultBackend: 'hami' }).discover(node)).to.have.length(1)
  })

  it('are not looked at while they are cordoned', () => {
    const node = { ...gkeNode('96'), spec: { unschedulable: true } }
    expect([...set.discover(node), ...set.refusals(node)]).to.deep.equal([])
  })
})

describe('shares of GPUs', () => {
  const gpu = gpuOf(mpsNode())
  const backend = set.of(gpu)

  for (const { multiprocessors, want } of [
    { multiprocessors: 132, want: 0.05 },
    { multiprocessors: 40, want: 0.05 },
    { multiprocessors: 28, want: 0.08 },
    { multiprocessors: 16, want: 0.13 },
    { multiprocessors: undefined, want: 0.05 },
  ])
    it(`differ by ${want} at least on ${multiprocessors ?? 'nobody knows how many'} multiprocessors`, () =>
      expect(gpuOf(mpsNode(inventory('node-status', { multiprocessors }))).granularity).to.equal(want))

  it('keep whole units of any step', () => {
    for (let percent = 1; percent <= 100; percent++)
      expect(backend.render(percent / 100, gpu).resources.limits['ekya.dev/gpu0-share']).to.equal(
        String(percent),
      )
  })

  for (const share of [0, -0.1, 1.01, Number.NaN])
    it(`refuse ${share}`, () => expect(() => backend.render(share, gpu)).to.throw(/accepted: more than 0/))

  it('refuse more device memory than there is', () =>
    expect(() => backend.render(0.3, gpu, '90Gi')).to.throw(
      '90Gi of device memory are more than GPU edge-0/0 has for pods; accepted: at most 80535Mi',
    ))

  it('are one slice for a pod at most', () => {
    const sliced = gpuOf(slicesNode())
    expect(sliced.largestShare).to.equal(0.25)
    expect(() => set.of(sliced).render(0.5, sliced)).to.throw(/accepted: more than 0, at most 0.25/)
  })

  it('are given back by a pod that failed, with the reason where kubelet refused it', () => {
    const pod: RawPod = {
      spec: { containers: [{ name: 'worker', resources: { limits: { 'ekya.dev/gpu0-share': '30' } } }] },
      status: { phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'no such device' },
    }
    expect(backend.read(pod, gpu)).to.deep.equal({
      desired: 0.3,
      actual: 0,
      resizing: false,
      problem: 'UnexpectedAdmissionError: no such device',
    })
  })
})

describe('what a worker sees of its GPU', () => {
  const gpu = gpuOf(mpsNode())
  const pod = (units: string, percentage?: string): RawPod => ({
    spec: {
      containers: [
        {
          name: 'worker',
          resources: { limits: { 'ekya.dev/gpu0-share': units } },
          ...(percentage === undefined
            ? {}
            : { env: [{ name: 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE', value: percentage }] }),
        },
      ],
    },
  })
  for (const { name, from, seen, want } of [
    { name: 'as many multiprocessors as its share', from: pod('30'), seen: 38, want: undefined },
    { name: 'all of them', from: pod('30'), seen: 132, want: /sees 132 .* accepted: 38 for 30 % of 132/ },
    { name: 'what a smallest share came to', from: pod('5'), seen: 8, want: undefined },
    { name: 'more than that', from: pod('5'), seen: 12, want: /accepted: 6 to 8/ },
    { name: 'nothing yet', from: pod('30', '30'), seen: undefined, want: undefined },
    {
      name: 'a percentage that somebody raised',
      from: pod('30', '100'),
      seen: undefined,
      want: /CUDA_MPS_ACTIVE_THREAD_PERCENTAGE is 100 in the pod; accepted: 30/,
    },
  ])
    it(`is checked: ${name}`, () => {
      const problem = set.of(gpu).verify?.(from, gpu, seen === undefined ? {} : { multiprocessors: seen })
      if (want === undefined) expect(problem).to.equal(undefined)
      else expect(problem).to.match(want)
    })
})
