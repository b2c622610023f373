/** Shares of a real GPU as whole units, and what backends of real GPUs have in common in rendering and reading them. */
import { shareSpeedVariable } from '../api/worker.ts'
import type { EnvironmentVariable, GpuFacts, RawPod, ShareReading, SiteGpu } from './backend.ts'
import { SharingError } from './backend.ts'
import type { GpuOptions } from './gpu-options.ts'
import { parseMiB } from './quantity.ts'
import type { OrderLimits } from './swap-order.ts'
import { speedAt } from './throughput-curves.ts'

/**
 * 0.29 × 100 is 28.999… in floating point, and what is free is written with six digits. Far too little to give away a unit that is not
 * there: that would take ten thousand pods.
 */
const roundingGuard = 1e-4

/** Seconds from making a pod to its first frame, as long as none was measured: image, CUDA, model. */
export const swapSeconds = 10
/** A client that is killed in the middle of its work may take its neighbours along: it gets long to let go. */
export const graceSeconds = 30
/** Images of workers run under this id; MPS serves one user at a time unless told otherwise. */
export const workerUser = 1000

export function factsOf(gpu: SiteGpu): GpuFacts {
  if (gpu.facts === undefined) throw new Error(`GPU ${gpu.node}/${gpu.gpu} was not found by its backend`)
  return gpu.facts
}

/** Whole units of a share, rounded down, one at least. @throws SharingError `share-out-of-range`. */
export function unitsOf(share: number, gpu: SiteGpu): number {
  const largest = gpu.largestShare ?? 1
  if (!(share > 0 && share <= largest + roundingGuard)) {
    throw new SharingError(
      'share-out-of-range',
      `share ${share} of GPU ${gpu.node}/${gpu.gpu} is out of range; accepted: more than 0, at most ${largest}`,
    )
  }
  return Math.max(1, Math.floor(share * factsOf(gpu).steadyUnits + roundingGuard))
}

/** Device memory that goes with so many units; 0 where that is not known. */
export function memoryOf(units: number, gpu: SiteGpu): number {
  return Math.floor(units * (factsOf(gpu).unitMiB ?? 0) + roundingGuard)
}

/** What is asked for, else what goes with the units. @throws SharingError `memory-out-of-range`. */
export function memoryMiB(units: number, gpu: SiteGpu, memory: string | undefined): number {
  if (memory === undefined) return memoryOf(units, gpu)
  const asked = Math.ceil(parseMiB(memory))
  const most = gpu.memoryMiB ?? Number.POSITIVE_INFINITY
  if (asked > most) {
    throw new SharingError(
      'memory-out-of-range',
      `${memory} of device memory are more than GPU ${gpu.node}/${gpu.gpu} has for pods; accepted: at most ${most}Mi`,
    )
  }
  return asked
}

/** Resources of the worker container; extended ones beside cpu and memory. */
export function resources({ podResources }: GpuOptions, extended: Readonly<Record<string, number>>) {
  const amounts = {
    ...podResources,
    ...Object.fromEntries(Object.entries(extended).map(([name, number]) => [name, String(number)])),
  }
  return { requests: amounts, limits: amounts }
}

/** At what speed of the whole GPU the worker will find that it works. */
export function speedVariable(units: number, gpu: SiteGpu): EnvironmentVariable {
  const speed = speedAt(Math.min(1, units / factsOf(gpu).steadyUnits), gpu.training?.throughputCurve)
  return { name: shareSpeedVariable, value: String(Number(speed.toFixed(4))) }
}

/** A pod holds its units from its making to its end; they never change. */
export function reading(pod: RawPod, units: number, gpu: SiteGpu): ShareReading {
  const desired = Math.min(1, units / factsOf(gpu).steadyUnits)
  const { phase, reason, message } = pod.status ?? {}
  if (phase === 'Succeeded') return { desired, actual: 0, resizing: false }
  if (phase === 'Failed') {
    return {
      desired,
      actual: 0,
      resizing: false,
      ...(reason === 'UnexpectedAdmissionError' && {
        problem: `${reason}: ${message ?? 'the node gives no message'}`,
      }),
    }
  }
  return { desired, actual: desired, resizing: false }
}

export function limits(gpu: SiteGpu): OrderLimits {
  const { steadyUnits, totalUnits, clients } = factsOf(gpu)
  return { steadyUnits, totalUnits, clients, memoryMiB: gpu.memoryMiB ?? Number.POSITIVE_INFINITY }
}

/** Units and the sum that are left for new pods beside old ones where a backend advertises no more than there is. */
export const spareUnits = (units: number, part: number): number =>
  Math.max(1, Math.ceil(units * part - roundingGuard))
