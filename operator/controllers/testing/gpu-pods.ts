/** A pod of each kind on a node of each backend, with 30 % of its GPU where that can be. */
import { templateAnnotation } from '../../api/names.ts'
import { configVariable } from '../../api/worker.ts'
import type { RawNode, SiteGpu } from '../../sharing/backend.ts'
import { backendSet, createBackends } from '../../sharing/backends/registry.ts'
import { defaultGpuOptions } from '../../sharing/gpu-options.ts'
import {
  gkeNode,
  hamiNode,
  inventory,
  kaiNode,
  mpsNode,
  slicesNode,
} from '../../sharing/testing/gpu-nodes.ts'
import { podManifest } from '../pod-manifest.ts'
import { inferenceConfig, trainingConfig } from '../worker-config.ts'
import { camera, retrainingWindow } from './site.ts'

export const backends = backendSet(createBackends({ ...defaultGpuOptions, kaiQueue: 'cameras' }))

export const nodes: Readonly<Record<string, RawNode>> = {
  'mps-device-plugin': mpsNode(inventory('device-plugin')),
  'mps-node-status': mpsNode(inventory('node-status')),
  units: gkeNode(),
  'nvidia-slices': slicesNode(),
  hami: hamiNode(),
  kai: kaiNode(),
}

export const roles = ['inference', 'training'] as const
export const shares: Readonly<Record<(typeof roles)[number], number>> = { inference: 0.3, training: 0.45 }

const window = retrainingWindow({
  current: {
    index: 2,
    phase: 'Retraining',
    startedAt: '2026-01-01T00:00:00Z',
    endsAt: '2026-01-01T00:01:40Z',
  },
})
const options = {
  image: 'ekya-operator:0.1.0-cuda',
  storage: { source: { persistentVolumeClaim: { claimName: 'ekya' } }, mountPath: '/var/lib/ekya' },
}

export function gpuOf(node: RawNode): SiteGpu {
  const [gpu] = backends.discover(node)
  if (gpu === undefined) throw new Error(`no GPU: ${backends.refusals(node).join('; ')}`)
  return gpu
}

/** @param memory device memory that the stream asks for. */
export function gpuPod(
  node: RawNode,
  role: (typeof roles)[number],
  memory?: string,
): Record<string, unknown> {
  const gpu = gpuOf(node)
  const stream = camera('cam-0', memory === undefined ? {} : { memory })
  const input = {
    stream,
    window,
    item: {
      stream: 'cam-0',
      node: gpu.node,
      gpu: gpu.gpu,
      inferenceShare: shares.inference,
      trainingShare: shares.training,
      inferenceConfiguration: 'every-frame',
      retrainingConfiguration: 'all-5',
      state: 'Training' as const,
    },
    device: gpu.device,
    storage: options.storage.mountPath,
    seed: 1,
  }
  const config = role === 'inference' ? inferenceConfig(input) : trainingConfig(input)
  const share = Math.min(shares[role], gpu.largestShare ?? 1)
  return podManifest({ config, stream, window, share, gpu }, backends.of(gpu), options)
}

/** Without what has nothing to do with the share and its own tests: the worker's configuration and the hash of it. */
export function shapeOf(pod: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(pod), (key, value) => {
    if (key === templateAnnotation) return 'hash'
    return value?.name === configVariable ? { ...value, value: 'configuration' } : value
  })
}
