/** What a person can set of the backends for real GPUs; parsed and checked where the process starts. */

/** Backends that share real GPUs. */
export const gpuBackendNames = ['mps', 'units', 'nvidia-slices', 'hami', 'kai'] as const
export type GpuBackendName = (typeof gpuBackendNames)[number]

export interface GpuOptions {
  /** Shares GPU nodes without the label `ekya.dev/sharing-backend`. */
  readonly defaultBackend: GpuBackendName
  /** RuntimeClass of pods on GPUs, for `mps` and `kai`; absent: the node's own runtime knows GPUs. */
  readonly runtimeClass?: string
  /** Request and limit of each worker pod beside its GPU share, as quantities. */
  readonly podResources: { readonly cpu: string; readonly memory: string }
  readonly units: {
    /** Extended resource of which one unit is an equal part of a GPU. */
    readonly resource: string
    /** Absent: the node must say it, by label. */
    readonly perGpu?: number
  }
  readonly slices: {
    readonly resource: string
    /** Absent: the node must say it, by label. */
    readonly perGpu?: number
  }
  /** Queue that KAI's scheduler charges; absent: nodes for `kai` are left out. */
  readonly kaiQueue?: string
}

export const defaultGpuOptions: GpuOptions = {
  defaultBackend: 'mps',
  runtimeClass: 'nvidia',
  podResources: { cpu: '1', memory: '2Gi' },
  units: { resource: 'nvidia.com/gpu' },
  slices: { resource: 'nvidia.com/gpu.shared' },
}
