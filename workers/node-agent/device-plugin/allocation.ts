/**
 * What kubelet is told for a number of units of one GPU. Pure.
 *
 * All units of a GPU are alike, so their number is all that matters: the percentage of its multiprocessors, and, unless the pod's own
 * environment says another limit (kubelet puts it behind the plugin's, and the later wins), device memory in proportion to the units advertised.
 * The daemon of each GPU serves at 100 %, so a client's percentage is what holds.
 */
import { advertisedUnits, type GpuRecord } from '../../../operator/api/gpu-inventory.ts'
import { memoryOfUnits, mpsEnvironment, mpsMounts } from '../../../operator/api/mps-client.ts'
import type { ContainerAllocation, ContainerPreferenceRequest, Device } from './messages.ts'

export type SharedGpu = Pick<GpuRecord, 'index' | 'uuid' | 'memoryMiB' | 'pipeDirectory' | 'shmDirectory'>

/** The GPU's uuid and the unit's number: kubelet's checkpoint must never take one GPU's units for another's. At most 63 characters. */
const unitId = (gpu: SharedGpu, unit: number): string => `${gpu.uuid}-${String(unit).padStart(3, '0')}`

export function devicesOf(gpu: SharedGpu, healthy: boolean): readonly Device[] {
  return Array.from({ length: advertisedUnits }, (_, unit) => ({
    ID: unitId(gpu, unit),
    health: healthy ? 'Healthy' : 'Unhealthy',
  }))
}

/** @throws RangeError naming what is not of this GPU */
export function allocate(gpu: SharedGpu, ids: readonly string[]): ContainerAllocation {
  const own = new Set(devicesOf(gpu, true).map(({ ID }) => ID))
  const strange = ids.filter(id => !own.has(id))
  if (strange.length > 0 || ids.length === 0) {
    throw new RangeError(
      `GPU ${gpu.index}: ${strange.length > 0 ? strange.slice(0, 3).join(', ') : 'no unit'} asked for; accepted: ${unitId(gpu, 0)} to ${unitId(gpu, advertisedUnits - 1)}`,
    )
  }
  const units = new Set(ids).size
  return {
    envs: Object.fromEntries(
      mpsEnvironment(gpu, units, memoryOfUnits(units, gpu)).map(({ name, value }) => [name, value]),
    ),
    mounts: mpsMounts(gpu).map(({ hostPath, mountPath }) => ({
      container_path: mountPath,
      host_path: hostPath,
      read_only: false,
    })),
  }
}

/** Any will do; the lowest numbers make what kubelet's checkpoint says readable. */
export function preferred({
  available_deviceIDs,
  must_include_deviceIDs,
  allocation_size,
}: ContainerPreferenceRequest): readonly string[] {
  const chosen = new Set(must_include_deviceIDs)
  for (const id of [...available_deviceIDs].sort()) {
    if (chosen.size >= allocation_size) break
    chosen.add(id)
  }
  return [...chosen]
}
