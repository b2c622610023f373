/** What this node says of its GPUs, from what is known of each. Pure. */
import { type GpuInventory, type GpuRecord, gpuShareResource } from '../../operator/api/gpu-inventory.ts'
import type { DaemonReading } from './mps-daemon.ts'
import type { FoundGpu } from './nvidia-smi.ts'

export type Allocation = GpuInventory['allocation']
export type ThroughputCurve = NonNullable<GpuRecord['throughputCurve']>

export interface KnownGpu {
  readonly gpu: FoundGpu
  readonly multiprocessors?: number
  /** Why it cannot be shared. */
  readonly unsuitable?: string
  /** Absent where it cannot be shared. */
  readonly daemon?: DaemonReading
  readonly throughputCurve?: ThroughputCurve
}

export interface Folders {
  pipeDirectory(uuid: string): string
  /** On the node, what containers see as /dev/shm. */
  readonly shmDirectory?: string
}

const sentenceLimit = 1000

export function inventoryOf(
  known: readonly KnownGpu[],
  allocation: Allocation,
  folders: Folders,
): GpuInventory {
  return {
    version: 1,
    allocation,
    driver: known[0]?.gpu.driver ?? '0',
    gpus: known.map(each => recordOf(each, folders)),
  }
}

function recordOf(
  { gpu, multiprocessors, unsuitable, daemon, throughputCurve }: KnownGpu,
  { pipeDirectory, shmDirectory }: Folders,
): GpuRecord {
  const reason = unsuitable ?? daemon?.reason
  return {
    index: gpu.index,
    uuid: gpu.uuid,
    model: gpu.model,
    memoryMiB: gpu.memoryMiB,
    ...(multiprocessors === undefined ? {} : { multiprocessors }),
    mig: gpu.mig,
    pipeDirectory: pipeDirectory(gpu.uuid),
    ...(shmDirectory === undefined ? {} : { shmDirectory }),
    state: stateOf(unsuitable, daemon),
    ...(reason === undefined ? {} : { reason: reason.slice(0, sentenceLimit) }),
    ...(throughputCurve === undefined ? {} : { throughputCurve }),
  }
}

function stateOf(unsuitable: string | undefined, daemon: DaemonReading | undefined): GpuRecord['state'] {
  if (unsuitable !== undefined || daemon === undefined || daemon.state === 'failed') return 'unusable'
  return daemon.state
}

/**
 * Units that the Node's capacity is to name, by resource, where no device plugin says it.
 *
 * @param present the capacity as it is: units of GPUs that are gone are taken back
 */
export function capacityOf(
  { gpus }: GpuInventory,
  units: number,
  present: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const gone = Object.keys(present).filter(name => /^ekya\.dev\/gpu\d+-share$/.test(name))
  return {
    ...Object.fromEntries(gone.map(name => [name, '0'])),
    ...Object.fromEntries(
      gpus.map(({ index, state }) => [gpuShareResource(index), state === 'unusable' ? '0' : String(units)]),
    ),
  }
}
