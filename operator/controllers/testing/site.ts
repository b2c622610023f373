/** Builders of snapshots for tests: a site with one GPU and the streams that a test names. */
import type { CameraStream, RetrainingWindow, RetrainingWindowStatus } from '../../api/generated/types.ts'
import { apiVersion, nodeAnnotation } from '../../api/names.ts'
import type { ProfileResult, TrainingResult, WorkerRole, WorkerStatus } from '../../api/worker.ts'
import type { Pod } from '../../cluster/pod.ts'
import type { PodSnapshot, SiteSnapshot, StreamSnapshot } from '../../cluster/snapshot.ts'
import type { SiteGpu } from '../../sharing/backend.ts'

export const gpu: SiteGpu = { node: 'edge-0', gpu: '0', device: { kind: 'cpu', cores: 1.5 } }
/** Second 0 of all tests. */
export const epoch = Date.parse('2026-01-01T00:00:00.000Z')
export const at = (seconds: number): string => new Date(epoch + seconds * 1000).toISOString()

export function camera(name: string, overrides: Partial<CameraStream['spec']> = {}): CameraStream {
  return {
    apiVersion,
    kind: 'CameraStream',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      generation: 1,
      resourceVersion: '1',
      labels: { site: 'a' },
    },
    spec: {
      source: { scene: { seed: 1, preset: 'street' } },
      frameRate: 10,
      classes: ['car', 'bus'],
      model: { uri: 'models/first.onnx' },
      inference: { configurations: [{ name: 'every-frame', frameInterval: 1, resolutionScale: 1 }] },
      minAccuracy: 0,
      weight: 1,
      learner: 'sgd',
      nodeSelector: {},
      suspended: false,
      ...overrides,
    },
  }
}

export function retrainingWindow(
  status?: RetrainingWindowStatus,
  overrides: Partial<RetrainingWindow['spec']> = {},
): RetrainingWindow {
  return {
    apiVersion,
    kind: 'RetrainingWindow',
    metadata: {
      name: 'site-a',
      namespace: 'default',
      uid: 'uid-site-a',
      generation: 1,
      resourceVersion: '1',
    },
    spec: {
      streamSelector: { matchLabels: { site: 'a' }, matchExpressions: [] },
      duration: '100s',
      repeat: 'Always',
      gpus: { nodeSelector: {} },
      scheduler: { policy: 'thief', step: 0.1, options: {} },
      microProfiler: {
        epochs: 5,
        sampleFraction: 0.1,
        budgetFraction: 0.2,
        estimator: 'ekya',
        replanThreshold: 0.05,
      },
      retraining: {
        configurations: [
          {
            name: 'all-5',
            epochs: 5,
            batchSize: 32,
            learningRate: 0.02,
            trainableLayers: 'all',
            dataFraction: 1,
          },
        ],
        historyWindows: 2,
        historyWeight: 1,
        validationFraction: 0.3,
        minGain: 0.01,
      },
      labeling: { maxSamples: 200, share: 0.3 },
      suspended: false,
      historyLimit: 20,
      ...overrides,
    },
    ...(status === undefined ? {} : { status }),
  }
}

export interface PodOptions {
  readonly index?: number
  readonly ready?: boolean
  readonly result?: ProfileResult | TrainingResult
  readonly failure?: string
  readonly status?: WorkerStatus
  readonly terminating?: boolean
}

export function pod<Status extends WorkerStatus = WorkerStatus>(
  stream: string,
  role: WorkerRole,
  options: PodOptions = {},
): PodSnapshot<Status> {
  const { index, ready = true, result, failure, status, terminating = false } = options
  const name = `${stream}-${role}${index === undefined ? '' : `-${index}`}`
  return {
    pod: {
      metadata: { name, namespace: 'default', uid: `uid-${name}` },
      spec: { nodeName: gpu.node, containers: [] },
    } as Pod,
    name,
    worker: name,
    generation: 1,
    standby: false,
    uid: `uid-${name}`,
    stream,
    role,
    ready,
    terminating,
    finished: result !== undefined || failure !== undefined,
    ...(index === undefined ? {} : { index }),
    ...(result === undefined ? {} : { result }),
    ...(failure === undefined ? {} : { failure }),
    ...(status === undefined ? {} : { status: status as Status }),
  }
}

export function site(
  window: RetrainingWindow,
  streams: readonly (Partial<StreamSnapshot> & { readonly name: string })[],
  seconds = 0,
  gpus: readonly SiteGpu[] = [gpu],
): SiteSnapshot {
  const members = streams.map((s): StreamSnapshot => ({ stream: camera(s.name), ...s }))
  return {
    window,
    gpus,
    training: { resizeSeconds: 0 },
    streams: members,
    pods: members.flatMap(s => [s.inference, s.profile, s.training].filter(p => p !== undefined)),
    now: epoch + seconds * 1000,
  }
}

/** One stream, on a node whose clock is off. */
export function skewedSite(window: RetrainingWindow, clockAheadMs: number): SiteSnapshot {
  const inference = pod<never>('cam-0', 'inference')
  const metadata = { ...inference.pod.metadata, annotations: { [nodeAnnotation]: gpu.node } }
  return site(window, [
    { name: 'cam-0', inference: { ...inference, clockAheadMs, pod: { ...inference.pod, metadata } } },
  ])
}

export function profiled(index: number, overrides: Partial<ProfileResult> = {}): ProfileResult {
  return {
    kind: 'profile',
    window: index,
    samplesWindow: index - 1,
    labelled: 200,
    refused: 0,
    accuracy: { measured: 0.5, current: 0.55, initial: 0.45, validation: 0.55 },
    coherence: [1, 0.95, 0.9, 0.86],
    frames: { offered: 1000, analysed: 900, skipped: 0, dropped: 100 },
    gpuSecondsPerFrame: 0.005,
    gpuSeconds: 2,
    profiles: [
      {
        configuration: 'all-5',
        points: [
          [0.1, 0.6],
          [0.2, 0.68],
          [0.3, 0.72],
          [0.4, 0.75],
          [0.5, 0.77],
        ],
        gpuSecondsPerEpoch: 0.8,
        setupGpuSeconds: 0.5,
      },
    ],
    ...overrides,
  }
}

export function trained(index: number, overrides: Partial<TrainingResult> = {}): TrainingResult {
  return {
    kind: 'training',
    window: index,
    configuration: 'all-5',
    model: { uri: 'models/default/cam-0/abc.onnx', digest: 'abc' },
    validationAccuracy: 0.85,
    baselineAccuracy: 0.55,
    bestEpoch: 4,
    epochs: 5,
    samples: 200,
    refused: 0,
    gpuSeconds: 4.2,
    seconds: 12,
    peakMemoryBytes: 1e8,
    ...overrides,
  }
}
