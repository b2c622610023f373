/** Scheduling problems of any size, for benchmarks. */
import type { Problem } from '../../../operator/scheduler/problem.ts'

export interface Size {
  readonly streams: number
  readonly gpus: number
  readonly configurations: number
  readonly step: number
  readonly speed: 'linear' | 'curve'
  /** All GPUs are one pool, as traces have it. Default false: streams are placed on them. */
  readonly pool?: boolean
}

/** Drifted streams of random depth; costlier configurations gain more. Deterministic by seed. */
export function makeProblem(of: Size, seed: number): Problem {
  const random = generator(seed)
  return {
    remainingSeconds: 200,
    windowSeconds: 200,
    step: of.step,
    ...(of.speed === 'linear'
      ? {}
      : {
          throughputCurve: [
            [0.1, 0.36],
            [0.5, 0.83],
            [1, 1],
          ] as const,
          resizeSeconds: 2,
        }),
    ...(of.pool === true
      ? { gpus: [{ node: 'node', gpu: 'pool' }], gpuCapacity: of.gpus, averaging: 'samples' }
      : { gpus: Array.from({ length: of.gpus }, (_, i) => ({ node: 'node', gpu: `${i}` })) }),
    streams: Array.from({ length: of.streams }, (_, s) => {
      const accuracyNow = 0.4 + 0.5 * random()
      const demand = 0.1 + 0.3 * random()
      return {
        name: `cam-${s}`,
        weight: 1,
        minAccuracy: 0.3,
        accuracyNow,
        accuracySoFar: null,
        inference: [1, 2, 4].map(interval => ({
          configuration: `every-${interval}`,
          profile: Array.from(
            { length: 10 },
            (_, i) => [((i + 1) * demand) / 10 / interval, ((i + 1) / 10) ** 0.5 * interval ** -0.1] as const,
          ),
        })),
        retraining: Array.from({ length: of.configurations }, (_, c) => ({
          configuration: `configuration-${c}`,
          accuracyAfter:
            accuracyNow +
            (0.95 - accuracyNow) * (((c + 1) / of.configurations) ** 0.3 * (0.6 + 0.4 * random())),
          gpuSeconds: 4 * 1.25 ** c * (0.8 + 0.4 * random()),
        })),
      }
    }),
  }
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
