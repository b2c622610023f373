// Generated from crds/*.yaml by `npm run generate`; a test fails when it is not up to date.
import type { ManifestMeta, ObjectMeta } from '../metadata.ts'

/** A CameraStream is one camera: where its frames come from, the small model that classifies them, and what matters to its owner. The RetrainingWindow whose selector matches it decides what share of which GPU it gets and when its model is retrained. */
export interface CameraStream {
  readonly apiVersion: 'ekya.dev/v1alpha1'
  readonly kind: 'CameraStream'
  readonly metadata: ObjectMeta
  readonly spec: CameraStreamSpec
  readonly status?: CameraStreamStatus
}

/** A CameraStream as a person writes it. */
export interface CameraStreamInput {
  readonly apiVersion: 'ekya.dev/v1alpha1'
  readonly kind: 'CameraStream'
  readonly metadata: ManifestMeta
  readonly spec: CameraStreamSpecInput
}

/** A RetrainingWindow governs one site: the CameraStreams that it selects and the GPUs that they share. Over and over, for the length of one window, it labels recent frames, estimates what each retraining would gain and cost, and decides who retrains, how, and with what share. */
export interface RetrainingWindow {
  readonly apiVersion: 'ekya.dev/v1alpha1'
  readonly kind: 'RetrainingWindow'
  readonly metadata: ObjectMeta
  readonly spec: RetrainingWindowSpec
  readonly status?: RetrainingWindowStatus
}

/** A RetrainingWindow as a person writes it. */
export interface RetrainingWindowInput {
  readonly apiVersion: 'ekya.dev/v1alpha1'
  readonly kind: 'RetrainingWindow'
  readonly metadata: ManifestMeta
  readonly spec: RetrainingWindowSpecInput
}

/** What is wanted. */
export interface CameraStreamSpec {
  /** Where the frames come from. Exactly one of rtsp, video, samples and scene is set. */
  readonly source: Source
  /** Frames per second that are offered to inference, above 0 and at most 60. Default 5. */
  readonly frameRate: number
  /** Names of the classes in the order of the model's outputs, 2 to 256, each once. New ones go behind the others; the model gets outputs for them when it is retrained. Any other change needs another model.uri with it. */
  readonly classes: readonly string[]
  /** The small model (student) that is deployed first. Retraining starts from it. */
  readonly model: InitialModel
  /** The expensive model whose answers are taken for the truth. May be absent where the source carries labels (samples, scene), which are then used. */
  readonly goldenModel?: GoldenModel
  /** How frames may be analysed. */
  readonly inference: Inference
  /** Accuracy floor in [0, 1]. The scheduler chooses no inference configuration that falls below it while another one fits. Default 0. */
  readonly minAccuracy: number
  /** Importance of this stream in the mean accuracy that the scheduler maximises, above 0 and at most 1000. Default 1. */
  readonly weight: number
  /** Device memory of the inference pod as a Kubernetes quantity, for example 500Mi. Absent means that it is not accounted for. */
  readonly memory?: string | number
  /** How the model learns. sgd is stochastic gradient descent with momentum on the golden labels. Default sgd. */
  readonly learner: 'sgd'
  /** Labels of the nodes on which this stream's pods may run, in addition to the RetrainingWindow's. Default {}, which is any node. */
  readonly nodeSelector: Readonly<Record<string, string>>
  /** Stop inference and retraining of this stream and give back its share. Default false. */
  readonly suspended: boolean
}

/** Where the frames come from. Exactly one of rtsp, video, samples and scene is set. */
export type Source =
  | { readonly rtsp: RtspSource; readonly video?: undefined; readonly samples?: undefined; readonly scene?: undefined }
  | { readonly rtsp?: undefined; readonly video: VideoSource; readonly samples?: undefined; readonly scene?: undefined }
  | { readonly rtsp?: undefined; readonly video?: undefined; readonly samples: SamplesSource; readonly scene?: undefined }
  | { readonly rtsp?: undefined; readonly video?: undefined; readonly samples?: undefined; readonly scene: SceneSource }

/** A camera that speaks RTSP. Workers cannot read it yet. Such a stream gets no pod, and its condition Ready says SourceInvalid. */
export interface RtspSource {
  /** Address of the stream, for example rtsp://10.0.3.7:554/main. Without user and password, which belong into credentialsSecret. */
  readonly url: string
  /** Name of a Secret in the stream's namespace with the keys username and password. Absent means that the camera asks for none. */
  readonly credentialsSecret?: string
  /** How the frames travel, tcp or udp. Default tcp. */
  readonly transport: 'tcp' | 'udp'
}

/** A video file, played at frameRate. Workers cannot read it yet. Such a stream gets no pod, and its condition Ready says SourceInvalid. */
export interface VideoSource {
  /** The file. A path relative to the storage root, or file:///absolute/path. */
  readonly uri: string
  /** Begin again at the end of the file. Default true. */
  readonly loop: boolean
}

/** A folder in Ekya's samplelist form, one CSV per window. Window k plays list k in order at frameRate, cut or repeated to fill the window. The class column of the CSV holds the golden labels. */
export interface SamplesSource {
  /** The folder. A path relative to the storage root, or file:///absolute/path. */
  readonly uri: string
}

/** A generated street scene whose labels are known, for trying out and for tests. */
export interface SceneSource {
  /** Seed of the scene. Two cameras with the same seed and preset see the same. */
  readonly seed: number
  /** street drifts in class mix, light, weather and view; plain does not. Default street. */
  readonly preset: 'street' | 'plain'
}

/** The small model (student) that is deployed first. Retraining starts from it. */
export interface InitialModel {
  /** ONNX file with one image input and one score per class. A path relative to the storage root, or file:///absolute/path. */
  readonly uri: string
}

/** The expensive model whose answers are taken for the truth. May be absent where the source carries labels (samples, scene), which are then used. */
export interface GoldenModel {
  /** ONNX file with the same classes as the model. A path relative to the storage root, or file:///absolute/path. */
  readonly uri: string
}

/** How frames may be analysed. */
export interface Inference {
  /** The inference configurations that the scheduler chooses from, 1 to 16, each name once. Default is one, every-frame, that analyses every frame at full resolution. */
  readonly configurations: readonly InferenceConfiguration[]
}

/** One way of analysing frames, cheaper or better than the others. */
export interface InferenceConfiguration {
  /** Name within the list, in lower-case letters, digits and '-'. */
  readonly name: string
  /** Every n-th frame is analysed, the others reuse the last result. At least 1, at most 600. Default 1. */
  readonly frameInterval: number
  /** Side length of the analysed image relative to the model's input, above 0 and at most 1. Default 1. */
  readonly resolutionScale: number
}

/** What is wanted. */
export interface CameraStreamSpecInput {
  /** Where the frames come from. Exactly one of rtsp, video, samples and scene is set. */
  readonly source: SourceInput
  /** Frames per second that are offered to inference, above 0 and at most 60. Default 5. */
  readonly frameRate?: number
  /** Names of the classes in the order of the model's outputs, 2 to 256, each once. New ones go behind the others; the model gets outputs for them when it is retrained. Any other change needs another model.uri with it. */
  readonly classes: readonly string[]
  /** The small model (student) that is deployed first. Retraining starts from it. */
  readonly model: InitialModel
  /** The expensive model whose answers are taken for the truth. May be absent where the source carries labels (samples, scene), which are then used. */
  readonly goldenModel?: GoldenModel
  /** How frames may be analysed. */
  readonly inference?: InferenceInput
  /** Accuracy floor in [0, 1]. The scheduler chooses no inference configuration that falls below it while another one fits. Default 0. */
  readonly minAccuracy?: number
  /** Importance of this stream in the mean accuracy that the scheduler maximises, above 0 and at most 1000. Default 1. */
  readonly weight?: number
  /** Device memory of the inference pod as a Kubernetes quantity, for example 500Mi. Absent means that it is not accounted for. */
  readonly memory?: string | number
  /** How the model learns. sgd is stochastic gradient descent with momentum on the golden labels. Default sgd. */
  readonly learner?: 'sgd'
  /** Labels of the nodes on which this stream's pods may run, in addition to the RetrainingWindow's. Default {}, which is any node. */
  readonly nodeSelector?: Readonly<Record<string, string>>
  /** Stop inference and retraining of this stream and give back its share. Default false. */
  readonly suspended?: boolean
}

/** Where the frames come from. Exactly one of rtsp, video, samples and scene is set. */
export type SourceInput =
  | { readonly rtsp: RtspSourceInput; readonly video?: undefined; readonly samples?: undefined; readonly scene?: undefined }
  | { readonly rtsp?: undefined; readonly video: VideoSourceInput; readonly samples?: undefined; readonly scene?: undefined }
  | { readonly rtsp?: undefined; readonly video?: undefined; readonly samples: SamplesSource; readonly scene?: undefined }
  | { readonly rtsp?: undefined; readonly video?: undefined; readonly samples?: undefined; readonly scene: SceneSourceInput }

/** A camera that speaks RTSP. Workers cannot read it yet. Such a stream gets no pod, and its condition Ready says SourceInvalid. */
export interface RtspSourceInput {
  /** Address of the stream, for example rtsp://10.0.3.7:554/main. Without user and password, which belong into credentialsSecret. */
  readonly url: string
  /** Name of a Secret in the stream's namespace with the keys username and password. Absent means that the camera asks for none. */
  readonly credentialsSecret?: string
  /** How the frames travel, tcp or udp. Default tcp. */
  readonly transport?: 'tcp' | 'udp'
}

/** A video file, played at frameRate. Workers cannot read it yet. Such a stream gets no pod, and its condition Ready says SourceInvalid. */
export interface VideoSourceInput {
  /** The file. A path relative to the storage root, or file:///absolute/path. */
  readonly uri: string
  /** Begin again at the end of the file. Default true. */
  readonly loop?: boolean
}

/** A generated street scene whose labels are known, for trying out and for tests. */
export interface SceneSourceInput {
  /** Seed of the scene. Two cameras with the same seed and preset see the same. */
  readonly seed: number
  /** street drifts in class mix, light, weather and view; plain does not. Default street. */
  readonly preset?: 'street' | 'plain'
}

/** How frames may be analysed. */
export interface InferenceInput {
  /** The inference configurations that the scheduler chooses from, 1 to 16, each name once. Default is one, every-frame, that analyses every frame at full resolution. */
  readonly configurations?: readonly InferenceConfigurationInput[]
}

/** One way of analysing frames, cheaper or better than the others. */
export interface InferenceConfigurationInput {
  /** Name within the list, in lower-case letters, digits and '-'. */
  readonly name: string
  /** Every n-th frame is analysed, the others reuse the last result. At least 1, at most 600. Default 1. */
  readonly frameInterval?: number
  /** Side length of the analysed image relative to the model's input, above 0 and at most 1. Default 1. */
  readonly resolutionScale?: number
}

/** What was seen last. Written by the operator only. */
export interface CameraStreamStatus {
  /** metadata.generation that this status is about. */
  readonly observedGeneration?: number
  /** Ready, Serving, Labeled, Drifting, Resizing and Suspended, each with a reason from one list (see the reference page). */
  readonly conditions?: readonly Condition[]
  /** The window that the stream is in. Absent while no RetrainingWindow selects it. */
  readonly window?: StreamWindow
  /** What the inference pod holds. */
  readonly allocation?: Allocation
  /** The model that is served. */
  readonly model?: ServedModel
  /** Models that have been served, the one taken into use last first, at most 20. Any of them can be served again by the annotation ekya.dev/rollback. */
  readonly models?: readonly PastModel[]
  /** Annotations of the stream that have been acted on; each is acted on once. */
  readonly requests?: StreamRequests
  /** Accuracy of what was served, reused results included, against the golden labels. */
  readonly accuracy?: StreamAccuracy
  /** Frames of one window. offered = analysed + skipped + dropped. */
  readonly frames?: Frames
  /** The training that runs. Absent while none does. */
  readonly retraining?: StreamRetraining
  /** One sentence that says why the stream does or does not retrain in this window. */
  readonly decision?: string
}

/** One aspect of the present state. */
export interface Condition {
  /** Name of the aspect. */
  readonly type: string
  /** Whether it holds. */
  readonly status: 'True' | 'False' | 'Unknown'
  /** metadata.generation that the condition is about. */
  readonly observedGeneration?: number
  /** When status changed last. */
  readonly lastTransitionTime: string
  /** Why, in one word for programs. */
  readonly reason: string
  /** Why, in a sentence for people. */
  readonly message: string
}

/** The window that the stream is in. Absent while no RetrainingWindow selects it. */
export interface StreamWindow {
  /** Name of the RetrainingWindow that governs the stream. */
  readonly name: string
  /** Index of the window that runs, from 0. */
  readonly index?: number
}

/** What the inference pod holds. */
export interface Allocation {
  /** Name of the node. */
  readonly node: string
  /** The GPU on that node. */
  readonly gpu: string
  /** Fraction of that GPU, in [0, 1]. */
  readonly share: number
  /** Inference configuration in use. */
  readonly configuration?: string
}

/** The model that is served. */
export interface ServedModel {
  /** Its file, relative to the storage root, or file:///absolute/path. */
  readonly uri: string
  /** SHA-256 of the file in hex. */
  readonly digest?: string
  /** First 8 characters of the digest. */
  readonly version?: string
  /** Accuracy at full share on the newest labelled frames, in [0, 1]. */
  readonly accuracy?: number
  /** Index of the window in which it was trained. Absent for the model first deployed. */
  readonly trainedInWindow?: number
  /** The model first deployed, spec.model.uri at that time. */
  readonly initialUri?: string
  /** SHA-256 of the model first deployed, in hex. */
  readonly initialDigest?: string
}

/** One model that has been served. */
export interface PastModel {
  /** Its file, relative to the storage root, or file:///absolute/path. */
  readonly uri: string
  /** SHA-256 of the file in hex. */
  readonly digest: string
  /** Validation accuracy when it was taken, in [0, 1]. Absent for a model that was deployed. */
  readonly accuracy?: number
  /** Index of the window in which it was trained. Absent for a model that was deployed. */
  readonly trainedInWindow?: number
  /** When it was taken into use last. */
  readonly servedSince?: string
}

/** Annotations of the stream that have been acted on; each is acted on once. */
export interface StreamRequests {
  /** Value of ekya.dev/retrain for which a training has begun. */
  readonly retrain?: string
  /** Value of ekya.dev/rollback whose model has been taken into use. */
  readonly rollback?: string
}

/** Accuracy of what was served, reused results included, against the golden labels. */
export interface StreamAccuracy {
  /** In the last window that was labelled, in [0, 1]. */
  readonly measured?: number
  /** What the plan of the window that runs predicts for the whole of it, in [0, 1]. */
  readonly predicted?: number
  /** What the model first deployed would have had in the last window that was labelled, in [0, 1]. */
  readonly withoutRetraining?: number
  /** Index of the window that measured and withoutRetraining are about. */
  readonly window?: number
}

/** Frames of one window. offered = analysed + skipped + dropped. */
export interface Frames {
  /** Frames that the source offered. */
  readonly offered: number
  /** Frames that the model saw. */
  readonly analysed: number
  /** Frames left out on purpose, by the inference configuration. */
  readonly skipped: number
  /** Frames left out because the share did not suffice. */
  readonly dropped: number
  /** Index of the window. */
  readonly window?: number
}

/** The training that runs. Absent while none does. */
export interface StreamRetraining {
  /** Retraining configuration. */
  readonly configuration: string
  /** Fraction of one GPU that the training pod holds, in [0, 1]. */
  readonly share: number
  /** Part that is done, in [0, 1]. */
  readonly progress?: number
  /** When it is expected to be done. */
  readonly completesAt?: string
}

/** What is wanted. */
export interface RetrainingWindowSpec {
  /** Labels of the CameraStreams in the same namespace that this window governs. A stream belongs to at most one window: the older one wins, and the stream says so in a condition. Default {}, which is every stream in the namespace. */
  readonly streamSelector: StreamSelector
  /** Length of one window, from 10s to 24h, for example 90s, 3m20s or 1h. Default 200s. */
  readonly duration: string
  /** Always begins the next window when one ends. Once stops when window 1, the first one that can retrain, has been measured. Default Always. */
  readonly repeat: 'Always' | 'Once'
  /** The GPUs of the site. */
  readonly gpus: Gpus
  /** Who decides about shares and retraining. */
  readonly scheduler: Scheduler
  /** How gain and cost of a retraining are estimated before it is done. */
  readonly microProfiler: MicroProfiler
  /** What may be trained, on what data, and when a trained model is taken. */
  readonly retraining: Retraining
  /** How frames are labelled with the golden model. */
  readonly labeling: Labeling
  /** End the window that runs, giving its trainings up, and begin no other. Inference goes on. Default false. */
  readonly suspended: boolean
  /** Windows that status.history keeps, 1 to 100. An object holds about 1.5 MB, so keep this times the number of streams below 4000. Default 20. */
  readonly historyLimit: number
}

/** Labels of the CameraStreams in the same namespace that this window governs. A stream belongs to at most one window: the older one wins, and the stream says so in a condition. Default {}, which is every stream in the namespace. */
export interface StreamSelector {
  /** Labels that a stream must have, with these values. Default {}. */
  readonly matchLabels: Readonly<Record<string, string>>
  /** Requirements on labels that a stream must all meet. Default []. */
  readonly matchExpressions: readonly StreamRequirement[]
}

/** One requirement on a label. */
export interface StreamRequirement {
  /** The label's key. */
  readonly key: string
  /** How the label is compared with values. */
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  /** Values for In and NotIn. */
  readonly values?: readonly string[]
}

/** The GPUs of the site. */
export interface Gpus {
  /** Labels of the nodes whose GPUs belong to the site. Default {}, which is every node that offers a GPU. */
  readonly nodeSelector: Readonly<Record<string, string>>
  /** Use at most so many GPUs, 1 to 1024. Absent means all of them. */
  readonly maximum?: number
}

/** Who decides about shares and retraining. */
export interface Scheduler {
  /** thief takes shares from one job for another while the predicted mean accuracy rises (Ekya). horizon plans the whole window: which streams retrain, in which order and with what share over time. fair splits evenly and always retrains with one fixed configuration. none never retrains. Default thief. */
  readonly policy: 'thief' | 'horizon' | 'fair' | 'none'
  /** Smallest change of a share, as a fraction of one GPU, from 0.01 to 0.5. Default 0.1. */
  readonly step: number
  /** Options of the policy. What it does not know is reported in the condition Ready. Default {}. */
  readonly options: Readonly<Record<string, unknown>>
}

/** How gain and cost of a retraining are estimated before it is done. */
export interface MicroProfiler {
  /** Epochs that each retraining configuration is tried for, 2 to 50. Default 5. */
  readonly epochs: number
  /** Fraction of the training data that is used for it, above 0 and at most 1. Default 0.1. */
  readonly sampleFraction: number
  /** Part of the window's GPU-seconds that all micro-profiles together may take, above 0 and at most 1. They are made in the order of what they are worth, by what earlier windows have shown; what this does not suffice for is left out. Default 0.2. */
  readonly budgetFraction: number
  /** How the micro-profiles are extrapolated. ekya fits the curve of Optimus to the epochs tried. pooled weighs that curve's value against what trainings of all streams of the site came to, and estimates configurations that were not micro-profiled from those; micro-profiles that would change no choice are then left out. Default ekya. */
  readonly estimator: 'ekya' | 'pooled'
  /** The rest of the window is planned again when the first epochs of a training change the accuracy that is expected of it by more than this, above 0 and at most 1. 1 means never. Default 0.05. */
  readonly replanThreshold: number
}

/** What may be trained, on what data, and when a trained model is taken. */
export interface Retraining {
  /** The retraining configurations that the scheduler chooses from, 1 to 32, each name once. Default is head-10 (the last layer, 10 epochs), all-10 and all-30 (all layers, 10 and 30 epochs). */
  readonly configurations: readonly RetrainingConfiguration[]
  /** Number of earlier windows whose labelled frames join those of the newest one in training, 0 to 50. Default 2. */
  readonly historyWindows: number
  /** How much a labelled frame of an earlier window counts in training against one of the newest, above 0 and at most 1. Default 1. */
  readonly historyWeight: number
  /** Fraction of the labelled frames that is kept out of training to measure with, from 0.05 to 0.9. Default 0.3. */
  readonly validationFraction: number
  /** Accuracy that a retrained model must have on the validation frames above the model in use to replace it, and least predicted gain that is worth a training, in [0, 1]. Default 0.01. */
  readonly minGain: number
}

/** One way of retraining, cheaper or better than the others. */
export interface RetrainingConfiguration {
  /** Name within the list, in lower-case letters, digits and '-'. */
  readonly name: string
  /** Passes over the training data, 1 to 1000. */
  readonly epochs: number
  /** Images per step, 1 to 1024. Default 32. */
  readonly batchSize: number
  /** Step size of gradient descent, above 0 and at most 10. Default 0.01. */
  readonly learningRate: number
  /** all, head (the last layer with weights), or a number n for the last n layers with weights, 1 to 1000. Default all. */
  readonly trainableLayers: 'all' | 'head' | number
  /** Width of a hidden layer in front of the head, 1 to 4096. Absent means the model's own head. */
  readonly hiddenUnits?: number
  /** Fraction of the labelled frames that is trained on, above 0 and at most 1. Default 1. */
  readonly dataFraction: number
}

/** How frames are labelled with the golden model. */
export interface Labeling {
  /** Frames per stream and window that are kept and labelled, 20 to 10000. Default 200. */
  readonly maxSamples: number
  /** Share of each GPU that labelling and micro-profiling hold together while they run, from 0.01 to 0.9. Default 0.3. */
  readonly share: number
}

/** What is wanted. */
export interface RetrainingWindowSpecInput {
  /** Labels of the CameraStreams in the same namespace that this window governs. A stream belongs to at most one window: the older one wins, and the stream says so in a condition. Default {}, which is every stream in the namespace. */
  readonly streamSelector?: StreamSelectorInput
  /** Length of one window, from 10s to 24h, for example 90s, 3m20s or 1h. Default 200s. */
  readonly duration?: string
  /** Always begins the next window when one ends. Once stops when window 1, the first one that can retrain, has been measured. Default Always. */
  readonly repeat?: 'Always' | 'Once'
  /** The GPUs of the site. */
  readonly gpus?: GpusInput
  /** Who decides about shares and retraining. */
  readonly scheduler?: SchedulerInput
  /** How gain and cost of a retraining are estimated before it is done. */
  readonly microProfiler?: MicroProfilerInput
  /** What may be trained, on what data, and when a trained model is taken. */
  readonly retraining?: RetrainingInput
  /** How frames are labelled with the golden model. */
  readonly labeling?: LabelingInput
  /** End the window that runs, giving its trainings up, and begin no other. Inference goes on. Default false. */
  readonly suspended?: boolean
  /** Windows that status.history keeps, 1 to 100. An object holds about 1.5 MB, so keep this times the number of streams below 4000. Default 20. */
  readonly historyLimit?: number
}

/** Labels of the CameraStreams in the same namespace that this window governs. A stream belongs to at most one window: the older one wins, and the stream says so in a condition. Default {}, which is every stream in the namespace. */
export interface StreamSelectorInput {
  /** Labels that a stream must have, with these values. Default {}. */
  readonly matchLabels?: Readonly<Record<string, string>>
  /** Requirements on labels that a stream must all meet. Default []. */
  readonly matchExpressions?: readonly StreamRequirement[]
}

/** The GPUs of the site. */
export interface GpusInput {
  /** Labels of the nodes whose GPUs belong to the site. Default {}, which is every node that offers a GPU. */
  readonly nodeSelector?: Readonly<Record<string, string>>
  /** Use at most so many GPUs, 1 to 1024. Absent means all of them. */
  readonly maximum?: number
}

/** Who decides about shares and retraining. */
export interface SchedulerInput {
  /** thief takes shares from one job for another while the predicted mean accuracy rises (Ekya). horizon plans the whole window: which streams retrain, in which order and with what share over time. fair splits evenly and always retrains with one fixed configuration. none never retrains. Default thief. */
  readonly policy?: 'thief' | 'horizon' | 'fair' | 'none'
  /** Smallest change of a share, as a fraction of one GPU, from 0.01 to 0.5. Default 0.1. */
  readonly step?: number
  /** Options of the policy. What it does not know is reported in the condition Ready. Default {}. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** How gain and cost of a retraining are estimated before it is done. */
export interface MicroProfilerInput {
  /** Epochs that each retraining configuration is tried for, 2 to 50. Default 5. */
  readonly epochs?: number
  /** Fraction of the training data that is used for it, above 0 and at most 1. Default 0.1. */
  readonly sampleFraction?: number
  /** Part of the window's GPU-seconds that all micro-profiles together may take, above 0 and at most 1. They are made in the order of what they are worth, by what earlier windows have shown; what this does not suffice for is left out. Default 0.2. */
  readonly budgetFraction?: number
  /** How the micro-profiles are extrapolated. ekya fits the curve of Optimus to the epochs tried. pooled weighs that curve's value against what trainings of all streams of the site came to, and estimates configurations that were not micro-profiled from those; micro-profiles that would change no choice are then left out. Default ekya. */
  readonly estimator?: 'ekya' | 'pooled'
  /** The rest of the window is planned again when the first epochs of a training change the accuracy that is expected of it by more than this, above 0 and at most 1. 1 means never. Default 0.05. */
  readonly replanThreshold?: number
}

/** What may be trained, on what data, and when a trained model is taken. */
export interface RetrainingInput {
  /** The retraining configurations that the scheduler chooses from, 1 to 32, each name once. Default is head-10 (the last layer, 10 epochs), all-10 and all-30 (all layers, 10 and 30 epochs). */
  readonly configurations?: readonly RetrainingConfigurationInput[]
  /** Number of earlier windows whose labelled frames join those of the newest one in training, 0 to 50. Default 2. */
  readonly historyWindows?: number
  /** How much a labelled frame of an earlier window counts in training against one of the newest, above 0 and at most 1. Default 1. */
  readonly historyWeight?: number
  /** Fraction of the labelled frames that is kept out of training to measure with, from 0.05 to 0.9. Default 0.3. */
  readonly validationFraction?: number
  /** Accuracy that a retrained model must have on the validation frames above the model in use to replace it, and least predicted gain that is worth a training, in [0, 1]. Default 0.01. */
  readonly minGain?: number
}

/** One way of retraining, cheaper or better than the others. */
export interface RetrainingConfigurationInput {
  /** Name within the list, in lower-case letters, digits and '-'. */
  readonly name: string
  /** Passes over the training data, 1 to 1000. */
  readonly epochs: number
  /** Images per step, 1 to 1024. Default 32. */
  readonly batchSize?: number
  /** Step size of gradient descent, above 0 and at most 10. Default 0.01. */
  readonly learningRate?: number
  /** all, head (the last layer with weights), or a number n for the last n layers with weights, 1 to 1000. Default all. */
  readonly trainableLayers?: 'all' | 'head' | number
  /** Width of a hidden layer in front of the head, 1 to 4096. Absent means the model's own head. */
  readonly hiddenUnits?: number
  /** Fraction of the labelled frames that is trained on, above 0 and at most 1. Default 1. */
  readonly dataFraction?: number
}

/** How frames are labelled with the golden model. */
export interface LabelingInput {
  /** Frames per stream and window that are kept and labelled, 20 to 10000. Default 200. */
  readonly maxSamples?: number
  /** Share of each GPU that labelling and micro-profiling hold together while they run, from 0.01 to 0.9. Default 0.3. */
  readonly share?: number
}

/** What was seen last. Written by the operator only. */
export interface RetrainingWindowStatus {
  /** metadata.generation that this status is about. */
  readonly observedGeneration?: number
  /** Ready, Scheduled and Suspended, each with a reason from one list (see the reference page). */
  readonly conditions?: readonly Condition[]
  /** The window that runs. Written before anything acts on it, so that a restarted operator goes on where it was. */
  readonly current?: CurrentWindow
  /** The plan of the window that runs. Shares in it are the ones in force; they change when a training ends and its share is handed on. */
  readonly plan?: WindowPlan
  /** Number of streams that the window governs. */
  readonly streams?: number
  /** Number of GPUs that the window governs. */
  readonly gpus?: number
  /** Windows that ended, newest first, at most historyLimit. */
  readonly history?: readonly WindowRecord[]
}

/** The window that runs. Written before anything acts on it, so that a restarted operator goes on where it was. */
export interface CurrentWindow {
  /** Index of the window, from 0. */
  readonly index: number
  /** Pending until the selected streams serve; Labeling, Profiling, Planning, Retraining and Closing in this order in every window; Suspended and Completed are rests. */
  readonly phase: 'Pending' | 'Labeling' | 'Profiling' | 'Planning' | 'Retraining' | 'Closing' | 'Suspended' | 'Completed'
  /** When the window began. */
  readonly startedAt?: string
  /** When the window ends. */
  readonly endsAt?: string
}

/** The plan of the window that runs. Shares in it are the ones in force; they change when a training ends and its share is handed on. */
export interface WindowPlan {
  /** Index of the window that it was made for. */
  readonly window: number
  /** When it was made. */
  readonly decidedAt: string
  /** Policy that made it. */
  readonly policy: string
  /** Weighted mean over the streams of the accuracy predicted for the whole window, in [0, 1]. Absent while nothing is known. */
  readonly predictedAccuracy?: number
  /** What the policy could not honour, for example an accuracy floor. */
  readonly warnings?: readonly string[]
  /** One item per stream that takes part, at most 512. */
  readonly items: readonly WindowPlanItem[]
}

/** What one stream gets, and what became of it. */
export interface WindowPlanItem {
  /** Name of the CameraStream. */
  readonly stream: string
  /** Node of its pods. */
  readonly node: string
  /** GPU of its pods on that node. */
  readonly gpu: string
  /** Fraction of the GPU for inference, in [0, 1]. */
  readonly inferenceShare: number
  /** Inference configuration in use. */
  readonly inferenceConfiguration: string
  /** Fraction of the GPU that the training holds, in [0, 1]. 0 while none runs. */
  readonly trainingShare: number
  /** How often the training was begun again, from its checkpoint, after a fault of its GPU. At most once. */
  readonly faults?: number
  /** Fraction of the GPU that the plan gave to the training, in [0, 1]. 0 where it gave none. */
  readonly plannedTrainingShare?: number
  /** spec.model.uri of the stream when it was planned. A training that began from another model is not taken. */
  readonly initialUri?: string
  /** Value of the stream's annotation ekya.dev/retrain that was open when it was planned. */
  readonly retrain?: string
  /** Value of the stream's annotation ekya.dev/rollback when it was planned. A training from before a rollback is not taken. */
  readonly rollback?: string
  /** Retraining configuration. Absent where the stream does not retrain. */
  readonly retrainingConfiguration?: string
  /** Accuracy predicted until the training is done, in [0, 1]. */
  readonly predictedBefore?: number
  /** Accuracy predicted once the training is done, in [0, 1]. */
  readonly predictedAfter?: number
  /** Accuracy predicted for the whole window, what has passed included, in [0, 1]. */
  readonly predictedWindow?: number
  /** Cost of the training in seconds on one whole GPU, as predicted, and once it ended as measured. */
  readonly gpuSeconds?: number
  /** What was estimated of the training when it was planned. */
  readonly estimate?: TrainingEstimate
  /** Accuracy of the trained model at full share that the plan reckons with since the training's first epochs were seen, in [0, 1]. Absent while that is the estimate. */
  readonly expectedAfter?: number
  /** When the training begins. */
  readonly startsAt?: string
  /** When the training is expected to be done, or was. */
  readonly completesAt?: string
  /** None for a stream that does not retrain; Planned, then Training; Accepted when the new model is served, Rejected when it was not better by minGain, Failed with a reason, Unfinished when the window ended first. */
  readonly state: 'None' | 'Planned' | 'Training' | 'Accepted' | 'Rejected' | 'Failed' | 'Unfinished'
  /** One sentence with the numbers that decided. */
  readonly reason?: string
  /** Validation accuracy of the model in use before, in [0, 1]. */
  readonly accuracyBefore?: number
  /** Validation accuracy of the trained model, in [0, 1]. */
  readonly accuracyAfter?: number
  /** The trained model. */
  readonly model?: TrainedModel
}

/** What was estimated of the training when it was planned. */
export interface TrainingEstimate {
  /** Accuracy of the trained model at full share, in [0, 1]. */
  readonly accuracyAfter?: number
  /** Cost in seconds on one whole GPU. */
  readonly gpuSeconds?: number
}

/** The trained model. */
export interface TrainedModel {
  /** SHA-256 of the file in hex. */
  readonly digest: string
  /** Its file, relative to the storage root. */
  readonly uri: string
}

/** What one window promised and what came of it. Accuracies are weighted means over the streams, in [0, 1]. */
export interface WindowRecord {
  /** Index of the window. */
  readonly index: number
  /** Policy that planned it. */
  readonly policy?: string
  /** Accuracy that the plan predicted. */
  readonly predicted?: number
  /** Accuracy that was served. */
  readonly realised?: number
  /** Accuracy of the models first deployed in the same window. */
  readonly withoutRetraining?: number
  /** realised less withoutRetraining. */
  readonly gain?: number
  /** GPU-seconds that trainings used. */
  readonly gpuSecondsTrained?: number
  /** Mean over the streams of the absolute difference between predicted and realised accuracy. */
  readonly profilerError?: number
  /** Number of streams whose model was replaced. */
  readonly retrained?: number
  /** Number of streams whose records were left out. Absent where all are there. */
  readonly streamsLeftOut?: number
  /** The same per stream. Left out of the oldest windows where all of them would make the object too large for the API server. */
  readonly streams?: readonly StreamRecord[]
}

/** What one window promised one stream and what came of it. */
export interface StreamRecord {
  /** Name of the CameraStream. */
  readonly name: string
  /** Accuracy that the plan predicted for the whole window. */
  readonly predicted?: number
  /** Accuracy that was served. */
  readonly realised?: number
  /** Accuracy of the model first deployed in the same window. */
  readonly withoutRetraining?: number
  /** Whether the model was replaced. */
  readonly retrained?: boolean
  /** Retraining configuration that was trained. Absent where none was. */
  readonly configuration?: string
  /** What was estimated of a training that ran to its end. Later estimates learn from it. */
  readonly estimate?: PastEstimate
  /** What came of that training. */
  readonly outcome?: PastOutcome
  /** Accuracy of the model in use at full share when the window was planned, in [0, 1]. */
  readonly accuracyBefore?: number
  /** What the micro-profiles of the window said. Left out of older windows where the object would become too large. */
  readonly profiled?: readonly ProfiledConfiguration[]
  /** Fraction of a GPU that the plan gave to inference. */
  readonly inferenceShare?: number
  /** Fraction of a GPU that the plan gave to the training. */
  readonly trainingShare?: number
  /** Frames that the source offered. */
  readonly framesOffered?: number
  /** Frames that the model saw. */
  readonly framesAnalysed?: number
  /** Frames left out because the share did not suffice. */
  readonly framesDropped?: number
}

/** What was estimated of a training that ran to its end. Later estimates learn from it. */
export interface PastEstimate {
  /** Accuracy of the trained model at full share, in [0, 1]. */
  readonly accuracyAfter?: number
  /** Cost in seconds on one whole GPU. */
  readonly gpuSeconds?: number
}

/** What came of that training. */
export interface PastOutcome {
  /** Accuracy of the trained model on this window's golden labels, at full share, in [0, 1]. Absent where it was not taken. */
  readonly accuracyAfter?: number
  /** Cost in seconds on one whole GPU. */
  readonly gpuSeconds?: number
}

/** What one micro-profile said. */
export interface ProfiledConfiguration {
  /** Retraining configuration. */
  readonly configuration: string
  /** Accuracy of the trained model at full share by the micro-profile alone, in [0, 1]. */
  readonly accuracyAfter: number
  /** Cost in seconds on one whole GPU by the micro-profile alone. */
  readonly gpuSeconds: number
}
