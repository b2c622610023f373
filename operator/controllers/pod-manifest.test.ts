import { expect } from 'chai'
import { type Pod, podSnapshot } from '../cluster/pod.ts'
import { cpuBackend } from '../sharing/backends/cpu.ts'
import { cpuReplaceBackend } from '../sharing/backends/cpu-replace.ts'
import { podManifest, templateHash } from './pod-manifest.ts'
import { camera, gpu, retrainingWindow } from './testing/site.ts'
import { inferenceConfig, profileConfig } from './worker-config.ts'

const options = {
  image: 'ekya',
  storage: { source: { hostPath: { path: '/data' } }, mountPath: '/storage' },
}
const window = retrainingWindow({
  current: { index: 2, phase: 'Labeling', startedAt: '2026-01-01T00:00:00Z', endsAt: '2026-01-01T00:01:40Z' },
})
const stream = camera('cam-0', { memory: '500Mi' })
const input = {
  stream,
  window,
  item: {
    stream: 'cam-0',
    node: gpu.node,
    gpu: gpu.gpu,
    inferenceShare: 0.2,
    trainingShare: 0,
    inferenceConfiguration: 'every-frame',
    state: 'None' as const,
  },
  device: gpu.device,
  storage: '/storage',
  seed: 1,
}
const manifest = (config: Parameters<typeof podManifest>[0]['config']) =>
  podManifest({ config, stream, window, share: 0.2, gpu }, cpuBackend, options) as {
    metadata: { name: string; ownerReferences: { kind: string }[] }
    spec: { restartPolicy: string; containers: { resources: object; readinessProbe?: object }[] }
  }

describe('podManifest', () => {
  it('makes an inference pod that lives on with its stream and holds its device memory', () => {
    const { metadata, spec } = manifest(inferenceConfig(input))
    expect(metadata.name).to.equal('cam-0-inference')
    expect(metadata.ownerReferences[0]!.kind).to.equal('CameraStream')
    expect(spec.restartPolicy).to.equal('Always')
    const amounts = { cpu: '300m', memory: '500Mi' }
    expect(spec.containers[0]!.resources).to.deep.equal({ requests: amounts, limits: amounts })
    expect(spec.containers[0]!.readinessProbe).to.be.an('object')
  })

  it('makes a profile pod of its window that runs once', () => {
    const { metadata, spec } = manifest(profileConfig(input))
    expect(metadata.name).to.equal('cam-0-profile-2')
    expect(metadata.ownerReferences[0]!.kind).to.equal('RetrainingWindow')
    expect(spec.restartPolicy).to.equal('Never')
    expect(spec.containers[0]!.resources).to.deep.equal({
      requests: { cpu: '300m' },
      limits: { cpu: '300m' },
    })
  })
})

describe('taints that worker pods tolerate', () => {
  const tolerations = (given: object) => {
    const request = { config: inferenceConfig(input), stream, window, share: 0.2, gpu }
    const { spec } = podManifest(request, cpuBackend, { ...options, ...given }) as {
      spec: { tolerations: readonly { key: string }[] }
    }
    return spec.tolerations.filter(({ key }) => !key.startsWith('node.kubernetes.io/'))
  }
  const own = { key: 'dedicated', operator: 'Equal', value: 'cameras' }

  it('are those that are named', () => {
    expect(tolerations({})).to.deep.equal([])
    expect(tolerations({ tolerations: [own] })).to.deep.equal([own])
  })

  it('make another template, but none where none is named', () => {
    const hash = (given: object) => templateHash(inferenceConfig(input), stream, { ...options, ...given })
    expect(hash({ tolerations: [own] })).not.to.equal(hash({}))
  })
})

describe('the manifest of a pod that is to take over', () => {
  const config = inferenceConfig(input, { generation: 3, standby: true })
  const later = podManifest(
    { config, stream, window, share: 0.2, gpu, generation: 3 },
    cpuReplaceBackend,
    options,
  ) as unknown as Pod & { spec: { restartPolicy: string } }

  it('tells the worker and everybody else what it is', () => {
    const { worker, generation, standby, role } = podSnapshot(later)!
    expect({ worker, generation, standby, role }).to.deep.equal({
      worker: 'cam-0-inference',
      generation: 3,
      standby: true,
      role: 'inference',
    })
    expect(later.metadata.name).to.equal('cam-0-inference-g3')
    expect(config).to.include({ generation: 3, standby: true })
  })

  it('does not let it come back once it has ended by itself', () =>
    expect(later.spec.restartPolicy).to.equal('OnFailure'))

  it('is no other template', () =>
    expect(templateHash(config, stream, options)).to.equal(
      templateHash(inferenceConfig(input), stream, options),
    ))

  it('says no more that it stands by once it was told where to take over', () => {
    const { metadata } = later
    const annotations = { ...metadata.annotations, 'ekya.dev/takes-over-at': '{}' }
    expect(podSnapshot({ ...later, metadata: { ...metadata, annotations } })?.standby).to.equal(false)
  })
})

describe('templateHash', () => {
  const hash = (changes: Parameters<typeof camera>[1], served = 'models/first.onnx') => {
    const changed = camera('cam-0', { memory: '500Mi', ...changes })
    const config = inferenceConfig({ ...input, stream: changed })
    return templateHash({ ...config, model: { uri: served } }, changed, options)
  }
  it('stays where a running pod can follow', () => expect(hash({}, 'models/other.onnx')).to.equal(hash({})))
  for (const [name, changes] of Object.entries({
    'the frame rate': { frameRate: 20 },
    'the memory': { memory: '1Gi' },
    'the source': { source: { scene: { seed: 2, preset: 'street' as const } } },
  }))
    it(`changes with ${name}`, () => expect(hash(changes)).to.not.equal(hash({})))
})
