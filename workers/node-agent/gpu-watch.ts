/**
 * Discovery over time: nvidia-smi is asked now and then only, because it loads the driver where nothing else keeps it loaded, and compute modes
 * are kept.
 *
 * A driver that is unloaded forgets the mode, and so does somebody's `nvidia-smi -c`; then a client that misses its daemon would have the whole
 * GPU. So a mode that this agent has set is set again where it is found to be another, and put back at the end.
 */
import type { Clock } from '../../operator/kube/clock.ts'
import { messageOf } from './errors.ts'
import { type Discovery, discoverGpus, type FoundGpu, setComputeMode } from './nvidia-smi.ts'
import type { Programs } from './programs.ts'

export interface GpuWatchOptions {
  readonly programs: Programs
  readonly nvidiaSmi: string
  readonly clock: Clock
  /** nvidia-smi is not asked more often; in between the last answer holds. */
  readonly everyMs: number
}

export class GpuWatch {
  readonly #options: GpuWatchOptions
  /** GPUs whose mode this agent has changed. */
  readonly #exclusive = new Set<string>()
  #last: { readonly discovery: Discovery; readonly atMs: number } | undefined

  constructor(options: GpuWatchOptions) {
    this.#options = options
  }

  /** @throws AgentError */
  async discover(signal?: AbortSignal): Promise<Discovery> {
    const { programs, nvidiaSmi, clock, everyMs } = this.#options
    const now = clock.monotonicMs()
    if (this.#last && now - this.#last.atMs < everyMs) return this.#last.discovery
    const { gpus, problems } = await discoverGpus(programs, nvidiaSmi, signal)
    const notKept: string[] = []
    for (const { uuid, index, computeMode } of gpus) {
      if (!this.#exclusive.has(uuid) || computeMode === 'Exclusive_Process') continue
      await this.#set(uuid, 'EXCLUSIVE_PROCESS', signal).catch(error => {
        signal?.throwIfAborted()
        notKept.push(`GPU ${index} is in compute mode ${computeMode} again: ${messageOf(error)}`)
      })
    }
    const discovery = { gpus, problems: [...problems, ...notKept] }
    this.#last = { discovery, atMs: now }
    return discovery
  }

  /** @throws AgentError */
  async makeExclusive({ uuid, computeMode }: FoundGpu, signal?: AbortSignal): Promise<void> {
    // Whoever set it before keeps it.
    if (computeMode === 'Exclusive_Process') return
    await this.#set(uuid, 'EXCLUSIVE_PROCESS', signal)
    this.#exclusive.add(uuid)
  }

  /** Puts modes back. @returns what did not work, in words */
  async release(): Promise<readonly string[]> {
    const problems: string[] = []
    for (const uuid of this.#exclusive) {
      await this.#set(uuid, 'DEFAULT').catch(error => problems.push(`${uuid}: ${messageOf(error)}`))
    }
    this.#exclusive.clear()
    return problems
  }

  #set(uuid: string, mode: 'EXCLUSIVE_PROCESS' | 'DEFAULT', signal?: AbortSignal): Promise<void> {
    const { programs, nvidiaSmi } = this.#options
    return setComputeMode(programs, nvidiaSmi, uuid, mode, signal)
  }
}
