/** Picks the limiter: control groups where this process may use them, else pausing. */
import { cgroupLimiter } from './cgroup.ts'
import { type CpuLimiter, LimiterError } from './limiter.ts'
import { pauseLimiter } from './pause.ts'

export type LimiterChoice = 'auto' | 'cgroup' | 'pause'

/** @throws LimiterError `unavailable`, for the choice `cgroup` only */
export function chooseLimiter(
  choice: LimiterChoice,
  name: string,
  cpus: number,
  onProgress: (line: string) => void = () => {},
): CpuLimiter {
  if (choice === 'pause') return pauseLimiter()
  try {
    return cgroupLimiter(name, cpus)
  } catch (error) {
    if (choice === 'cgroup' || !(error instanceof LimiterError)) throw error
    onProgress(`${error.message}. Limits are enforced by pausing and resuming processes instead.`)
    return pauseLimiter()
  }
}
