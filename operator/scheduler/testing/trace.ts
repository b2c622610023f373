/** Problems from a trace file of recorded profiles: its first streams in one window, on one pool of GPUs, as Ekya simulates them. */
import type { Problem, StreamProblem } from '../problem.ts'

/** The part of a trace that planning needs. */
export interface Trace {
  readonly inferenceProfile: {
    readonly maxShare: number
    readonly subsampling: readonly number[]
    readonly accuracyFactor: readonly number[]
  }
  readonly streams: readonly {
    readonly name: string
    readonly windows: readonly {
      readonly accuracyBefore: number
      readonly retraining: readonly TraceOption[]
    }[]
  }[]
}

export interface TraceOption {
  readonly configuration: string
  readonly accuracyAfter: number
  readonly gpuSeconds: number
  readonly estimate?: { readonly accuracyAfter: number; readonly gpuSeconds: number }
}

export interface Cell {
  readonly streams: number
  readonly gpus: number
  /** From 0. */
  readonly window: number
}

/** @param sees which accuracies the options carry. */
export function traceProblem(
  trace: Trace,
  { streams, gpus, window }: Cell,
  sees: 'actual' | 'estimate' = 'actual',
): Problem {
  const { maxShare, subsampling, accuracyFactor } = trace.inferenceProfile
  const inference: StreamProblem['inference'] = [
    {
      configuration: 'every-frame',
      maxShare,
      subsampled: subsampling.map((every, i) => [every, accuracyFactor[i]!] as const),
    },
  ]
  return {
    remainingSeconds: 200,
    windowSeconds: 200,
    step: 0.25 / 3,
    gpus: [{ node: 'edge', gpu: '0' }],
    gpuCapacity: gpus,
    averaging: 'samples',
    streams: trace.streams.slice(0, streams).map(stream => {
      const { accuracyBefore, retraining } = stream.windows[window]!
      return {
        name: stream.name,
        weight: 1,
        minAccuracy: 0,
        accuracyNow: accuracyBefore,
        accuracySoFar: null,
        inference,
        retraining: retraining.map(({ configuration, accuracyAfter, gpuSeconds, estimate }) => ({
          configuration,
          accuracyAfter: sees === 'estimate' ? (estimate?.accuracyAfter ?? accuracyAfter) : accuracyAfter,
          gpuSeconds,
        })),
      }
    }),
  }
}
