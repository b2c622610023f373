import { expect } from 'chai'
import { defaultGpuOptions } from '../sharing/gpu-options.ts'
import { type Environment, parseOperatorConfig, type RawFlags } from './config.ts'
import { ConfigError } from './errors.ts'
import { allOptions } from './options.ts'
import { parseAddress, parseStorage, parseTolerations } from './values.ts'
import { packageVersion } from './version.ts'

const storage = 'hostPath:/var/lib/ekya'

describe('parseOperatorConfig', () => {
  it('needs the storage only', () => {
    expect(parseOperatorConfig({ storage }, {})).to.deep.equal({
      namespaces: [],
      storage: {
        source: { hostPath: { path: '/var/lib/ekya', type: 'DirectoryOrCreate' } },
        mountPath: '/var/lib/ekya',
        folder: '/var/lib/ekya',
      },
      workerImage: `ekya-worker:${packageVersion}`,
      workerTolerations: [],
      http: { port: 8080 },
      leaderElection: { enabled: true, namespace: 'default' },
      logLevel: 'info',
      seed: 1,
      backend: 'all',
      gpus: defaultGpuOptions,
    })
  })

  it('reads every flag', () => {
    const flags: RawFlags = {
      kubeconfig: 'a/b',
      namespace: ['b', 'a', 'b'],
      storage: 'pvc:ekya',
      storageMountPath: '/data/',
      workerImage: 'registry.example.org:5000/ekya@sha256:0123',
      workerToleration: ['dedicated=cameras:NoSchedule', 'example.org/edge'],
      httpAddress: '127.0.0.1:0',
      leaderElect: false,
      leaseNamespace: 'ekya-system',
      logLevel: 'debug',
      seed: '7',
      backend: 'cpu',
      gpuBackend: 'units',
      gpuRuntimeClass: 'none',
      gpuPodCpu: '500m',
      gpuPodMemory: '3Gi',
      unitsResource: 'example.org/gpu',
      unitsPerGpu: '48',
      slicesResource: 'example.org/gpu.part',
      slicesPerGpu: '4',
      kaiQueue: 'cameras',
    }
    expect(parseOperatorConfig(flags, { POD_NAMESPACE: 'other' })).to.deep.equal({
      kubeconfig: 'a/b',
      namespaces: ['a', 'b'],
      storage: {
        source: { persistentVolumeClaim: { claimName: 'ekya' } },
        mountPath: '/data',
        folder: '/data',
      },
      workerImage: 'registry.example.org:5000/ekya@sha256:0123',
      workerTolerations: [
        { key: 'dedicated', operator: 'Equal', value: 'cameras', effect: 'NoSchedule' },
        { key: 'example.org/edge', operator: 'Exists' },
      ],
      http: { host: '127.0.0.1', port: 0 },
      leaderElection: { enabled: false, namespace: 'ekya-system' },
      logLevel: 'debug',
      seed: 7,
      backend: 'cpu',
      gpus: {
        defaultBackend: 'units',
        podResources: { cpu: '500m', memory: '3Gi' },
        units: { resource: 'example.org/gpu', perGpu: 48 },
        slices: { resource: 'example.org/gpu.part', perGpu: 4 },
        kaiQueue: 'cameras',
      },
    })
  })

  for (const { name, flags, environment, want } of [
    { name: 'a variable over the default', flags: {}, environment: { EKYA_SEED: '3' }, want: { seed: 3 } },
    {
      name: 'a flag over its variable',
      flags: { seed: '4' },
      environment: { EKYA_SEED: '3' },
      want: { seed: 4 },
    },
    {
      name: 'the default over an empty variable',
      flags: {},
      environment: { EKYA_SEED: '' },
      want: { seed: 1 },
    },
    {
      name: 'a list in a variable',
      flags: {},
      environment: { EKYA_NAMESPACE: 'a,b' },
      want: { namespaces: ['a', 'b'] },
    },
    {
      name: 'a switch in a variable',
      flags: {},
      environment: { EKYA_LEADER_ELECT: 'false', POD_NAMESPACE: 'here' },
      want: { leaderElection: { enabled: false, namespace: 'here' } },
    },
    {
      name: 'no notice of variables of others',
      flags: {},
      environment: { EKYA_SERVICE_HOST: '10.0.0.1' },
      want: {},
    },
  ] satisfies { name: string; flags: RawFlags; environment: Environment; want: object }[]) {
    it(`takes ${name}`, () => {
      expect(parseOperatorConfig({ storage, ...flags }, environment)).to.deep.include(want)
    })
  }

  it('reports all problems together, each with where it is and what is accepted', () => {
    const flags: RawFlags = {
      seed: '-1',
      httpAddress: 'here',
      namespace: ['A'],
      gpuBackend: 'cpu',
      gpuPodCpu: '0',
      gpuPodMemory: 'much',
      unitsResource: 'gpu',
      unitsPerGpu: '2',
      slicesPerGpu: '49',
      kaiQueue: 'My queue',
    }
    const environment = { EKYA_LOG_LEVEL: 'loud', EKYA_BACKEND: 'magic', EKYA_LEADER_ELECT: 'maybe' }
    const problems = problemsOf(() => parseOperatorConfig(flags, environment, ['--nonsense', '5', '--other']))
    expect(problems.map(({ where }) => where)).to.deep.equal([
      '--nonsense',
      '--other',
      '--namespace',
      '--storage',
      '--http-address',
      'EKYA_LEADER_ELECT',
      'EKYA_LOG_LEVEL',
      '--seed',
      'EKYA_BACKEND',
      '--gpu-backend',
      '--gpu-pod-cpu',
      '--gpu-pod-memory',
      '--units-resource',
      '--units-per-gpu',
      '--slices-per-gpu',
      '--kai-queue',
    ])
    for (const { where, message } of problems.slice(2)) expect(message, where).to.match(/accepted: \S/)
  })

  it('accepts its own defaults', () => {
    for (const option of allOptions) {
      if (option.default !== undefined)
        expect(option.parse(option.default as never), option.flag).to.not.equal(undefined)
    }
  })
})

describe('parseStorage', () => {
  for (const { text, want } of [
    { text: 'hostPath:/a/../b/', want: '/b' },
    { text: 'hostPath:/with:colon', want: '/with:colon' },
    { text: 'pvc:samples', want: '/var/lib/ekya' },
    { text: 'hostPath:relative', want: undefined },
    { text: 'hostPath:/', want: undefined },
    { text: 'pvc:', want: undefined },
    { text: 'pvc:Name', want: undefined },
    { text: 's3:bucket', want: undefined },
    { text: '/folder', want: undefined },
  ]) {
    it(`${want === undefined ? 'refuses' : 'takes'} ${text}`, () => {
      expect(parseStorage(text)?.mountPath).to.equal(want)
    })
  }
})

describe('parseAddress', () => {
  for (const { text, want } of [
    { text: ':8080', want: { port: 8080 } },
    { text: 'localhost:0', want: { host: 'localhost', port: 0 } },
    { text: '[::1]:80', want: { host: '::1', port: 80 } },
    { text: '8080', want: undefined },
    { text: ':65536', want: undefined },
    { text: '::1:80', want: undefined },
    { text: 'a b:80', want: undefined },
  ]) {
    it(`${want === undefined ? 'refuses' : 'takes'} ${text}`, () =>
      expect(parseAddress(text)).to.deep.equal(want))
  }
})

function problemsOf(parse: () => unknown): ConfigError['problems'] {
  try {
    parse()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  throw new Error('nothing was refused')
}

describe('parseTolerations', () => {
  for (const { text, want } of [
    { text: 'a', want: { key: 'a', operator: 'Exists' } },
    { text: 'a/b:NoExecute', want: { key: 'a/b', operator: 'Exists', effect: 'NoExecute' } },
    { text: 'a=b', want: { key: 'a', operator: 'Equal', value: 'b' } },
    { text: 'a=:NoSchedule', want: { key: 'a', operator: 'Equal', value: '', effect: 'NoSchedule' } },
  ])
    it(`reads ${text}`, () => expect(parseTolerations(text)).to.deep.equal([want]))

  for (const text of ['', 'a b', 'a:Never', '=b', 'a=b=c', 'A.b/c', 'a/b/c'])
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseTolerations(['a', text])).to.equal(undefined))
})
