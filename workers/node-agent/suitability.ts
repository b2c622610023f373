/**
 * Why a GPU cannot be shared through MPS, in the order in which a person would ask; the first reason is told. Pure.
 */
import type { FoundGpu } from './nvidia-smi.ts'

export interface Surroundings {
  /** `status.allocatable` of the Node. */
  readonly allocatable: Readonly<Record<string, string>>
  /** Share GPUs that another device plugin hands out as well. */
  readonly besideOtherPlugins: boolean
  /** Oldest major version of the driver that is taken. */
  readonly oldestDriver: number
}

type Reason = (gpu: FoundGpu, surroundings: Surroundings) => string | undefined

const reasons: readonly Reason[] = [
  function driverTooOld({ driver }, { oldestDriver }) {
    return Number.parseInt(driver, 10) < oldestDriver
      ? `the NVIDIA driver ${driver} is too old; accepted: ${oldestDriver} and newer`
      : undefined
  },
  function tooOldForShares({ model, computeCapability }) {
    return computeCapability !== undefined && computeCapability < 7
      ? `${model} has compute capability ${computeCapability.toFixed(1)}, whose MPS knows no shares; accepted: 7.0 (Volta) and newer`
      : undefined
  },
  function inMigMode({ uuid, mig }) {
    return mig ? `MIG mode is on; accepted: off (nvidia-smi -i ${uuid} -mig 0)` : undefined
  },
  function prohibited({ uuid, computeMode }) {
    return computeMode === 'Prohibited'
      ? `its compute mode is Prohibited; accepted: any other (nvidia-smi -i ${uuid} -c DEFAULT)`
      : undefined
  },
  function handedOutByAnother(_gpu, { allocatable, besideOtherPlugins }) {
    if (besideOtherPlugins) return undefined
    const others = otherGpuResources(allocatable)
    return others.length > 0
      ? `another device plugin hands out this node's GPUs (${others.join(', ')}), so that a pod could hold one whole beside shares of it; accepted: no such plugin on this node, or --beside-other-plugins`
      : undefined
  },
]

/** undefined: it can be shared. */
export function whyUnsuitable(gpu: FoundGpu, surroundings: Surroundings): string | undefined {
  for (const reason of reasons) {
    const found = reason(gpu, surroundings)
    if (found !== undefined) return found
  }
  return undefined
}

/** `nvidia.com/gpu: 2` and the like. kubelet keeps a resource at 0 once its plugin has gone, and that is none. */
function otherGpuResources(allocatable: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(allocatable)
    .filter(([name, quantity]) => /^nvidia\.com\/(gpu|mig-)/.test(name) && quantity !== '0')
    .map(([name, quantity]) => `${name}: ${quantity}`)
}
