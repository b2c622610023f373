import { SchedulerError } from '../errors.ts'
import type { Problem } from '../problem.ts'

/**
 * For policies that compare and cannot be carried out on a cluster.
 *
 * @returns the GPUs of the one pool.
 * @throws SchedulerError `bad-problem` where the GPUs are physical ones.
 */
export function requirePool(policy: string, { gpuCapacity, gpus }: Problem): number {
  if (gpuCapacity !== undefined && gpus.length === 1) return gpuCapacity
  throw new SchedulerError(
    'bad-problem',
    `policy ${policy} is for comparisons in the simulator, where all GPUs are one pool; it cannot plan for ${gpus.length} physical GPUs`,
  )
}
