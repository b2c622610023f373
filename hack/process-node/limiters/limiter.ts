/**
 * How a container's cpu limit is enforced. Each limiter takes a new limit while the process runs; none restarts anything.
 */

export interface CpuLimit {
  /** Cores that the group may use, > 0; absent: no limit. */
  readonly cores?: number
  /** What the group should get in proportion to others when the machine is short; 0 counts as very little. */
  readonly requestedCores: number
}

export interface CpuLimiter {
  readonly kind: LimiterKind
  /** A group for one container; `id` is a path of file-name-safe parts. */
  group(id: string, limit: CpuLimit): CpuGroup
  /** Ends what is left in any group, and removes all groups. */
  close(): Promise<void>
}

export type LimiterKind = 'cgroup-v1' | 'cgroup-v2' | 'pause'

export interface CpuGroup {
  /** The command line that enters the group before it becomes the given one, so that no thread or child is ever outside. */
  enter(command: readonly string[]): readonly string[]
  /** To be called with the number of the process, leader of its own process group, right after it was started. */
  attach(pid: number): void
  /** In force when it returns. */
  setLimit(limit: CpuLimit): void
  /** cpu time of all processes ever in the group. */
  usedSeconds(): number
  /** Kills what is left in the group. */
  kill(): void
  close(): Promise<void>
}

export class LimiterError extends Error {
  readonly code: 'unavailable' | 'refused'
  readonly retryable = false

  constructor(code: LimiterError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LimiterError'
    this.code = code
  }
}

const nominalPeriodMicros = 50_000
/** Of the kernel, for a quota. */
const minimumQuotaMicros = 1_000
const maximumPeriodMicros = 1_000_000

/**
 * Quota and period of CFS bandwidth control.
 *
 * 50 ms rather than Kubernetes' 100 ms: a worker that has used its share waits at most 50 ms, which is a fraction of a frame's time
 * at 5 frames a second, so that small shares serve evenly. Shorter ones cost accuracy, because the kernel hands the quota to
 * each core in slices of 5 ms. Where the quota would fall below the kernel's least one, the period grows.
 */
export function bandwidth(cores: number): { readonly quotaMicros: number; readonly periodMicros: number } {
  const needed = Math.ceil(minimumQuotaMicros / cores)
  const periodMicros = Math.min(maximumPeriodMicros, Math.max(nominalPeriodMicros, needed))
  return { quotaMicros: Math.max(minimumQuotaMicros, Math.round(cores * periodMicros)), periodMicros }
}

/** Kubernetes' conversion of requested cores into cgroup v1 shares. */
export const cpuShares = (cores: number): number => Math.min(262_144, Math.max(2, Math.floor(cores * 1024)))

/** Kubernetes' conversion of shares into cgroup v2 weights. */
export const cpuWeight = (cores: number): number => Math.floor(1 + ((cpuShares(cores) - 2) * 9999) / 262_142)
