/** Whether a training gains by another share where that means another pod: it stands still until that one goes on from its checkpoint. */
import { speedAt } from './throughput-curves.ts'

export interface TrainingLeft {
  /** What it still needs, GPU-seconds; null or absent: not known. */
  readonly gpuSeconds?: number | null | undefined
  readonly heldShare: number
  readonly wantedShare: number
  readonly swapSeconds: number
  /** [share, speed], as `speedAt` takes it. */
  readonly throughputCurve?: readonly (readonly [number, number])[] | undefined
}

/** True for a smaller share, which is taken for others' sake, and where nothing is known. */
export function gainsBySwap(training: TrainingLeft): boolean {
  const { gpuSeconds, heldShare, wantedShare, swapSeconds, throughputCurve } = training
  if (gpuSeconds === undefined || gpuSeconds === null || heldShare <= 0 || wantedShare <= heldShare)
    return true
  const secondsAt = (share: number): number => gpuSeconds / speedAt(share, throughputCurve)
  return swapSeconds + secondsAt(wantedShare) < secondsAt(heldShare)
}
