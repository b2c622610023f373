/**
 * Names that the operator gives: API group, pods, labels, annotations. Nothing else may build such a name.
 *
 * Pod names are deterministic, so that the API server refuses a second pod for the same purpose. They are unambiguous:
 * what follows the stream's name ends in a word for inference and in a window's index for the others.
 */
import type { WorkerRole } from './worker.ts'

export const group = 'ekya.dev'
export const version = 'v1alpha1'
export const apiVersion = `${group}/${version}` as const

/** CRD rule on CameraStream.metadata.name: `<stream>-training-<k>` stays a DNS label for any k below 10^14. */
export const streamNameLimit = 40
/** A RetrainingWindow's name becomes a label's value. */
export const windowNameLimit = 63

export const inferencePodName = (stream: string): string => `${stream}-inference`
export const profilePodName = (stream: string, window: number): string => `${stream}-profile-${window}`
export const trainingPodName = (stream: string, window: number): string => `${stream}-training-${window}`
/** Where a share is changed by a new pod: `cam-0-inference`, then `cam-0-inference-g2`, and so on. */
export const podNameOf = (worker: string, generation: number): string =>
  generation === 1 ? worker : `${worker}-g${generation}`

export const managedByLabel = 'app.kubernetes.io/managed-by'
export const managedByValue = 'ekya-operator'
/** Name of the CameraStream. */
export const streamLabel = 'ekya.dev/stream'
/** A WorkerRole. */
export const roleLabel = 'ekya.dev/role'
/** Index of the window that a profile or training pod belongs to. */
export const windowIndexLabel = 'ekya.dev/window'
/** Name of the RetrainingWindow. */
export const retrainingWindowLabel = 'ekya.dev/retraining-window'

/** Node and GPU on which a pod holds its share. */
export const nodeAnnotation = 'ekya.dev/node'
export const gpuAnnotation = 'ekya.dev/gpu'
/** Hash of what a long-lived pod was made from; when it differs from what is wanted, the pod is replaced. */
export const templateAnnotation = 'ekya.dev/template'

/** What people ask of a CameraStream; requests.ts says what the values are. */
export const retrainAnnotation = 'ekya.dev/retrain'
export const rollbackAnnotation = 'ekya.dev/rollback'

/** Which pod of its purpose it is, from 2 on; the first has no such label. */
export const generationLabel = 'ekya.dev/generation'
/** `true` on a pod that was made to take over from another one. */
export const standbyAnnotation = 'ekya.dev/standby'
/** The frame at which a pod takes over, as JSON (HandOver); written before either pod is told. */
export const takeOverAnnotation = 'ekya.dev/takes-over-at'
/** On a pod that goes on because its successor could not take over: what was tried, as JSON (FailedResize). */
export const failedResizeAnnotation = 'ekya.dev/resize-failed'
/** RFC 3339: when a training was asked to end, so that it goes on in another pod. */
export const endingAnnotation = 'ekya.dev/ending-since'

export const workerRoles: readonly WorkerRole[] = ['inference', 'profile', 'training']
