/**
 * What `/status.json` shows: plain data, filled from the resources' status.
 *
 * cluster-view.ts fills it. Accuracies and shares are in [0, 1], times RFC 3339.
 */

export interface StatusView {
  readonly version: string
  readonly leader: boolean
  /** Who leads, when it is another replica. */
  readonly leaderIdentity?: string | null
  readonly windows: readonly WindowView[]
  /** Streams that no window governs come under the window name null. */
  readonly streams: readonly StreamView[]
  readonly gpus: readonly GpuView[]
}

export interface GpuView {
  readonly node: string
  readonly gpu: string
  readonly allocated: number
}

export interface StreamView {
  readonly namespace: string
  readonly name: string
  readonly window: string | null
  readonly ready: boolean | null
  /** Reason and message of the Ready condition when it is not True. */
  readonly problem: string | null
  readonly modelDigest: string | null
  readonly trainedInWindow: number | null
  readonly accuracyMeasured: number | null
  readonly accuracyPredicted: number | null
  readonly accuracyWithoutRetraining: number | null
  readonly node: string | null
  readonly gpu: string | null
  readonly inferenceShare: number | null
  readonly trainingShare: number | null
  readonly retraining: string | null
  readonly retrainingProgress: number | null
  readonly frames: { readonly offered: number; readonly analysed: number; readonly dropped: number } | null
  readonly decision: string | null
}

export interface WindowView {
  readonly namespace: string
  readonly name: string
  readonly policy: string | null
  readonly phase: string
  readonly index: number | null
  readonly startedAt: string | null
  readonly endsAt: string | null
  readonly predictedAccuracy: number | null
  readonly problem: string | null
  readonly warnings: readonly string[]
  readonly plan: readonly {
    readonly stream: string
    readonly inferenceShare: number
    readonly trainingShare: number
    readonly configuration: string | null
    readonly predictedBefore: number | null
    readonly predictedAfter: number | null
    readonly state: string
    readonly reason: string
  }[]
  /** Newest first. */
  readonly history: readonly {
    readonly index: number
    readonly predicted: number | null
    readonly realised: number | null
    readonly withoutRetraining: number | null
    readonly retrained: number
    readonly gpuSecondsTrained: number
  }[]
}
