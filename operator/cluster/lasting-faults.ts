/**
 * Since when GPUs have a fault, by our own clock. A fault is mostly over within seconds, as soon as the GPU's last client has gone; only one
 * that lasts is worth moving streams for.
 */
import type { Clock } from '../kube/clock.ts'
import type { SiteGpu } from '../sharing/backend.ts'

/**
 * Pods are killed 5 s after the fault is seen; a server that stays in FAULT is replaced after three looks of the node agent, 5 s apart by default.
 * What takes longer waits for a client that is not ours, or for people. A move costs a stream about as long.
 */
export const lastingFaultMs = 30_000

export class LastingFaults {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** By node, then by GPU. */
  readonly #since = new Map<string, ReadonlyMap<string, number>>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** @param gpus all that the node offers; none: it is gone. */
  observe(node: string, gpus: readonly SiteGpu[]): void {
    const before = this.#since.get(node)
    const faults = gpus
      .filter(({ fault }) => fault !== undefined)
      .map(({ gpu }) => [gpu, before?.get(gpu) ?? this.#clock.monotonicMs()] as const)
    if (faults.length === 0) this.#since.delete(node)
    else this.#since.set(node, new Map(faults))
  }

  /** The GPU with what is known of its fault. */
  judged(gpu: SiteGpu): SiteGpu {
    if (gpu.fault === undefined) return gpu
    const now = this.#clock.monotonicMs()
    const since = this.#since.get(gpu.node)?.get(gpu.gpu) ?? now
    return now - since < lastingFaultMs ? gpu : { ...gpu, faultLasts: true }
  }
}
