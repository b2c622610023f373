/**
 * Manifests that are to be taken and manifests that are to be refused, by the offline validator and by the API server alike.
 *
 * `field` is the end of the path of the fault and `accepted` what the message must tell about it. `path` is the whole path where
 * the offline validator is more exact than the API server. `acceptedOffline` marks faults for which the API server says no more
 * than the field's name.
 */
export interface GoodManifest {
  readonly name: string
  readonly manifest: Manifest
}

export interface BadManifest extends GoodManifest {
  readonly path: string
  readonly accepted: RegExp
  readonly acceptedOffline?: boolean
}

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly spec?: unknown
}

type Fields = Readonly<Record<string, unknown>>

const stream = (changes: Fields = {}, name = 'cam-1'): Manifest => ({
  apiVersion: 'ekya.dev/v1alpha1',
  kind: 'CameraStream',
  metadata: { name },
  spec: {
    source: { scene: { seed: 1 } },
    classes: ['car', 'truck', 'person'],
    model: { uri: 'models/student.onnx' },
    ...changes,
  },
})

const site = (spec: Fields = {}, name = 'site'): Manifest => ({
  apiVersion: 'ekya.dev/v1alpha1',
  kind: 'RetrainingWindow',
  metadata: { name },
  spec,
})

const withoutField = (manifest: Manifest, field: string): Manifest => {
  const { [field]: _left, ...spec } = manifest.spec as Fields
  return { ...manifest, spec }
}

const retraining = (...configurations: Fields[]): Fields => ({ retraining: { configurations } })
const all10 = { name: 'all-10', epochs: 10 }
const golden = { goldenModel: { uri: 'models/golden.onnx' } }

export const goodManifests: readonly GoodManifest[] = [
  { name: 'the shortest stream', manifest: stream() },
  { name: 'the shortest window', manifest: site() },
  { name: 'a name of 40 characters', manifest: stream({}, 'a'.repeat(40)) },
  { name: 'a samples folder', manifest: stream({ source: { samples: { uri: 'drift-cameras/cam-0' } } }) },
  {
    name: 'an absolute samples folder',
    manifest: stream({ source: { samples: { uri: 'file:///data/cam-0' } } }),
  },
  {
    name: 'a video with a golden model',
    manifest: stream({ source: { video: { uri: 'a.mp4' } }, ...golden }),
  },
  {
    name: 'a camera with credentials',
    manifest: stream({
      source: { rtsp: { url: 'rtsp://10.0.3.7:554/main', credentialsSecret: 'cam-1', transport: 'udp' } },
      ...golden,
    }),
  },
  {
    name: 'every field of a stream',
    manifest: stream({
      ...golden,
      frameRate: 12.5,
      inference: {
        configurations: [{ name: 'every-frame' }, { name: 'half', frameInterval: 2, resolutionScale: 0.5 }],
      },
      minAccuracy: 0.4,
      weight: 2.5,
      memory: '1.5Gi',
      learner: 'sgd',
      nodeSelector: { 'topology.kubernetes.io/zone': 'a', tier: '' },
      suspended: true,
    }),
  },
  { name: 'memory in plain bytes', manifest: stream({ memory: 500_000_000 }) },
  { name: 'the highest frame rate', manifest: stream({ frameRate: 60 }) },
  {
    name: 'every field of a window',
    manifest: site({
      streamSelector: {
        matchLabels: { site: 'north' },
        matchExpressions: [
          { key: 'ekya.dev/tier', operator: 'In', values: ['a', 'b'] },
          { key: 'old', operator: 'DoesNotExist' },
        ],
      },
      duration: '3m20s',
      repeat: 'Once',
      gpus: { nodeSelector: { gpu: 'true' }, maximum: 2 },
      scheduler: { policy: 'fair', step: 0.05, options: { inferenceWeight: 0.7, nested: { any: [1] } } },
      microProfiler: { epochs: 3, sampleFraction: 0.2, budgetFraction: 0.1, estimator: 'ekya' },
      retraining: {
        configurations: [
          { ...all10, batchSize: 64, learningRate: 0.05, trainableLayers: 'all', dataFraction: 0.5 },
          { name: 'last-2', epochs: 5, trainableLayers: 2, hiddenUnits: 128 },
          { name: 'head-5', epochs: 5, trainableLayers: 'head' },
        ],
        historyWindows: 0,
        historyWeight: 0.25,
        validationFraction: 0.2,
        minGain: 0,
      },
      labeling: { maxSamples: 20, share: 0.1 },
      suspended: true,
      historyLimit: 100,
    }),
  },
  { name: 'the shortest window in time', manifest: site({ duration: '10s' }) },
  { name: 'the longest window in time', manifest: site({ duration: '24h' }) },
]

export const badManifests: readonly BadManifest[] = [
  // Sources.
  {
    name: 'no source',
    manifest: withoutField(stream(), 'source'),
    path: 'spec.source',
    accepted: /missing|[Rr]equired/,
  },
  {
    name: 'an empty source',
    manifest: stream({ source: {} }),
    path: 'spec.source',
    accepted: /exactly one of rtsp, video, samples and scene/,
  },
  {
    name: 'two sources',
    manifest: stream({ source: { scene: { seed: 1 }, samples: { uri: 'a' } } }),
    path: 'spec.source',
    accepted: /exactly one of rtsp, video, samples and scene/,
  },
  {
    name: 'a word for a source',
    manifest: stream({ source: 'scene' }),
    path: 'spec.source',
    accepted: /object/,
  },
  {
    name: 'a video without a golden model',
    manifest: stream({ source: { video: { uri: 'a.mp4' } } }),
    path: 'spec.goldenModel',
    accepted: /set goldenModel\.uri/,
  },
  {
    name: 'an rtsp address of another kind',
    manifest: stream({ source: { rtsp: { url: 'http://10.0.3.7/' } }, ...golden }),
    path: 'spec.source.rtsp.url',
    accepted: /rtsp:\/\/host/,
  },
  {
    name: 'a password in an rtsp address',
    manifest: stream({ source: { rtsp: { url: 'rtsp://me:secret@10.0.3.7/' } }, ...golden }),
    path: 'spec.source.rtsp.url',
    accepted: /credentialsSecret/,
  },
  {
    name: 'an unknown transport',
    manifest: stream({ source: { rtsp: { url: 'rtsp://10.0.3.7/', transport: 'quic' } }, ...golden }),
    path: 'spec.source.rtsp.transport',
    accepted: /tcp.*udp/,
  },
  {
    name: 'an empty samples folder',
    manifest: stream({ source: { samples: { uri: '' } } }),
    path: 'spec.source.samples.uri',
    accepted: /a path relative|at least 1 char/,
  },
  {
    name: 'a negative scene seed',
    manifest: stream({ source: { scene: { seed: -1 } } }),
    path: 'spec.source.scene.seed',
    accepted: /0/,
  },
  {
    name: 'an unknown scene preset',
    manifest: stream({ source: { scene: { seed: 1, preset: 'moon' } } }),
    path: 'spec.source.scene.preset',
    accepted: /street.*plain/,
  },
  // Streams.
  {
    name: 'no model',
    manifest: withoutField(stream(), 'model'),
    path: 'spec.model',
    accepted: /missing|[Rr]equired/,
  },
  {
    name: 'an empty model URI',
    manifest: stream({ model: { uri: '' } }),
    path: 'spec.model.uri',
    accepted: /a path relative|at least 1 char/,
  },
  {
    name: 'a model URI that leaves the storage',
    manifest: stream({ model: { uri: '../../etc/passwd' } }),
    path: 'spec.model.uri',
    accepted: /relative to the storage root/,
  },
  {
    name: 'a model URI of a scheme that is not known',
    manifest: stream({ model: { uri: 'https://example.org/a.onnx' } }),
    path: 'spec.model.uri',
    accepted: /relative to the storage root/,
  },
  {
    name: 'a golden model without a URI',
    manifest: stream({ goldenModel: {} }),
    path: 'spec.goldenModel.uri',
    accepted: /missing|[Rr]equired/,
  },
  {
    name: 'a frame rate of 0',
    manifest: stream({ frameRate: 0 }),
    path: 'spec.frameRate',
    accepted: /(above|greater than) 0/,
  },
  { name: 'a frame rate of 61', manifest: stream({ frameRate: 61 }), path: 'spec.frameRate', accepted: /60/ },
  {
    name: 'a frame rate in words',
    manifest: stream({ frameRate: 'fast' }),
    path: 'spec.frameRate',
    accepted: /number/,
  },
  {
    name: 'one class',
    manifest: stream({ classes: ['car'] }),
    path: 'spec.classes',
    accepted: /at least 2|2 to 256/,
  },
  {
    name: 'too many classes',
    manifest: stream({ classes: Array.from({ length: 257 }, (_, i) => `class-${i}`) }),
    path: 'spec.classes',
    accepted: /256/,
  },
  {
    name: 'a class twice',
    manifest: stream({ classes: ['car', 'person', 'car'] }),
    path: 'spec.classes[2]',
    accepted: /each value once|Duplicate value/,
  },
  {
    name: 'a class that is a number',
    manifest: stream({ classes: ['car', 7] }),
    path: 'spec.classes[1]',
    accepted: /string/,
  },
  {
    name: 'no inference configuration',
    manifest: stream({ inference: { configurations: [] } }),
    path: 'spec.inference.configurations',
    accepted: /at least 1|1 to 16/,
  },
  {
    name: 'two inference configurations of one name',
    manifest: stream({ inference: { configurations: [{ name: 'a' }, { name: 'a', frameInterval: 2 }] } }),
    path: 'spec.inference.configurations[1]',
    accepted: /each name once|Duplicate value/,
  },
  {
    name: 'a frame interval of 0',
    manifest: stream({ inference: { configurations: [{ name: 'a', frameInterval: 0 }] } }),
    path: 'spec.inference.configurations[0].frameInterval',
    accepted: /1/,
  },
  {
    name: 'a frame interval with a fraction',
    manifest: stream({ inference: { configurations: [{ name: 'a', frameInterval: 1.5 }] } }),
    path: 'spec.inference.configurations[0].frameInterval',
    accepted: /integer/,
  },
  {
    name: 'a resolution scale above 1',
    manifest: stream({ inference: { configurations: [{ name: 'a', resolutionScale: 2 }] } }),
    path: 'spec.inference.configurations[0].resolutionScale',
    accepted: /1/,
  },
  {
    name: 'a configuration name with a space',
    manifest: stream({ inference: { configurations: [{ name: 'every frame' }] } }),
    path: 'spec.inference.configurations[0].name',
    accepted: /lower-case|a-z0-9/,
  },
  {
    name: 'an accuracy floor in per cent',
    manifest: stream({ minAccuracy: 80 }),
    path: 'spec.minAccuracy',
    accepted: /1/,
  },
  {
    name: 'a negative weight',
    manifest: stream({ weight: -1 }),
    path: 'spec.weight',
    accepted: /(above|greater than) 0/,
  },
  {
    name: 'memory of an unknown unit',
    manifest: stream({ memory: '3Q' }),
    path: 'spec.memory',
    accepted: /500Mi/,
  },
  { name: 'no memory', manifest: stream({ memory: '0Mi' }), path: 'spec.memory', accepted: /above 0/ },
  {
    name: 'an unknown learner',
    manifest: stream({ learner: 'adam' }),
    path: 'spec.learner',
    accepted: /sgd/,
  },
  {
    name: 'a node selector whose key is no label key',
    manifest: stream({ nodeSelector: { 'a b': 'c' } }),
    path: 'spec.nodeSelector',
    accepted: /label keys/,
  },
  {
    name: 'suspended in words',
    manifest: stream({ suspended: 'later' }),
    path: 'spec.suspended',
    accepted: /boolean|true or false/,
  },
  {
    name: 'an unknown field',
    manifest: stream({ framerate: 5 }),
    path: 'spec.framerate',
    accepted: /frameRate/,
    acceptedOffline: true,
  },
  {
    name: 'a name of 41 characters',
    manifest: stream({}, 'a'.repeat(41)),
    path: 'metadata.name',
    accepted: /40 characters/,
  },
  { name: 'a name with a dot', manifest: stream({}, 'cam.1'), path: 'metadata.name', accepted: /no dots/ },
  {
    name: 'a name with capitals',
    manifest: stream({}, 'Cam-1'),
    path: 'metadata.name',
    accepted: /lower.?case/,
  },
  {
    name: 'no spec',
    manifest: { ...stream(), spec: undefined },
    path: 'spec',
    accepted: /missing|[Rr]equired/,
  },
  // Windows.
  {
    name: 'a window of 0 s',
    manifest: site({ duration: '0s' }),
    path: 'spec.duration',
    accepted: /from 10s to 24h/,
  },
  {
    name: 'a window of a week',
    manifest: site({ duration: '168h' }),
    path: 'spec.duration',
    accepted: /from 10s to 24h/,
  },
  {
    name: 'a window without a unit',
    manifest: site({ duration: '200' }),
    path: 'spec.duration',
    accepted: /such as 90s/,
  },
  {
    name: 'a window as a number',
    manifest: site({ duration: 200 }),
    path: 'spec.duration',
    accepted: /string|from 10s/,
  },
  {
    name: 'repeat often',
    manifest: site({ repeat: 'Often' }),
    path: 'spec.repeat',
    accepted: /Always.*Once/,
  },
  {
    name: 'a selector that needs values',
    manifest: site({ streamSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
    path: 'spec.streamSelector.matchExpressions[0]',
    accepted: /at least one value/,
  },
  {
    name: 'a selector with an unknown operator',
    manifest: site({ streamSelector: { matchExpressions: [{ key: 'a', operator: 'Like', values: ['b'] }] } }),
    path: 'spec.streamSelector.matchExpressions[0].operator',
    accepted: /In.*NotIn/,
  },
  { name: 'no GPU', manifest: site({ gpus: { maximum: 0 } }), path: 'spec.gpus.maximum', accepted: /1/ },
  {
    name: 'an unknown policy',
    manifest: site({ scheduler: { policy: 'magic' } }),
    path: 'spec.scheduler.policy',
    accepted: /thief.*fair.*none/,
  },
  {
    name: 'a step of 0',
    manifest: site({ scheduler: { step: 0 } }),
    path: 'spec.scheduler.step',
    accepted: /0\.01/,
  },
  {
    name: 'a step above one half',
    manifest: site({ scheduler: { step: 0.6 } }),
    path: 'spec.scheduler.step',
    accepted: /0\.5/,
  },
  {
    name: 'options that are a list',
    manifest: site({ scheduler: { options: ['a'] } }),
    path: 'spec.scheduler.options',
    accepted: /object/,
  },
  {
    name: 'one micro-profiling epoch',
    manifest: site({ microProfiler: { epochs: 1 } }),
    path: 'spec.microProfiler.epochs',
    accepted: /2/,
  },
  {
    name: 'an unknown estimator',
    manifest: site({ microProfiler: { estimator: 'guess' } }),
    path: 'spec.microProfiler.estimator',
    accepted: /ekya/,
  },
  {
    name: 'no retraining configuration',
    manifest: site(retraining()),
    path: 'spec.retraining.configurations',
    accepted: /at least 1|1 to 32/,
  },
  {
    name: 'two retraining configurations of one name',
    manifest: site(retraining(all10, { ...all10, epochs: 20 })),
    path: 'spec.retraining.configurations[1]',
    accepted: /each name once|Duplicate value/,
  },
  {
    name: 'a retraining of 0 epochs',
    manifest: site(retraining({ ...all10, epochs: 0 })),
    path: 'spec.retraining.configurations[0].epochs',
    accepted: /1/,
  },
  {
    name: 'a batch of 2048',
    manifest: site(retraining({ ...all10, batchSize: 2048 })),
    path: 'spec.retraining.configurations[0].batchSize',
    accepted: /1024/,
  },
  {
    name: 'a learning rate of 0',
    manifest: site(retraining({ ...all10, learningRate: 0 })),
    path: 'spec.retraining.configurations[0].learningRate',
    accepted: /(above|greater than) 0/,
  },
  {
    name: 'trainable layers in other words',
    manifest: site(retraining({ ...all10, trainableLayers: 'most' })),
    path: 'spec.retraining.configurations[0].trainableLayers',
    accepted: /all, head, or a number/,
  },
  {
    name: 'no trainable layers',
    manifest: site(retraining({ ...all10, trainableLayers: 0 })),
    path: 'spec.retraining.configurations[0].trainableLayers',
    accepted: /all, head, or a number/,
  },
  {
    name: 'a data fraction above 1',
    manifest: site(retraining({ ...all10, dataFraction: 1.1 })),
    path: 'spec.retraining.configurations[0].dataFraction',
    accepted: /1/,
  },
  {
    name: 'all frames kept for validation',
    manifest: site({ retraining: { validationFraction: 1 } }),
    path: 'spec.retraining.validationFraction',
    accepted: /0\.9/,
  },
  {
    name: 'a share above 1',
    manifest: site({ labeling: { share: 1.5 } }),
    path: 'spec.labeling.share',
    accepted: /0\.9/,
  },
  {
    name: 'too few samples',
    manifest: site({ labeling: { maxSamples: 5 } }),
    path: 'spec.labeling.maxSamples',
    accepted: /20/,
  },
  {
    name: 'a history without end',
    manifest: site({ historyLimit: 1000 }),
    path: 'spec.historyLimit',
    accepted: /100/,
  },
  {
    name: 'a name of a window with 64 characters',
    manifest: site({}, 'a'.repeat(64)),
    path: 'metadata.name',
    accepted: /63 characters/,
  },
]
