/**
 * Liveness: is the process making progress?
 *
 * Two signs: the event loop turns (its delay over the last interval), and the heart beats (the operator's own loops say so).
 * Another replica leading or an API server that is away are no reasons to be restarted, so neither is looked at here.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface Health {
  readonly healthy: boolean
  readonly problems: readonly string[]
  readonly eventLoopDelayMs: number
  readonly heartbeatAgeMs: number | null
}

export interface HealthMonitor {
  /** To be called at regular intervals by what must not stand still. Before the first call no heartbeat is expected. */
  beat(): void
  check(): Health
  stop(): void
}

export interface HealthOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly maximumDelayMs?: number
  readonly maximumHeartbeatAgeMs?: number
  /** Worst delay since the last call, milliseconds; default: measured by Node. */
  readonly delayMs?: () => number
}

export function createHealthMonitor(options: HealthOptions): HealthMonitor {
  const { now, maximumDelayMs = 5000, maximumHeartbeatAgeMs = 60_000 } = options
  const measured = options.delayMs ? undefined : measureDelay()
  const delayMs = options.delayMs ?? (measured as NonNullable<typeof measured>).read
  let lastBeat: number | undefined
  return {
    beat() {
      lastBeat = now()
    },
    check() {
      const eventLoopDelayMs = delayMs()
      const heartbeatAgeMs = lastBeat === undefined ? null : now() - lastBeat
      const problems: string[] = []
      if (eventLoopDelayMs > maximumDelayMs) {
        problems.push(`the event loop stood still for ${Math.round(eventLoopDelayMs)} ms`)
      }
      if (heartbeatAgeMs !== null && heartbeatAgeMs > maximumHeartbeatAgeMs) {
        problems.push(`no heartbeat for ${Math.round(heartbeatAgeMs / 1000)} s`)
      }
      return { healthy: problems.length === 0, problems, eventLoopDelayMs, heartbeatAgeMs }
    },
    stop: () => measured?.stop(),
  }
}

function measureDelay() {
  const histogram = monitorEventLoopDelay({ resolution: 50 })
  histogram.enable()
  return {
    read() {
      const worst = histogram.count > 0 ? histogram.max / 1e6 : 0
      histogram.reset()
      return worst
    },
    stop: () => {
      histogram.disable()
    },
  }
}
