import { expect } from 'chai'
import type { ContainerSpec, Pod, PodSpec } from './pod.ts'
import { demandOf, shortage, unsupported } from './pod-admission.ts'

function pod(container: Partial<ContainerSpec>, spec: Partial<PodSpec> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1' },
    spec: { containers: [{ name: 'main', command: ['run'], ...container }], ...spec },
  }
}

const mounted = (mountPath: string, source: object, mount: object = {}): Pod =>
  pod({ volumeMounts: [{ name: 'v', mountPath, ...mount }] }, { volumes: [{ name: 'v', ...source }] })

describe('unsupported', () => {
  for (const { name, given, want } of [
    { name: 'a plain pod', given: pod({}), want: [] },
    {
      name: 'a hostPath at its own path',
      given: mounted('/data/', { hostPath: { path: '/data' } }),
      want: [],
    },
    { name: 'an emptyDir at /tmp', given: mounted('/tmp', { emptyDir: {} }), want: [] },
    {
      name: 'the default token',
      given: mounted('/var/run/secrets/kubernetes.io/serviceaccount', { projected: {} }),
      want: [],
    },
    {
      name: 'a hostPath elsewhere',
      given: mounted('/a', { hostPath: { path: '/b' } }),
      want: ['the host path is /b'],
    },
    {
      name: 'an emptyDir elsewhere',
      given: mounted('/a', { emptyDir: {} }),
      want: ['an emptyDir cannot be mounted there'],
    },
    { name: 'another volume', given: mounted('/a', { configMap: {} }), want: ['kind configMap'] },
    {
      name: 'a subPath',
      given: mounted('/a', { hostPath: { path: '/a' } }, { subPath: 'x' }),
      want: ['subPath'],
    },
    { name: 'no command', given: pod({ command: [] }), want: ['command is missing'] },
    {
      name: 'init containers',
      given: pod({}, { initContainers: [{ name: 'i' }] }),
      want: ['spec.initContainers'],
    },
    { name: 'the host network', given: pod({}, { hostNetwork: true }), want: ['spec.hostNetwork'] },
    { name: 'a hook', given: pod({ lifecycle: { preStop: {} } }), want: ['lifecycle hooks'] },
    {
      name: 'a gRPC probe',
      given: pod({ livenessProbe: { grpc: {} } }),
      want: ['livenessProbe: accepted are httpGet'],
    },
    {
      name: 'a secret as a variable',
      given: pod({ env: [{ name: 'S', valueFrom: { secretKeyRef: {} } }] }),
      want: ['env S: accepted are value, fieldRef and resourceFieldRef'],
    },
    {
      name: 'several things at once',
      given: pod({ command: [], envFrom: [{}] }),
      want: ['command is missing', 'envFrom is not supported'],
    },
  ]) {
    it(`${want.length === 0 ? 'accepts' : 'refuses'} ${name}`, () => {
      const problems = unsupported(given, false)
      expect(problems).to.have.length(want.length)
      for (const [index, part] of want.entries()) expect(problems[index]).to.contain(part)
    })
  }
})

describe('shortage', () => {
  it('accepts what fits exactly, in spite of binary fractions', () => {
    expect(shortage({ cpu: 0.1 + 0.2, memory: 0 }, { cpu: 0.3, memory: 0 })).to.equal(undefined)
  })

  it('names the resource and the numbers', () => {
    expect(shortage({ cpu: 1.25, memory: 0 }, { cpu: 1, memory: 0 })).to.deep.equal({
      resource: 'cpu',
      message: 'cpu: asked for 1.25 cores, free are 1',
    })
  })
})

describe('demandOf', () => {
  it('counts requests, and limits where there are none', () => {
    expect(demandOf({ limits: { cpu: '500m', memory: '1Ki' }, requests: { cpu: '200m' } })).to.deep.equal({
      cpu: 0.2,
      memory: 1024,
    })
  })
})
