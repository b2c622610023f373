/**
 * The contract between the operator and its worker pods: what a pod is told, what it answers, what it leaves.
 *
 * A worker gets its configuration as one JSON document in the environment variable `EKYA_CONFIG`. While it runs it
 * answers on port 8080 (`/healthz`, `/readyz`, `/metrics`, `/status`). A profile or training pod ends with one JSON document
 * (≤ 4096 bytes) in its termination message, so that the result lives in the Kubernetes API and survives an operator restart.
 *
 * Units: shares are fractions of one physical GPU; `gpuSeconds` are seconds on one whole GPU; accuracies are in [0, 1].
 */

export const workerPort = 8080
export const configVariable = 'EKYA_CONFIG'
/** Names the file for the termination message where it is not Kubernetes' default. */
export const terminationLogVariable = 'EKYA_TERMINATION_LOG'
export const defaultTerminationLog = '/dev/termination-log'
export const terminationMessageLimitBytes = 4096
/**
 * How many multiprocessors the GPU is to have for the worker, where its share can be seen by that: a number or a range (`38`, `6-8`). An
 * inference worker that sees another number is not ready, a training or profile ends with ShareMismatch; unset: that is not checked.
 */
export const expectedMultiprocessorsVariable = 'EKYA_EXPECT_SMS'
/** Program of the image that prints how many multiprocessors a CUDA client sees, as one number; unset: they are not checked. */
export const multiprocessorCountVariable = 'EKYA_SM_COUNT_PROGRAM'
/**
 * How fast the GPU works at the pod's share, relative to the whole one, in (0, 1]: so much of a GPU-second is a second of a
 * training or profile, and one in which inference keeps the GPU busy. Absent: 1.
 */
export const shareSpeedVariable = 'EKYA_SHARE_SPEED'
/** Address to listen on; set from `status.podIP`. */
export const podAddressVariable = 'POD_IP'

export type WorkerRole = 'inference' | 'profile' | 'training'

/** What one whole GPU is on this node. With the cpu backend a "GPU" is a number of cores and GPU-seconds are cpu seconds / cores. */
export interface Device {
  readonly kind: 'cpu' | 'cuda'
  /** Cores that one whole "GPU" stands for (kind cpu only), > 0. */
  readonly cores?: number
}

/** A model file. `uri` is relative to the storage root, or an absolute `file://` URI. `digest` is the sha-256 of the file in hex. */
export interface ModelReference {
  readonly uri: string
  readonly digest?: string
}

/** What workers read; a CameraStream may name more (sources.ts). */
export type Source =
  | { readonly samples: { readonly uri: string } }
  | { readonly scene: { readonly seed: number; readonly preset?: string } }

export interface InferenceConfiguration {
  readonly name: string
  /** Every n-th offered frame is analysed (≥ 1); the others reuse the last result. */
  readonly frameInterval: number
  /** Side length of the analysed image relative to the model's input, in (0, 1]. */
  readonly resolutionScale: number
}

export interface RetrainingConfiguration {
  readonly name: string
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  /** All layers, the head only, or the last n layers with weights. */
  readonly trainableLayers: 'all' | 'head' | number
  /** Width of a hidden layer in front of the head; absent: the model's own head. */
  readonly hiddenUnits?: number
  /** Fraction of the labelled samples that is trained on, in (0, 1]. */
  readonly dataFraction: number
}

/** Common to all three roles. */
interface WorkerConfig {
  readonly namespace: string
  readonly stream: string
  /** Class names in the model's output order. */
  readonly classes: readonly string[]
  /** Root of the storage folder as the pod sees it. */
  readonly storage: string
  readonly device: Device
  readonly seed: number
}

// ── inference ────────────────────────────────────────────────────────────────

export interface InferenceWorkerConfig extends WorkerConfig {
  readonly role: 'inference'
  readonly source: Source
  /** Frames per second offered. */
  readonly frameRate: number
  readonly model: ModelReference
  readonly configuration: InferenceConfiguration
  /** The window to begin in; absent: the pod waits for `POST /window`, serving window 0 from its own start meanwhile without keeping samples. */
  readonly window?: WindowClock
  /** The pod is to take over from another one: it loads and tries its model, gets ready, and analyses nothing before `POST /activate`. */
  readonly standby?: boolean
  /** The how-manyth pod of the stream it is, from 1 (default): each keeps its own books of a window, which add up. */
  readonly generation?: number
}

/** Frame `frame` of the window that starts at `startsAt`; −1 is the one before its first. All pods of a stream number frames alike. */
export interface FrameMark {
  readonly window: number
  /** RFC 3339. */
  readonly startsAt: string
  readonly frame: number
}

/**
 * `POST /activate` of a pod that stands by: it analyses from this frame on, also where that was due already. Absent: from the one that is
 * due. Idempotent; refused with TooLate by a pod that has begun with another frame.
 */
export interface ActivateRequest {
  readonly from?: FrameMark
}

/**
 * `POST /drain`: the pod analyses up to this frame, and ends with exit code 0 and an InferenceResult. Idempotent; refused with TooLate by a
 * pod that has begun a later one. Absent: it stops at once, stays, and is not ready any more.
 */
export interface DrainRequest {
  readonly until?: FrameMark
}

/** Termination message of an inference pod that was drained. */
export interface InferenceResult {
  readonly kind: 'inference'
  readonly until: FrameMark
  /** The last frame that it was offered; null: none. */
  readonly lastFrame: { readonly window: number; readonly frame: number } | null
  /** Since the process began. */
  readonly frames: FrameCounts
}

/**
 * `POST /window`. Idempotent for the same index and start. At `startsAt + durationSeconds` the pod rolls over to the next index by itself,
 * so that no frame and no sample is lost while the operator is away; after two windows in which nobody announced anything or asked for `/status`
 * it stops keeping samples.
 */
export interface WindowClock {
  readonly index: number
  /** RFC 3339. Frame i of the window is due at startsAt + i / frameRate. */
  readonly startsAt: string
  readonly durationSeconds: number
  /** Frames to keep for labelling, spread evenly at random (seeded) over the window; 0 keeps none. */
  readonly maxSamples: number
}

export interface FrameCounts {
  readonly offered: number
  readonly analysed: number
  /** Left out on purpose, by the inference configuration's frameInterval. */
  readonly skipped: number
  /** Left out because the share did not suffice. offered = analysed + skipped + dropped. */
  readonly dropped: number
}

/** `GET /status` of an inference pod. `POST /model` takes a ModelReference, `POST /configuration` an InferenceConfiguration; all answer with the new status. */
export interface InferenceStatus {
  readonly role: 'inference'
  readonly stream: string
  readonly model: { readonly uri: string; readonly digest: string }
  readonly configuration: string
  readonly window: {
    readonly index: number
    readonly startsAt: string
    readonly frames: FrameCounts
    readonly samples: number
  } | null
  /** Since the process began. */
  readonly frames: FrameCounts
  /** GPU-seconds that one analysed frame costs (moving average), null before the first. */
  readonly gpuSecondsPerFrame: number | null
  readonly latencySeconds: { readonly p50: number; readonly p95: number } | null
  readonly draining: boolean
  /** It waits for `POST /activate`. */
  readonly standby?: boolean
  /** Where it was told to take over. */
  readonly from?: FrameMark
  /** Where it was told to end. */
  readonly until?: FrameMark
  /** RFC 3339: what the time is by the pod's clock. */
  readonly now?: string
  /** Corrupt frames, counted as dropped too. */
  readonly refused?: number
  /** Why the pod does not serve, or serves without keeping samples. It goes on trying. */
  readonly error?: WorkerError['error']
}

/** Body of every non-2xx answer of a worker. */
export interface WorkerError {
  readonly error: { readonly code: WorkerErrorCode; readonly message: string }
}

export type WorkerErrorCode =
  | 'BadRequest'
  | 'ConfigInvalid'
  | 'ModelNotFound'
  | 'ModelInvalid'
  | 'ModelDigestMismatch'
  | 'ModelClassesMismatch'
  | 'SourceNotFound'
  | 'SourceInvalid'
  | 'LabelsInvalid'
  | 'TooFewSamples'
  | 'OperatorUnsupported'
  | 'LossDiverged'
  | 'StorageFailed'
  | 'Cancelled'
  | 'Interrupted'
  | 'TooLate'
  | 'ShareMismatch'
  | 'Internal'

// ── profile ──────────────────────────────────────────────────────────────────

export interface ProfileWorkerConfig extends WorkerConfig {
  readonly role: 'profile'
  /** The window that is being planned. */
  readonly window: number
  /** The window whose samples are labelled, normally window − 1. */
  readonly samplesWindow: number
  /** Absent: the source's own labels are the golden labels. */
  readonly goldenModel?: ModelReference
  readonly model: ModelReference
  /** The model first deployed. */
  readonly initialModel: ModelReference
  readonly maxSamples: number
  readonly microProfiler: {
    readonly epochs: number
    readonly sampleFraction: number
    readonly budgetGpuSeconds?: number
    /** Names of configurations, those to be micro-profiled first at the front; what is not in it comes last. Absent: the cheapest first. */
    readonly order?: readonly string[]
  }
  /** What to micro-profile; empty: label and measure only. */
  readonly configurations: readonly RetrainingConfiguration[]
  /** Windows before samplesWindow whose samples are trained on, too. */
  readonly historyWindows: number
  /** How much a sample of those counts in training against one of samplesWindow, in (0, 1]. */
  readonly historyWeight: number
  readonly validationFraction: number
  /** RFC 3339. What would not be profiled by then is left out: a result that comes too late is worth nothing. Absent: there is time for all. */
  readonly endsBy?: string
}

export interface MicroProfile {
  readonly configuration: string
  /** [full-data epochs' worth of training (epochs × sampleFraction), validation accuracy] after each micro-profiled epoch. */
  readonly points: readonly (readonly [number, number])[]
  /** One epoch over the configuration's own data (dataFraction × samples incl. history), in GPU-seconds. */
  readonly gpuSecondsPerEpoch: number
  /** Once per training pod: start, model, data, graph. */
  readonly setupGpuSeconds: number
  /** Accuracy of the best model of these epochs on the frames of `ProfileResult.soFar`; absent: not measured. */
  readonly soFar?: number
}

/** Termination message of a profile pod. */
export interface ProfileResult {
  readonly kind: 'profile'
  readonly window: number
  readonly samplesWindow: number
  readonly labelled: number
  /** Left out: corrupt images, and labels of classes that the stream no longer has. */
  readonly refused: number
  readonly accuracy?: {
    /** What was served in samplesWindow (reused results included) against the golden labels. */
    readonly measured: number
    /** The model in use at full share on the same samples. */
    readonly current: number
    /** The model first deployed at full share on the same samples. */
    readonly initial: number
    /** The model in use on the validation data: frames of the running window and the last ones before it. */
    readonly validation: number
    /** Independent labels that those of samplesWindow are worth; absent: as many as there are. */
    readonly independent?: number
  }
  /** Of the window that is being planned: the frames kept of it until the profiling was over. Absent: there were none. */
  readonly soFar?: {
    readonly labelled: number
    /** What was served. */
    readonly measured: number
    /** The model in use at full share. */
    readonly current: number
    /** The same, had it been as accurate on each class as in samplesWindow: what lies between the two is drift, and not the mix of a few objects. */
    readonly expected: number
    /** Independent labels that these are worth; absent: as many as there are. */
    readonly independent?: number
  }
  /** coherence[k]: probability that the golden label k frames ago equals the present one; [0] = 1, at most 17 entries. */
  readonly coherence?: readonly number[]
  /** Share of each class among the golden labels. */
  readonly classMix?: readonly number[]
  readonly frames?: FrameCounts
  readonly gpuSecondsPerFrame?: number
  /** GPU-seconds that this pod used. */
  readonly gpuSeconds: number
  readonly profiles: readonly MicroProfile[]
  readonly error?: WorkerError['error']
}

export interface ProfileStatus {
  readonly role: 'profile'
  readonly stream: string
  readonly window: number
  readonly phase: 'loading' | 'labeling' | 'profiling' | 'done' | 'failed'
  readonly progress: number
  readonly error?: WorkerError['error']
}

// ── training ─────────────────────────────────────────────────────────────────

export interface TrainingWorkerConfig extends WorkerConfig {
  readonly role: 'training'
  readonly window: number
  /** The model in use: the training starts from it, and its validation accuracy is the baseline of the gate. */
  readonly model: ModelReference
  readonly configuration: RetrainingConfiguration
  /** Windows whose labelled samples are trained on, newest first. */
  readonly samplesWindows: readonly number[]
  /** How much a sample counts in training that is not of the newest of these, in (0, 1]. */
  readonly historyWeight: number
  readonly validationFraction: number
  readonly checkpointEverySeconds: number
  /** What pods before this one have spent on the same training, which it goes on with from their checkpoint. */
  readonly spent?: { readonly gpuSeconds: number; readonly seconds: number }
}

/** `POST /interrupt` of a training pod: it writes a checkpoint and ends with the error Interrupted, so that another pod goes on with it. */

export interface TrainingStatus {
  readonly role: 'training'
  readonly stream: string
  readonly window: number
  readonly phase: 'loading' | 'training' | 'done' | 'failed'
  readonly epoch: number
  readonly epochs: number
  /** In [0, 1]. */
  readonly progress: number
  readonly validationAccuracy: number | null
  /** [epochs done, validation accuracy after them] in order, the last epoch included, some others left out where there are many. */
  readonly points?: readonly (readonly [number, number])[]
  readonly gpuSeconds: number
  /** Seconds of a processor, and of a GPU's work that has come to an end, since the process began: it stands still where storage or a GPU hangs. */
  readonly workSeconds?: number
  /** GPU-seconds still needed, null while unknown. */
  readonly remainingGpuSeconds: number | null
  readonly imagesPerSecond: number | null
  readonly error?: WorkerError['error']
}

/** Termination message of a training pod. */
export interface TrainingResult {
  readonly kind: 'training'
  readonly window: number
  readonly configuration: string
  /** The best model by validation accuracy; absent on error. */
  readonly model?: { readonly uri: string; readonly digest: string }
  readonly validationAccuracy?: number
  /** The model in use on the same validation samples. */
  readonly baselineAccuracy?: number
  readonly bestEpoch?: number
  readonly epochs: number
  readonly samples: number
  /** Left out: corrupt images, and labels of classes that the stream no longer has. */
  readonly refused: number
  readonly gpuSeconds: number
  readonly seconds: number
  readonly peakMemoryBytes: number
  readonly error?: WorkerError['error']
}

export type WorkerResult = InferenceResult | ProfileResult | TrainingResult
export type WorkerStatus = InferenceStatus | ProfileStatus | TrainingStatus
export type WorkerConfiguration = InferenceWorkerConfig | ProfileWorkerConfig | TrainingWorkerConfig
