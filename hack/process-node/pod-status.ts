/**
 * The status of a pod as a kubelet 1.35 would write it, and the smallest patch that brings the API server's copy there.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Container } from './container.ts'
import {
  type ContainerSpec,
  type ContainerStatus,
  isTerminal,
  type Pod,
  type PodCondition,
  type PodPhase,
  type PodStatus,
  type Resources,
  timestamp,
} from './pod.ts'

export interface StatusInput {
  readonly pod: Pod
  readonly previous: PodStatus | undefined
  readonly address: string | undefined
  readonly hostIP: string
  readonly startTime: string | undefined
  /** Set when the pod has ended. */
  readonly verdict:
    | { readonly phase: PodPhase; readonly reason?: string; readonly message?: string }
    | undefined
  readonly resize: PodCondition | undefined
  readonly containers: readonly {
    readonly spec: ContainerSpec
    readonly container: Container
    readonly allocated: Resources
  }[]
}

/** The conditions that the node owns; others (PodScheduled, those of users) are left alone. */
const ownConditions = ['Initialized', 'ContainersReady', 'Ready', 'PodResizePending', 'PodResizeInProgress']

export interface NodePodStatus extends PodStatus {
  readonly hostIP: string
  readonly hostIPs: readonly { readonly ip: string }[]
  readonly podIPs?: readonly { readonly ip: string }[]
}

export function podStatus(input: StatusInput): NodePodStatus {
  const { pod, verdict, address, hostIP, startTime } = input
  const containerStatuses =
    input.containers.length > 0
      ? input.containers.map(containerStatus)
      : (pod.status?.containerStatuses ?? [])
  const started = containerStatuses.every(({ state, lastState }) => !state.waiting || lastState.terminated)
  const phase = verdict?.phase ?? (containerStatuses.length > 0 && started ? 'Running' : 'Pending')
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    ...(verdict?.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict?.message === undefined ? {} : { message: verdict.message }),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(address === undefined ? {} : { podIP: address, podIPs: [{ ip: address }] }),
    ...(startTime === undefined ? {} : { startTime }),
    conditions: conditions(input, phase, containerStatuses),
    containerStatuses,
  }
}

function containerStatus({ spec, container, allocated }: StatusInput['containers'][number]): ContainerStatus {
  const { requests = allocated.limits } = allocated
  return {
    name: spec.name,
    image: spec.image ?? '',
    imageID: '',
    ...(container.id === undefined ? {} : { containerID: container.id }),
    restartCount: container.restartCount,
    ready: container.ready,
    started: container.started,
    state: container.state,
    lastState: container.lastState,
    ...(requests ? { allocatedResources: requests } : {}),
    resources: allocated,
  }
}

function conditions(
  input: StatusInput,
  phase: PodPhase,
  containers: readonly ContainerStatus[],
): PodCondition[] {
  const previous = new Map((input.previous?.conditions ?? []).map(entry => [entry.type, entry]))
  const generation = input.pod.metadata.generation
  const make = (type: string, met: boolean, reason?: string, message?: string): PodCondition => ({
    type,
    status: met ? 'True' : 'False',
    ...(met || reason === undefined ? {} : { reason }),
    ...(met || message === undefined ? {} : { message }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  })
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name)
  const ready = !isTerminal(phase) && containers.length > 0 && unready.length === 0
  const reason =
    phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : 'ContainersNotReady'
  const message = isTerminal(phase) ? undefined : `containers with unready status: [${unready.join(' ')}]`
  const list = [
    make('Initialized', true),
    make('ContainersReady', ready, reason, message),
    make('Ready', ready, reason, message),
    ...(input.resize ? [input.resize] : []),
  ]
  return list.map(entry => {
    const before = previous.get(entry.type)
    const since = before?.status === entry.status ? before.lastTransitionTime : undefined
    return { ...entry, lastTransitionTime: since ?? timestamp(new Date()) }
  })
}

/**
 * A strategic merge patch, or undefined when nothing differs. Conditions are merged by type; one of ours that is no more is deleted.
 */
export function statusPatch(
  previous: PodStatus | undefined,
  status: NodePodStatus,
): Record<string, unknown> | undefined {
  const gone = (previous?.conditions ?? []).filter(
    ({ type }) => ownConditions.includes(type) && !status.conditions?.some(entry => entry.type === type),
  )
  const before: Record<string, unknown> = { ...previous }
  const patch: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(status)) {
    if (key !== 'conditions' && !isDeepStrictEqual(before[key], value)) patch[key] = value
  }
  const changed = (status.conditions ?? []).filter(
    entry =>
      !isDeepStrictEqual(
        previous?.conditions?.find(({ type }) => type === entry.type),
        entry,
      ),
  )
  if (changed.length > 0 || gone.length > 0) {
    patch.conditions = [...changed, ...gone.map(({ type }) => ({ $patch: 'delete', type }))]
  }
  return Object.keys(patch).length > 0 ? patch : undefined
}
