import { expect } from 'chai'
import { expand, type LaunchContext, launchOf } from './container-environment.ts'
import type { ContainerSpec, Pod } from './pod.ts'

const context: LaunchContext = {
  podIP: '127.42.1.2',
  hostIP: '127.42.1.1',
  nodeName: 'node-a',
  marker: 'mark',
  path: ['/repo/bin', '/repo/node_modules/.bin'],
  inheritedPath: '/usr/bin',
  imageEnv: { NODE_COMPILE_CACHE: '/cache', HOME: '/root' },
  home: '/home',
  temporary: '/temporary',
  terminationLog: '/home/termination-log',
  capacity: { cpu: 1.5, memory: 2 ** 30 },
}

function launch(container: Partial<ContainerSpec>, metadata: Partial<Pod['metadata']> = {}) {
  const spec = { name: 'main', command: ['run'], ...container }
  const pod: Pod = {
    metadata: { name: 'pod-a', namespace: 'space', uid: 'u-1', resourceVersion: '1', ...metadata },
    spec: { containers: [spec], serviceAccountName: 'robot' },
  }
  return launchOf(pod, spec, context)
}

describe('launchOf', () => {
  it('puts the repository first on PATH and names the termination log', () => {
    const { env } = launch({})
    expect(env).to.include({
      PATH: '/repo/bin:/repo/node_modules/.bin:/usr/bin',
      EKYA_TERMINATION_LOG: '/home/termination-log',
      EKYA_PROCESS_NODE: 'mark',
    })
  })

  it('gives what the image sets, which a container may set otherwise', () => {
    expect(launch({}).env).to.include({ NODE_COMPILE_CACHE: '/cache', HOME: '/home' })
    const env = [{ name: 'NODE_COMPILE_CACHE', value: '/elsewhere' }]
    expect(launch({ env }).env.NODE_COMPILE_CACHE).to.equal('/elsewhere')
  })

  it('does not inherit the environment of the node', () => {
    process.env.EKYA_SECRET_OF_NODE = 'x'
    expect(launch({}).env).to.not.have.property('EKYA_SECRET_OF_NODE')
    delete process.env.EKYA_SECRET_OF_NODE
  })

  it('expands earlier variables in command, args and later variables', () => {
    const { command, env } = launch({
      command: ['run', '$(A)'],
      args: ['--b=$(B)', '$(UNKNOWN)', '$$(A)'],
      env: [
        { name: 'A', value: 'one' },
        { name: 'B', value: '$(A)-two' },
      ],
    })
    expect(command).to.deep.equal(['run', 'one', '--b=one-two', '$(UNKNOWN)', '$(A)'])
    expect(env.B).to.equal('one-two')
  })

  const labels = { app: 'x', 'a/b': 'y' }
  for (const { fieldPath, want } of [
    { fieldPath: 'metadata.name', want: 'pod-a' },
    { fieldPath: 'metadata.namespace', want: 'space' },
    { fieldPath: 'metadata.uid', want: 'u-1' },
    { fieldPath: "metadata.labels['a/b']", want: 'y' },
    { fieldPath: "metadata.annotations['none']", want: '' },
    { fieldPath: 'spec.nodeName', want: 'node-a' },
    { fieldPath: 'spec.serviceAccountName', want: 'robot' },
    { fieldPath: 'status.podIP', want: '127.42.1.2' },
    { fieldPath: 'status.hostIP', want: '127.42.1.1' },
  ]) {
    it(`gives ${fieldPath}`, () => {
      const env = [{ name: 'V', valueFrom: { fieldRef: { fieldPath } } }]
      expect(launch({ env }, { labels }).env.V).to.equal(want)
    })
  }

  for (const { resource, divisor, want } of [
    { resource: 'limits.cpu', divisor: '1m', want: '250' },
    { resource: 'limits.cpu', divisor: undefined, want: '1' },
    { resource: 'requests.memory', divisor: '1Mi', want: '64' },
    { resource: 'limits.memory', divisor: '1Mi', want: '1024' },
  ]) {
    it(`gives ${resource} in units of ${divisor ?? 'one'}`, () => {
      const resources = { limits: { cpu: '250m' }, requests: { memory: '64Mi' } }
      const resourceFieldRef = divisor === undefined ? { resource } : { resource, divisor }
      expect(launch({ resources, env: [{ name: 'V', valueFrom: { resourceFieldRef } }] }).env.V).to.equal(
        want,
      )
    })
  }
})

describe('expand', () => {
  for (const { text, want } of [
    { text: '$(A)$(A)', want: '11' },
    { text: '$A', want: '$A' },
    { text: '$$', want: '$' },
    { text: '$$$(A)', want: '$1' },
    { text: '$(', want: '$(' },
  ]) {
    it(`turns ${text} into ${want}`, () => expect(expand(text, { A: '1' })).to.equal(want))
  }
})
