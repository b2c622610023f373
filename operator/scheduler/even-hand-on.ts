/**
 * The hand-on of Ekya's simulator: what an ended training held goes in equal parts to all jobs that hold something, trainings and
 * inference alike, whether they can use it or not. Not in whole steps, so for pools only.
 */
import type { Allocation } from './hand-on.ts'
import type { JobShares } from './timeline.ts'

/** @param capacity GPUs of the pool; what nobody holds of it is handed on. */
export function evenHandOn<A extends Allocation>(
  allocations: readonly A[],
  ended: string,
  capacity: number,
): A[] {
  const index = allocations.findIndex(a => a.stream === ended)
  if (index < 0) return [...allocations]
  const shares = allocations.map(a => ({ inference: a.inferenceShare, training: a.trainingShare }))
  const next = evenShares(shares, index, capacity)
  return allocations.map((a, i) => ({
    ...a,
    inferenceShare: next[i]!.inference,
    trainingShare: next[i]!.training,
  }))
}

/** The same on bare shares. */
export function evenShares(shares: readonly JobShares[], ended: number, capacity: number): JobShares[] {
  let held = 0
  let takers = 0
  shares.forEach(({ inference, training }, i) => {
    held += inference
    if (inference > 0) takers++
    if (i === ended || training <= 0) return
    held += training
    takers++
  })
  const free = Math.max(0, capacity - held)
  // Where nobody holds anything, inference gets it.
  const each = free / (takers > 0 ? takers : shares.length)
  return shares.map(({ inference, training }, i) => ({
    inference: inference > 0 || takers === 0 ? inference + each : 0,
    training: i === ended || training <= 0 ? 0 : training + each,
  }))
}
