import { expect } from 'chai'
import type { RawNode, RawPod } from '../backend.ts'
import { cpuBackend } from './cpu.ts'
import { cpuReplaceBackend } from './cpu-replace.ts'
import { backend, backendSet } from './registry.ts'

const gpu = { node: 'edge-1', gpu: '0', device: { kind: 'cpu', cores: 1.5 } } as const

const node = (
  allocatable: Record<string, string>,
  labels: Readonly<Record<string, string>> = { 'ekya.dev/sharing-backend': 'cpu' },
): RawNode => ({
  metadata: { name: 'edge-1', labels },
  status: { allocatable },
})

const pod = (
  spec: string,
  options: {
    enforced?: string
    allocated?: string
    phase?: string
    conditions?: NonNullable<RawPod['status']>['conditions']
  } = {},
): RawPod => ({
  metadata: { name: 'cam-0-inference', namespace: 'default' },
  spec: {
    containers: [
      { name: 'sidecar', resources: { limits: { cpu: '1' } } },
      { name: 'worker', resources: { requests: { cpu: spec }, limits: { cpu: spec } } },
    ],
  },
  status: {
    phase: options.phase ?? 'Running',
    conditions: options.conditions ?? [],
    containerStatuses: [
      {
        name: 'worker',
        ...(options.enforced && { resources: { limits: { cpu: options.enforced } } }),
        ...(options.allocated && { allocatedResources: { cpu: options.allocated } }),
      },
    ],
  },
})

describe('cpu backend', () => {
  describe('discover', () => {
    for (const { name, from, want } of [
      {
        name: 'all allocatable cores as one GPU',
        from: node({ cpu: '1500m' }),
        want: [{ ...gpu, labels: { 'ekya.dev/sharing-backend': 'cpu' } }],
      },
      ...[
        { label: '1.5', cores: 1.5 },
        { label: '1500m', cores: 1.5 },
        { label: '8', cores: 4 },
      ].map(({ label, cores }) => {
        const labels = { 'ekya.dev/sharing-backend': 'cpu', 'ekya.dev/cpu-cores': label }
        return {
          name: `${cores} of four cores where the node's label says ${label}`,
          from: node({ cpu: '4' }, labels),
          want: [{ ...gpu, device: { kind: 'cpu', cores }, labels }],
        }
      }),
      {
        name: 'none without the label',
        from: { ...node({ cpu: '4' }), metadata: { name: 'edge-1' } },
        want: [],
      },
      {
        name: 'none for another backend',
        from: node({ cpu: '4' }, { 'ekya.dev/sharing-backend': 'mps' }),
        want: [],
      },
      { name: 'none before the kubelet reported', from: node({}), want: [] },
      {
        name: 'none on a cordoned node',
        from: { ...node({ cpu: '4' }), spec: { unschedulable: true } },
        want: [],
      },
    ])
      it(name, () => expect(cpuBackend.discover(from)).to.deep.equal(want))
  })

  for (const backend of [cpuBackend, cpuReplaceBackend])
    it(`${backend.name} says why a node whose label is no number of cores is left out`, () => {
      const labelled = (cores: string) =>
        node({ cpu: '4' }, { 'ekya.dev/sharing-backend': backend.name, 'ekya.dev/cpu-cores': cores })
      for (const cores of ['most', '0', '']) {
        expect(backend.discover(labelled(cores))).to.deep.equal([])
        expect(backend.refusals?.(labelled(cores))).to.deep.equal([
          `node edge-1 (${backend.name}): its label ekya.dev/cpu-cores is "${cores}"; accepted: a number of cores above 0, such as 3, 1.5 or 1500m`,
        ])
      }
      expect(backend.refusals?.(labelled('2'))).to.deep.equal([])
      expect(
        backend.refusals?.(
          node({ cpu: '4' }, { 'ekya.dev/sharing-backend': 'mps', 'ekya.dev/cpu-cores': 'most' }),
        ),
      ).to.deep.equal([])
    })

  describe('render', () => {
    for (const { share, want } of [
      { share: 1, want: '1500m' },
      { share: 0.35, want: '525m' },
      { share: 0.3333, want: '499m' },
      { share: 0.0001, want: '10m' },
    ])
      it(`gives ${want} for ${share} of 1.5 cores`, () =>
        expect(cpuBackend.render(share, gpu)).to.deep.equal({
          resources: { requests: { cpu: want }, limits: { cpu: want } },
        }))

    it('sets memory aside where it is asked for', () =>
      expect(cpuBackend.render(0.2, gpu, '500Mi').resources).to.deep.equal({
        requests: { cpu: '300m', memory: '500Mi' },
        limits: { cpu: '300m', memory: '500Mi' },
      }))

    for (const share of [0, -0.1, 1.01, Number.NaN])
      it(`refuses ${share}`, () =>
        expect(() => cpuBackend.render(share, gpu)).to.throw(/accepted: more than 0/))
  })

  describe('read', () => {
    const reading = (from: RawPod) => cpuBackend.read(from, gpu)
    const resize = (type: string, reason: string) => [{ type, status: 'True', reason, message: 'no room' }]

    for (const { name, from, want } of [
      {
        name: 'spec before the node reports',
        from: pod('300m'),
        want: { desired: 0.2, actual: 0.2, resizing: false },
      },
      {
        name: 'a shrink that is not carried out yet',
        from: pod('300m', { enforced: '900m' }),
        want: { desired: 0.2, actual: 0.6, resizing: true },
      },
      {
        name: 'a grow that is admitted but not enforced',
        from: pod('900m', { enforced: '300m', allocated: '900m' }),
        want: { desired: 0.6, actual: 0.6, resizing: false },
      },
      {
        name: 'nothing held by a pod that has ended',
        from: pod('300m', { enforced: '300m', phase: 'Succeeded' }),
        want: { desired: 0.2, actual: 0, resizing: false },
      },
      {
        name: 'why a resize is stuck',
        from: pod('900m', { enforced: '300m', conditions: resize('PodResizePending', 'Deferred') }),
        want: { desired: 0.6, actual: 0.2, resizing: true, problem: 'Deferred: no room' },
      },
      {
        name: 'a resize under way without a problem',
        from: pod('900m', { enforced: '300m', conditions: resize('PodResizeInProgress', '') }),
        want: { desired: 0.6, actual: 0.2, resizing: true },
      },
    ])
      it(name, () => {
        const { desired, actual, ...rest } = reading(from)
        expect({
          desired: Number(desired.toFixed(9)),
          actual: Number(actual.toFixed(9)),
          ...rest,
        }).to.deep.equal(want)
      })

    it('gives back what it rendered', () => {
      for (let step = 1; step <= 20; step++) {
        const { limits } = cpuBackend.render(step / 20, gpu).resources
        expect(reading(pod(limits.cpu as string)).desired).to.be.closeTo(step / 20, 1e-9)
      }
    })
  })

  it('patches the worker container only', () =>
    expect(cpuBackend.resizePatch(pod('300m'), 0.6, gpu)).to.deep.equal({
      spec: {
        containers: [{ name: 'worker', resources: { requests: { cpu: '900m' }, limits: { cpu: '900m' } } }],
      },
    }))
})

describe('backends', () => {
  it('finds a backend by name', () => expect(backend('cpu')).to.equal(cpuBackend))

  it('names what is accepted', () =>
    expect(() => backend('magic')).to.throw('"magic" is unknown; accepted: cpu, cpu-replace'))

  it('gives each GPU to the backend that its node is labelled for', () => {
    const set = backendSet()
    for (const name of ['cpu', 'cpu-replace']) {
      const [gpu] = set.discover(node({ cpu: '2', memory: '1Gi' }, { 'ekya.dev/sharing-backend': name }))
      expect(set.of(gpu!).name).to.equal(name)
    }
    expect(set.of({}).name).to.equal('cpu')
    expect(set.of({ labels: { 'ekya.dev/sharing-backend': 'magic' } }).name).to.equal('cpu')
    expect(backendSet([cpuReplaceBackend]).discover(node({ cpu: '2' }))).to.deep.equal([])
  })
})
