/**
 * cpu limits without any privilege: a group that has used up its budget is paused (SIGSTOP) until time has earned it a new one.
 *
 *   budget += cores × elapsed − cpu time used,   at most one period's worth is saved up
 *   running ──budget < 0──▶ paused ──budget ≥ 0──▶ running
 *
 * It goes by measured cpu time, not by a fixed duty cycle, so that several threads and idle phases are accounted for rightly. The
 * kernel reports cpu time in steps of 10 ms: single periods are uneven, the mean over a second is right.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { CpuGroup, CpuLimit, CpuLimiter } from './limiter.ts'

const tickMs = 20
const periodSeconds = 0.1
const membersEveryTicks = 50
/** USER_HZ, part of Linux' binary interface. */
const ticksPerSecond = 100

export function pauseLimiter(clock: () => number = () => performance.now()): CpuLimiter {
  const groups = new Set<PausedGroup>()
  let timer: NodeJS.Timeout | undefined
  const tick = (): void => {
    const now = clock()
    for (const group of groups) group.tick(now)
  }
  return {
    kind: 'pause',
    group(_id, limit) {
      const group = new PausedGroup(limit, clock(), () => {
        groups.delete(group)
        if (groups.size === 0) {
          clearInterval(timer)
          timer = undefined
        }
      })
      groups.add(group)
      timer ??= setInterval(tick, tickMs)
      return group
    },
    async close() {
      for (const group of groups) await group.close()
    },
  }
}

class PausedGroup implements CpuGroup {
  #limit: CpuLimit
  #leader: number | undefined
  #members: number[] = []
  #paused = false
  #budget = 0
  #last: number
  #ticks = 0
  /** cpu seconds of each known process when last seen. */
  #seen = new Map<number, number>()
  #used = 0
  readonly #onClose: () => void

  constructor(limit: CpuLimit, now: number, onClose: () => void) {
    this.#limit = limit
    this.#last = now
    this.#onClose = onClose
  }

  enter(command: readonly string[]): readonly string[] {
    return command
  }

  attach(pid: number): void {
    this.#leader = pid
    this.#members = [pid]
    this.#paused = false
    this.#budget = 0
  }

  setLimit(limit: CpuLimit): void {
    this.#limit = limit
  }

  usedSeconds(): number {
    this.#measure()
    return this.#used
  }

  kill(): void {
    this.#signal('SIGKILL')
  }

  async close(): Promise<void> {
    this.kill()
    this.#leader = undefined
    this.#onClose()
  }

  tick(now: number): void {
    const elapsed = (now - this.#last) / 1000
    this.#last = now
    if (this.#leader === undefined) return
    if (this.#ticks++ % membersEveryTicks === 0) this.#members = groupMembers(this.#leader)
    const used = this.#measure()
    const { cores } = this.#limit
    if (cores === undefined) {
      this.#resume()
      return
    }
    this.#budget = Math.min(this.#budget + cores * elapsed - used, cores * periodSeconds)
    if (this.#budget >= 0) this.#resume()
    else if (!this.#paused) {
      this.#paused = true
      this.#signal('SIGSTOP')
    }
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#signal('SIGCONT')
  }

  /** cpu seconds since the last call. */
  #measure(): number {
    let increase = 0
    const seen = new Map<number, number>()
    for (const pid of this.#members) {
      const total = cpuSeconds(pid)
      if (total === undefined) continue
      increase += Math.max(0, total - (this.#seen.get(pid) ?? 0))
      seen.set(pid, total)
    }
    this.#seen = seen
    this.#used += increase
    return increase
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#leader === undefined) return
    try {
      process.kill(-this.#leader, signal)
    } catch {
      // The group is empty.
    }
  }
}

/** The fields of /proc/PID/stat behind the command's name, which may itself hold spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function cpuSeconds(pid: number): number | undefined {
  const fields = statFields(pid)
  return fields && (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

function groupMembers(group: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => Number(statFields(pid)?.[2]) === group)
}
