/**
 * What a container needs to be a client of one GPU's MPS daemon with a share: written into the pod by the operator, or given by kubelet as
 * the node agent's device plugin says. One function for both, so that a pod gets the same either way.
 */
import { advertisedUnits, type GpuRecord, wholeGpuUnits } from './gpu-inventory.ts'

/** Where the container finds the daemon's pipes. */
export const mpsMountPath = '/run/ekya/mps'

export const mpsVariables = {
  /** The GPU by uuid, which makes it ordinal 0 in the container. An MPS client must not get CUDA_VISIBLE_DEVICES. */
  visibleDevices: 'NVIDIA_VISIBLE_DEVICES',
  pipeDirectory: 'CUDA_MPS_PIPE_DIRECTORY',
  percentage: 'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE',
  memoryLimit: 'CUDA_MPS_PINNED_DEVICE_MEM_LIMIT',
  /** 0 normal, 1 below normal; a hint. The plugin does not know what a pod is for, so this is always the operator's. */
  priority: 'CUDA_MPS_CLIENT_PRIORITY',
} as const

/** Device memory that the MPS server and the driver keep for themselves. */
const reservedMiB = 1024

/** What pods may hold of a GPU's memory together. */
export const shareableMemoryMiB = ({ memoryMiB }: Pick<GpuRecord, 'memoryMiB'>): number =>
  Math.max(0, memoryMiB - reservedMiB)

/**
 * Device memory that goes with so many units where nothing else is asked for: that part of the units advertised and not of a whole GPU,
 * so that the limits of all pods fit, also while shares are being changed.
 */
export function memoryOfUnits(units: number, gpu: Pick<GpuRecord, 'memoryMiB'>): number {
  return Math.floor((shareableMemoryMiB(gpu) * units) / advertisedUnits)
}

/** Multiprocessors that a share may come to. CUDA rounds down to pairs and gives a small share of a large GPU more: 1 to 7 % of 132 are 8. */
export function multiprocessorsOf(
  units: number,
  multiprocessors: number,
): { readonly least: number; readonly most: number } {
  const least = Math.max(2, 2 * Math.floor((multiprocessors * units) / wholeGpuUnits / 2))
  return { least, most: Math.min(Math.max(least, 8), Math.max(least, multiprocessors)) }
}

export interface ClientMount {
  readonly name: string
  /** On the node. */
  readonly hostPath: string
  readonly mountPath: string
}

export function mpsEnvironment(
  gpu: Pick<GpuRecord, 'uuid'>,
  units: number,
  memoryMiB: number,
): readonly { readonly name: string; readonly value: string }[] {
  return [
    { name: mpsVariables.visibleDevices, value: gpu.uuid },
    { name: mpsVariables.pipeDirectory, value: mpsMountPath },
    { name: mpsVariables.percentage, value: String(Math.min(units, wholeGpuUnits)) },
    { name: mpsVariables.memoryLimit, value: memoryLimit(memoryMiB) },
  ]
}

/** In the container the GPU is ordinal 0. */
export const memoryLimit = (memoryMiB: number): string => `0=${memoryMiB}M`

export function mpsMounts(gpu: Pick<GpuRecord, 'pipeDirectory' | 'shmDirectory'>): readonly ClientMount[] {
  return [
    { name: 'mps', hostPath: gpu.pipeDirectory, mountPath: mpsMountPath },
    ...(gpu.shmDirectory === undefined
      ? []
      : [{ name: 'mps-shm', hostPath: gpu.shmDirectory, mountPath: '/dev/shm' }]),
  ]
}
