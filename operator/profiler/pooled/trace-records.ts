/** A trace's windows as records of the outcome model: its estimates are the micro-profiles, its actual figures the outcomes. */
import type { WindowRecord } from './outcome-model.ts'

/** The part of a trace that is read (operator/simulate/trace.ts). */
export interface TracedStream {
  readonly windows: readonly {
    readonly accuracyBefore: number
    readonly retraining: readonly {
      readonly configuration: string
      readonly accuracyAfter: number
      readonly gpuSeconds: number
      readonly estimate?: { readonly accuracyAfter: number }
    }[]
  }[]
}

export const traceRecords = (streams: readonly TracedStream[]): WindowRecord[][] =>
  streams.map(({ windows }) =>
    windows.map(({ accuracyBefore, retraining }) => ({
      accuracyBefore,
      trainings: retraining.map(({ configuration, accuracyAfter, gpuSeconds, estimate }) => ({
        configuration,
        gpuSeconds,
        outcome: accuracyAfter,
        ...(estimate === undefined ? {} : { estimate: estimate.accuracyAfter }),
      })),
    })),
  )
