/** A policy's answer for one window. Plain data. */
import type { Timeline } from './timeline.ts'

export interface Plan {
  readonly policy: string
  /** Predicted mean over the streams (weighted) of the accuracy over the whole window; null while nothing is known. */
  readonly predictedAccuracy: number | null
  readonly items: readonly PlanItem[]
  /** What the policy could not honour (for example an accuracy floor), as sentences for the user. */
  readonly warnings: readonly string[]
  /** All that is planned for the rest of the window, streams in the problem's order. Absent: the items' shares stay to its end. */
  readonly timeline?: Timeline
}

export interface PlanItem {
  readonly stream: string
  readonly node: string
  readonly gpu: string
  /** Multiple of the step, > 0 unless the site has more streams than steps. */
  readonly inferenceShare: number
  readonly inferenceConfiguration: string
  /** 0: no training. */
  readonly trainingShare: number
  readonly retrainingConfiguration: string | null
  /** Of the retrained model at full share, as estimated; null without a training. */
  readonly accuracyAfter: number | null
  /** Accuracy served before and after the training completes, at the planned shares; null while unknown. */
  readonly predictedBefore: number | null
  readonly predictedAfter: number | null
  /** Mean over the whole window, what has passed included; null while unknown. */
  readonly predictedWindow: number | null
  readonly gpuSeconds: number
  /** Seconds from the moment of planning. */
  readonly startsAtSeconds: number | null
  readonly completesAtSeconds: number | null
  /** One sentence with the numbers that decided. */
  readonly reason: string
}

export interface PolicyOptions {
  readonly [name: string]: unknown
}
