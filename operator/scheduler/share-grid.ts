/**
 * Shares as whole numbers of steps.
 *
 * Everything that moves shares counts in steps Δ and turns them into fractions only at the end, so that sums on a GPU are
 * exact and equal plans are equal to the last bit. A step that does not divide 1 leaves the rest of each GPU unused.
 */
import { SchedulerError } from './errors.ts'
import type { Problem } from './problem.ts'

const tolerance = 1e-9

/** Steps in one whole GPU, ≥ 1. @throws SchedulerError `bad-problem` unless 0 < step ≤ 1. */
export function stepsPerGpu(step: number): number {
  if (!(step > 0 && step <= 1))
    throw new SchedulerError('bad-problem', `step is ${step}, accepted is a fraction of one GPU in (0, 1]`)
  return Math.floor(1 / step + tolerance)
}

/** Whole steps in one entry of a problem's GPUs, which may be a pool of several. */
export function stepsPerEntry({ step, gpuCapacity = 1 }: Pick<Problem, 'step' | 'gpuCapacity'>): number {
  const one = stepsPerGpu(step)
  return gpuCapacity === 1 ? one : Math.floor(gpuCapacity / step + tolerance)
}

/** Whole steps in a share, rounded down. */
export function toSteps(share: number, step: number): number {
  return Math.max(0, Math.floor(share / step + tolerance))
}

/** Steps that cover a share, rounded up. */
export function coveringSteps(share: number, step: number): number {
  return Math.max(0, Math.ceil(share / step - tolerance))
}

/** The share of so many steps, free of the noise of binary fractions (3 × 0.1 is 0.3). */
export function toShare(steps: number, step: number): number {
  return Number((steps * step).toPrecision(12))
}

/** Splits steps evenly; the first ones get what does not divide. */
export function splitEvenly(steps: number, parts: number): number[] {
  const base = parts === 0 ? 0 : Math.floor(steps / parts)
  const rest = steps - base * parts
  return Array.from({ length: parts }, (_, i) => base + (i < rest ? 1 : 0))
}
