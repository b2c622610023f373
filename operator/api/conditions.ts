/**
 * Conditions: the aspects of an object's state, and why they are as they are.
 *
 * Reasons stand in one list, so that alerts and people can rely on them. A condition's lastTransitionTime moves only when its
 * status does, and an unchanged condition is returned as it is: what did not change is not written.
 */
import type { Condition } from './generated/types.ts'

export const streamConditions = {
  /** The stream is served by its model. */
  Ready: 'Ready',
  /** The inference pod answers. */
  Serving: 'Serving',
  /** The last window's frames have golden labels. */
  Labeled: 'Labeled',
  /** The model in use lost accuracy against the one that was trained. */
  Drifting: 'Drifting',
  /** The share of the stream's pods is being changed. */
  Resizing: 'Resizing',
  Suspended: 'Suspended',
} as const
export type StreamConditionType = (typeof streamConditions)[keyof typeof streamConditions]

export const windowConditions = {
  /** The window runs, or could. */
  Ready: 'Ready',
  /** A plan for the window that runs is in force. */
  Scheduled: 'Scheduled',
  Suspended: 'Suspended',
} as const
export type WindowConditionType = (typeof windowConditions)[keyof typeof windowConditions]

/** Every reason, with what it means. Names follow the worker's error codes where the worker found it. */
export const reasons = {
  // As wanted.
  Serving: 'The inference pod serves the model in use.',
  Labeled: 'The last window has golden labels.',
  Stable: 'The accuracy of the model in use holds.',
  AsPlanned: 'All pods hold the share that the plan gives them.',
  Planned: 'A plan is in force.',
  Running: 'The window runs.',
  Completed: 'The window ran once, as asked.',
  Active: 'Not suspended.',
  // On the way.
  Starting: 'The inference pod starts.',
  WaitingForStreams: 'The selected streams do not serve yet.',
  WaitingForPlan: 'The window is not planned yet.',
  ResizePending: 'A new share is wanted and not in force yet.',
  ResizeDeferred: 'The node has no room for the new share at the moment.',
  Swapping: 'A new pod with the new share is to take over.',
  ResizeFailed: 'The new pod could not take over; the old one goes on with its share.',
  Drifted: 'The accuracy of the model in use fell.',
  // The user said so.
  SuspendedByUser: 'spec.suspended is true.',
  // Something is missing or wrong: a person has to act.
  NoWindow: 'No RetrainingWindow selects the stream.',
  WindowConflict: 'An older RetrainingWindow governs the stream.',
  NoStreams: 'The selector matches no stream.',
  NoGpu: 'No node of the site offers a GPU.',
  GpuFault: 'MPS does not serve on a GPU: it does again once all its clients have gone.',
  GpusLeftOut: 'GPUs of the site cannot be shared and are left out.',
  ClockSkew: "A node's clock is off from the operator's by a second or more.",
  NodeNotReady: 'The pod, or all GPUs of the site, are on nodes that cannot be reached.',
  TooManyStreams: 'More streams are selected than a window can have.',
  InsufficientGpu: 'More streams than steps of GPU share.',
  PodUnschedulable: 'The scheduler found no node for the pod.',
  PodFailed: 'A pod ended or cannot start.',
  PlanFailed: 'The policy failed.',
  ConfigInvalid: 'The worker refuses its configuration.',
  ModelNotFound: 'There is no file at the model URI.',
  ModelInvalid: 'The model file does not load.',
  ModelDigestMismatch: 'The model file is not the one that was recorded.',
  ModelClassesMismatch: 'The model has more outputs than spec.classes, or the golden model another number.',
  SourceNotFound: 'There is nothing at the source URI.',
  SourceInvalid: 'The source cannot be read.',
  LabelsInvalid: 'The labels of the source are corrupt.',
  TooFewSamples: 'Too few labelled frames to train on.',
  OperatorUnsupported: 'The model has an ONNX operator that cannot be trained.',
  LossDiverged: 'The training diverged; the model in use stays.',
  StorageFailed: 'The storage cannot be read or written.',
  Cancelled: 'The work was stopped.',
  Interrupted: 'The training goes on in another pod.',
  TooLate: 'A frame that was to be handed over has been analysed already.',
  ShareMismatch: 'The GPU does not give the pod the multiprocessors that its share is worth.',
  Internal: 'An error of the operator or a worker.',
} as const satisfies Readonly<Record<string, string>>
export type Reason = keyof typeof reasons

export interface ConditionInput {
  readonly type: StreamConditionType | WindowConditionType
  readonly status: boolean
  readonly reason: Reason
  readonly message: string
  /** metadata.generation that the judgement is about. */
  readonly observedGeneration?: number
}

/** Bound of a condition's message; the CRD allows more, so that no write fails on it. */
export const messageLimit = 1024

/** Cuts in the middle of a sentence rather than let the API server refuse the whole status. */
export function truncateMessage(message: string, limit = messageLimit): string {
  if (message.length <= limit) return message
  const cut = message.slice(0, limit - 1)
  // Never half of a surrogate pair.
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

/**
 * The list with this condition in it; the others stay. Sorted by type, so that the same conditions give the same list.
 *
 * @param now of the transition, should there be one.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  input: ConditionInput,
  now: Date,
): readonly Condition[] {
  const list = conditions ?? []
  const existing = list.find(({ type }) => type === input.type)
  const next = transition(existing, input, now)
  if (next === existing) return list
  return [...list.filter(({ type }) => type !== input.type), next].sort((a, b) =>
    a.type < b.type ? -1 : a.type > b.type ? 1 : 0,
  )
}

/** Several at once. */
export function setConditions(
  conditions: readonly Condition[] | undefined,
  inputs: readonly ConditionInput[],
  now: Date,
): readonly Condition[] {
  return inputs.reduce<readonly Condition[]>(
    (list, input) => setCondition(list, input, now),
    conditions ?? [],
  )
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: ConditionInput['type'],
): Condition | undefined {
  return conditions?.find(condition => condition.type === type)
}

function transition(existing: Condition | undefined, input: ConditionInput, now: Date): Condition {
  const status = input.status ? 'True' : 'False'
  const message = truncateMessage(input.message)
  const { observedGeneration, reason, type } = input
  if (
    existing?.status === status &&
    existing.reason === reason &&
    existing.message === message &&
    existing.observedGeneration === observedGeneration
  ) {
    return existing
  }
  return {
    type,
    status,
    reason,
    message,
    lastTransitionTime: existing?.status === status ? existing.lastTransitionTime : stamp(now),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  }
}

/** Kubernetes' Time has whole seconds; the API server would cut the rest, and the next comparison would differ. */
function stamp(now: Date): string {
  return now.toISOString().replace(/\.\d{3}Z$/, 'Z')
}
