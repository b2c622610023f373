/** Nodes with NVIDIA GPUs as their agents, plugins and feature discovery describe them, one for each backend. */
import { type GpuInventory, gpuInventoryAnnotation } from '../../api/gpu-inventory.ts'
import { backendLabel, type RawNode } from '../backend.ts'
import type { GpuBackendName } from '../gpu-options.ts'

const uuid = 'GPU-5e2b1c84-1f0d-4b6c-8f7a-0c9d3a4be111'

export function inventory(
  allocation: GpuInventory['allocation'] = 'device-plugin',
  gpu: Partial<GpuInventory['gpus'][number]> = {},
): GpuInventory {
  return {
    version: 1,
    allocation,
    driver: '580.159.04',
    gpus: [
      {
        index: 0,
        uuid,
        model: 'NVIDIA H100 80GB HBM3',
        memoryMiB: 81_559,
        multiprocessors: 132,
        mig: false,
        pipeDirectory: `/run/ekya/mps/${uuid}`,
        shmDirectory: `/run/ekya/mps/${uuid}/shm`,
        state: 'ready',
        ...gpu,
      },
    ],
  }
}

export const mpsNode = (document: unknown = inventory(), units: string | null = '200'): RawNode =>
  node(
    undefined,
    units === null ? {} : { 'ekya.dev/gpu0-share': units },
    {},
    { [gpuInventoryAnnotation]: typeof document === 'string' ? document : JSON.stringify(document) },
  )

export const gkeNode = (units = '48', labels: Readonly<Record<string, string>> = {}): RawNode =>
  node(
    'units',
    { 'nvidia.com/gpu': units },
    {
      'cloud.google.com/gke-gpu-sharing-strategy': 'mps',
      'cloud.google.com/gke-max-shared-clients-per-gpu': '48',
      ...labels,
    },
  )

export const slicesNode = (slices = '4', labels: Readonly<Record<string, string>> = {}): RawNode =>
  node(
    'nvidia-slices',
    { 'nvidia.com/gpu.shared': slices },
    {
      'nvidia.com/gpu.product': 'Tesla-T4-SHARED',
      'nvidia.com/gpu.memory': '15360',
      'nvidia.com/gpu.replicas': '4',
      'nvidia.com/gpu.sharing-strategy': 'mps',
      ...labels,
    },
  )

export const hamiNode = (
  device: Readonly<Record<string, unknown>> = {},
  annotation: unknown = [
    {
      id: uuid,
      index: 0,
      count: 10,
      devmem: 24_576,
      devcore: 200,
      type: 'NVIDIA A10',
      numa: 0,
      mode: 'hami-core',
      health: true,
      devicepairscore: {},
      ...device,
    },
  ],
): RawNode =>
  node(
    'hami',
    { 'nvidia.com/gpu': '10' },
    {},
    {
      'hami.io/node-nvidia-register':
        typeof annotation === 'string' ? annotation : JSON.stringify(annotation),
    },
  )

export const kaiNode = (gpus = '1', labels: Readonly<Record<string, string>> = {}): RawNode =>
  node(
    'kai',
    { 'nvidia.com/gpu': gpus },
    {
      'nvidia.com/gpu.product': 'NVIDIA-L4',
      'nvidia.com/gpu.memory': '23034',
      'nvidia.com/cuda.driver-version.full': '615.20.01',
      ...labels,
    },
  )

function node(
  backend: GpuBackendName | undefined,
  units: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
  annotations: Readonly<Record<string, string>> = {},
): RawNode {
  return {
    metadata: {
      name: 'edge-0',
      labels: { ...(backend === undefined ? {} : { [backendLabel]: backend }), ...labels },
      annotations,
    },
    status: {
      allocatable: { cpu: '8', memory: '32Gi', ...units },
      nodeInfo: { kubeletVersion: 'v1.36.1' },
    },
  }
}
