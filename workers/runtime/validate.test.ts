import { expect } from 'chai'
import type {
  InferenceWorkerConfig,
  ProfileWorkerConfig,
  TrainingWorkerConfig,
} from '../../operator/api/worker.ts'
import { WorkerFailure } from './failure.ts'
import { parseConfig } from './validate.ts'

const common = {
  namespace: 'default',
  stream: 'cam-0',
  classes: ['car', 'truck'],
  storage: '/data',
  device: { kind: 'cpu', cores: 1.5 },
  seed: 1,
} as const
const inference: InferenceWorkerConfig = {
  role: 'inference',
  ...common,
  source: { scene: { seed: 3 } },
  frameRate: 30,
  model: { uri: 'models/a.onnx' },
  configuration: { name: 'full', frameInterval: 1, resolutionScale: 1 },
  window: { index: 0, startsAt: '2030-01-01T00:00:00Z', durationSeconds: 60, maxSamples: 200 },
}
const retraining = {
  name: 'all',
  epochs: 15,
  batchSize: 32,
  learningRate: 0.01,
  trainableLayers: 'all',
  dataFraction: 1,
} as const
const profile: ProfileWorkerConfig = {
  role: 'profile',
  ...common,
  window: 3,
  samplesWindow: 2,
  model: { uri: 'models/a.onnx', digest: 'a'.repeat(64) },
  initialModel: { uri: 'models/a.onnx' },
  maxSamples: 200,
  microProfiler: { epochs: 5, sampleFraction: 0.1, budgetGpuSeconds: 3 },
  configurations: [retraining, { ...retraining, name: 'last', trainableLayers: 2, hiddenUnits: 64 }],
  historyWindows: 2,
  historyWeight: 0.5,
  validationFraction: 0.3,
  endsBy: '2030-01-01T00:00:27Z',
}
const training: TrainingWorkerConfig = {
  role: 'training',
  ...common,
  window: 3,
  model: { uri: 'models/a.onnx' },
  configuration: retraining,
  samplesWindows: [2, 1],
  historyWeight: 0.5,
  validationFraction: 0.3,
  checkpointEverySeconds: 10,
}

describe('parseConfig', () => {
  for (const config of [inference, profile, training]) {
    it(`takes what the operator gives a ${config.role} worker`, () => {
      expect(parseConfig(config.role, JSON.stringify(config))).to.deep.equal(config)
    })
  }

  for (const { name, change, want } of [
    {
      name: 'no class names',
      change: { classes: [] },
      want: 'classes must NOT have fewer than 2 items, found []',
    },
    {
      name: 'two sources',
      change: { source: { scene: { seed: 1 }, samples: { uri: 'a' } } },
      want: 'source must have exactly one of samples, scene',
    },
    {
      name: 'no source',
      change: { source: {} },
      want: 'source must have exactly one of samples, scene',
    },
    { name: 'a stream that leads elsewhere', change: { stream: '../x' }, want: 'stream must match pattern' },
    { name: 'a relative storage root', change: { storage: 'data' }, want: 'storage must match pattern "^/"' },
    { name: 'a frame rate of zero', change: { frameRate: 0 }, want: 'frameRate must be > 0, found 0' },
    {
      name: 'an unknown device',
      change: { device: { kind: 'tpu' } },
      want: 'device.kind must be one of cpu, cuda, found "tpu"',
    },
    {
      name: 'an unknown field',
      change: { framerate: 5 },
      want: 'unknown field framerate; accepted: role, namespace',
    },
    {
      name: 'a window without a zone',
      change: { window: { ...inference.window, startsAt: '2030-01-01T00:00:00' } },
      want: 'window.startsAt must match format "date-time"',
    },
    { name: 'another role', change: { role: 'training' }, want: 'role must be inference, found "training"' },
  ]) {
    it(`refuses ${name} and says what is accepted`, () => {
      const parse = () => parseConfig('inference', JSON.stringify({ ...inference, ...change }))
      expect(parse).to.throw(WorkerFailure, want).with.property('code', 'ConfigInvalid')
    })
  }

  it('tells all problems at once', () => {
    const text = JSON.stringify({ ...training, classes: ['one'], samplesWindows: [], validationFraction: 1 })
    expect(() => parseConfig('training', text)).to.throw(/classes .*samplesWindows .*validationFraction /)
  })

  for (const text of [undefined, '', '{', '[]', 'null']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseConfig('inference', text)).to.throw(WorkerFailure, 'EKYA_CONFIG')
    })
  }
})
