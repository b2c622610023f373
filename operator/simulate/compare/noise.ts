/**
 * Estimates that are wrong by a known amount (Ekya §6.3, Fig. 11b): of every retraining of every stream and window the scheduler is told
 *
 *   accuracyAfter = min(1, max(0, actual + ε·z)),   gpuSeconds = actual
 *
 * with z drawn from the standard normal distribution by seed, stream, window and configuration, and nothing else: ε = 0.2 errs by
 * 20 points of accuracy in one standard deviation, and for one seed all ε err in the same direction.
 */
import { createHash } from 'node:crypto'
import type { Trace } from '../trace.ts'

export interface Noise {
  /** ε: the standard deviation of what is told, in accuracy (0.2 are 20 points), ≥ 0. */
  readonly deviation: number
  readonly seed: string
}

/** The trace with estimates from what comes true; its own estimates are gone. */
export function withNoise(trace: Trace, { deviation, seed }: Noise): Trace {
  return {
    ...trace,
    streams: trace.streams.map(stream => ({
      ...stream,
      windows: stream.windows.map((window, index) => ({
        ...window,
        retraining: window.retraining.map(option => {
          const error = deviation * gaussian(JSON.stringify([seed, stream.name, index, option.configuration]))
          const accuracyAfter = Math.min(1, Math.max(0, option.accuracyAfter + error))
          return { ...option, estimate: { accuracyAfter, gpuSeconds: option.gpuSeconds } }
        }),
      })),
    })),
  }
}

/** A draw from the standard normal distribution, the same for the same text (Box and Muller's method on bits of SHA-256). */
export function gaussian(text: string): number {
  const bits = createHash('sha256').update(text).digest()
  const uniform = (offset: number): number => (bits.readUInt32BE(offset) + 0.5) / 2 ** 32
  return Math.sqrt(-2 * Math.log(uniform(0))) * Math.cos(2 * Math.PI * uniform(4))
}
