/**
 * What a policy is asked: one site, one window, seen at one moment. Plain data; no Kubernetes, no clock, no I/O.
 *
 * Shares are fractions of one physical GPU, times are seconds from the moment of planning, accuracies are in [0, 1].
 */

export interface Problem {
  /** From the moment of planning to the window's end, > 0. */
  readonly remainingSeconds: number
  /** The whole window, ≥ remainingSeconds. */
  readonly windowSeconds: number
  /** Δ: the smallest change of a share. */
  readonly step: number
  readonly gpus: readonly Gpu[]
  /**
   * GPUs that each entry of `gpus` stands for, default 1. More than one: a pool, as in Ekya's simulator, in which a job may hold any
   * part, several GPUs included. No backend can give that; it is for comparisons.
   */
  readonly gpuCapacity?: number
  readonly streams: readonly StreamProblem[]
  /** Speed of a training job at a share, relative to a whole GPU: [share, throughput] increasing to [1, 1]. Absent: speed = share. */
  readonly throughputCurve?: readonly (readonly [number, number])[]
  /** How long a training stands still when its share changes while it runs, default 0. Inference serves on from the old pod. */
  readonly resizeSeconds?: number
  /** How much accuracy × seconds (of one stream at weight 1) a stream's move to another GPU must gain, default 0. */
  readonly moveSeconds?: number
  /** Which window it is, from 0, for policies that follow a schedule made beforehand. */
  readonly windowIndex?: number
  /** What trainings came to whose result is known, of any stream and window, to tell estimates from truth by. */
  readonly outcomes?: readonly TrainingOutcome[]
  /** A window's accuracy is its mean over time, or over samples at each whole second, both ends included (Ekya). Default `time`. */
  readonly averaging?: 'time' | 'samples'
}

export interface Gpu {
  readonly node: string
  readonly gpu: string
  /** False: nothing is put on it for the time being, as while it has a fault; streams that are there stay. Default true. */
  readonly takesStreams?: boolean
}

export interface StreamProblem {
  readonly name: string
  /** > 0. */
  readonly weight: number
  /** a_MIN, in [0, 1]. */
  readonly minAccuracy: number
  /** Accuracy of the model in use at full share on the newest labelled data; null: nothing is known of it yet. */
  readonly accuracyNow: number | null
  /** Mean accuracy over the part of the window that has passed, for the prediction of the whole window; null: unknown. */
  readonly accuracySoFar: number | null
  /** At least one. */
  readonly inference: readonly InferenceOption[]
  /** What may be trained; not training is always possible and not listed. */
  readonly retraining: readonly RetrainingOption[]
  /** A training of this window that runs: it may go on (with its remaining cost) or be given up, but no other may begin. */
  readonly running?: RetrainingOption
  /** Nodes on which its pods may run, at least one of them with a GPU of the problem; absent: any. */
  readonly nodes?: readonly string[]
  /** Where the stream's pods are; a stream stays on its GPU when it can. */
  readonly current?: {
    readonly node: string
    readonly gpu: string
    readonly inferenceShare: number
    readonly trainingShare: number
  }
  /** Why nothing may be retrained, when that is decided already (suspended, no labels, …): becomes the plan's reason. */
  readonly noRetrainingBecause?: string
}

/** An inference configuration λ and the factor by which a share below its demand lowers the model's accuracy. */
export type InferenceOption = ProfiledInference | SubsampledInference

export interface ProfiledInference {
  readonly configuration: string
  /** [share, factor], increasing in both; linear between, the last factor beyond, 0 at share 0. */
  readonly profile: readonly (readonly [number, number])[]
}

/** Ekya's form: at share r every (maxShare / r)-th frame is analysed. */
export interface SubsampledInference {
  readonly configuration: string
  /** From this share on every frame is analysed, > 0. */
  readonly maxShare: number
  /** [every n-th frame, factor], n increasing, factors decreasing; linear between, the first factor before, 0 beyond. */
  readonly subsampled: readonly (readonly [number, number])[]
}

export interface TrainingOutcome {
  readonly configuration: string
  /** Of the retrained model at full share. */
  readonly accuracy: number
  readonly gpuSeconds: number
}

/** A retraining configuration γ with its predicted outcome. */
export interface RetrainingOption {
  readonly configuration: string
  /** Accuracy of the retrained model at full share. */
  readonly accuracyAfter: number
  /** Standard deviation of the error of `accuracyAfter` where that is an estimate; absent: exact. */
  readonly accuracyError?: number
  /** Still to be spent, on one whole GPU. */
  readonly gpuSeconds: number
}
