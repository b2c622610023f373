/** What a training is asked and what it answers. Accuracies are in [0, 1], cpu seconds are of the whole process. */
import type { RetrainingConfiguration } from '../../operator/api/worker.ts'
import type { ImageSet } from './image-set.ts'

export type Schedule = 'constant' | 'step' | 'cosine' | 'one-cycle' | 'plateau'

export interface TrainingConfiguration extends Omit<RetrainingConfiguration, 'name'> {
  /** Default 0.8 with the schedule one-cycle, else 0.9. */
  readonly momentum?: number
  /** Of weights with two or more dimensions. Default 5e-4. */
  readonly weightDecay?: number
  /** Of the learning rate over all steps. Default one-cycle. */
  readonly schedule?: Schedule
  /** Random horizontal flips, shifts by up to two pixels and changes of light. Default true. Above frozen layers: flips only. */
  readonly augment?: boolean
  /**
   * Strength of the changes of light: brightness and contrast vary by up to e^±strength. Default 0.4, which carries over best to the
   * next window's light (hack/bench/drift-retraining.ts); 0 for none.
   */
  readonly photometric?: number
  /** Weighs every class alike in the loss, whatever its count. Default false. */
  readonly classBalanced?: boolean
  /** Draws as many images of every class in an epoch, rare ones repeatedly. Default false. */
  readonly balancedSampling?: boolean
  /** Stops after so many epochs in a row without a better validation accuracy. Default: never. */
  readonly earlyStop?: number
  /** BatchNormalization uses its running statistics in training too, and keeps them. Default false. */
  readonly freezeBatchNorm?: boolean
  readonly seed: number
  /** Threads inside one operator. One thread makes the result reproducible bit by bit. */
  readonly threads: number
}

export interface TrainingRequest {
  /** An ONNX file. */
  readonly model: Uint8Array
  readonly train: ImageSet
  readonly validation: ImageSet
  readonly configuration: TrainingConfiguration
  /** Where there are more than the model has outputs, its head gets new ones behind the old. Default: as many as it has. */
  readonly classes?: number
  /** A state that an earlier call with the same model, data and configuration gave to onCheckpoint. */
  readonly resume?: Checkpoint
}

export interface EpochReport {
  /** From 1. */
  readonly epoch: number
  /** Mean over the epoch's steps, of what was trained on. */
  readonly loss: number
  readonly trainAccuracy: number
  readonly validationAccuracy: number
  /** Cpu time of the process during this epoch, its validation included. */
  readonly cpuSeconds: number
  /** Thereof training steps alone. */
  readonly stepCpuSeconds: number
}

export interface TrainingHooks {
  /** Before the first step and after each one, or after several that were taken at once: how many of all steps are done. */
  onStep?(done: number, total: number): void
  onEpoch?(report: EpochReport): void
  /** Called between two steps, where others could be taken; also once when the training is aborted. The training waits for a promise. */
  onCheckpoint?(checkpoint: Checkpoint): void | Promise<void>
  /** Default: never but on abort. 0: whenever that is possible. */
  readonly checkpointEverySeconds?: number
  /** Monotonic seconds. Default performance.now. */
  readonly now?: () => number
  /** Seconds of what trains: cpu seconds of the process, or those in which it kept a GPU busy. Default process.cpuUsage. */
  readonly cpuSeconds?: () => number
}

export interface TrainingOutcome {
  /** The ONNX file with the weights of the best epoch by validation accuracy; the later one of equals. */
  readonly model: Uint8Array
  /** sha-256 of the file, hex. */
  readonly digest: string
  readonly bestEpoch: number
  readonly bestValidationAccuracy: number
  /** The given model on the same validation images. */
  readonly baselineAccuracy: number
  readonly epochs: readonly EpochReport[]
  /** Images trained on (dataFraction applied). */
  readonly samples: number
  /** Model, graphs, frozen features and baseline, before the first step. */
  readonly setupCpuSeconds: number
  /** Of it, the frozen features of the images trained on: in proportion to their number, about 0 where nothing is frozen or all is known. */
  readonly featureCpuSeconds: number
}

/** The whole state between two steps; vectors as the file has what is in them (checkpoint-layout.ts). */
export interface Checkpoint {
  /** Digest over model, data and configuration; a checkpoint of something else is refused. */
  readonly fingerprint: string
  /** Epochs finished, steps of the next one done. */
  readonly epoch: number
  readonly step: number
  readonly baselineAccuracy: number
  /** Of the epoch under way. */
  readonly running: { readonly loss: number; readonly correct: number; readonly cpuSeconds: number }
  readonly reports: readonly EpochReport[]
  readonly best: { readonly epoch: number; readonly accuracy: number } | null
  readonly parameters: Float32Array
  readonly velocity: Float32Array
  readonly statistics: Float32Array
  readonly bestParameters: Float32Array
  readonly bestStatistics: Float32Array
}
