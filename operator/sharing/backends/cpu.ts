/**
 * The cpu backend: all cores of a labelled node, or as many as a second label says, stand for one "GPU", and a share is the cpu limit of a container.
 *
 * Limits are hard (CFS bandwidth), so two pods of 0.2 and 0.6 get cpu time as 1 : 3 even when the node is idle
 * otherwise, which is what a GPU share means as well. Requests equal limits, so kube-scheduler and kubelet refuse what
 * would exceed the node. A resize goes through the pod's `/resize` subresource and restarts nothing.
 */
import {
  backendLabel,
  type InPlaceBackend,
  type RawNode,
  type RawPod,
  type RawResources,
  type ShareReading,
  SharingError,
  type SiteGpu,
} from '../backend.ts'
import { formatMillicores, parseMillicores } from '../quantity.ts'
import { workerContainer, workerOf } from '../worker-container.ts'

const name = 'cpu'
/** How many cores of a node are shared; absent: all that are allocatable. */
export const coresLabel = 'ekya.dev/cpu-cores'
/** The kernel refuses quotas below 1 ms per period; 10m is the API server's own practical floor for a limit. */
export const minimumMillicores = 10
/** 1.5 cores × 0.35 is 524.99… in floating point: without this, rounding down would lose a millicore. */
const roundingGuard = 1e-6

const wholeMillicores = (gpu: SiteGpu): number => (gpu.device.cores ?? 0) * 1000

function millicoresOf(share: number, gpu: SiteGpu): number {
  if (!(share > 0 && share <= 1)) {
    throw new SharingError(
      'share-out-of-range',
      `share ${share} of GPU ${gpu.node}/${gpu.gpu} is out of range; accepted: more than 0, at most 1`,
    )
  }
  return Math.max(minimumMillicores, Math.floor(share * wholeMillicores(gpu) + roundingGuard))
}

/** Limits that make a share; the memory of this device is the node's. @throws SharingError `share-out-of-range`. */
export function renderCpuShare(share: number, gpu: SiteGpu, memory?: string) {
  const amounts = {
    cpu: formatMillicores(millicoresOf(share, gpu)),
    ...(memory === undefined ? {} : { memory }),
  }
  return { resources: { requests: amounts, limits: amounts } }
}

function shareOf(resources: RawResources | undefined, gpu: SiteGpu): number | undefined {
  const cpu = resources?.limits?.cpu ?? resources?.requests?.cpu
  return cpu === undefined ? undefined : parseMillicores(cpu) / wholeMillicores(gpu)
}

/** What a pod's limits make it hold of the GPU. @throws SharingError `no-worker-container`. */
export function readCpuShare(pod: RawPod, gpu: SiteGpu): ShareReading {
  const desired = shareOf(workerOf(pod).resources, gpu) ?? 0
  const phase = pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') return { desired, actual: 0, resizing: false }

  const status = pod.status?.containerStatuses?.find(candidate => candidate.name === workerContainer)
  const enforced = shareOf(status?.resources, gpu)
  const allocated = status?.allocatedResources
    ? shareOf({ requests: status.allocatedResources }, gpu)
    : undefined
  // The node admits a resize (allocated) before it enforces it: whichever is larger may be in use.
  const actual =
    enforced === undefined && allocated === undefined ? desired : Math.max(enforced ?? 0, allocated ?? 0)

  const conditions = pod.status?.conditions?.filter(condition => condition.status === 'True') ?? []
  const pending = conditions.find(condition => condition.type === 'PodResizePending')
  const inProgress = conditions.find(condition => condition.type === 'PodResizeInProgress')
  const stuck = pending ?? (inProgress?.reason === 'Error' ? inProgress : undefined)
  return {
    desired,
    actual,
    resizing: pending !== undefined || inProgress !== undefined || Math.abs(actual - desired) > 1e-6,
    ...(stuck && {
      problem: `${stuck.reason ?? 'Pending'}: ${stuck.message ?? 'the node gives no message'}`,
    }),
  }
}

function discover(node: RawNode): readonly SiteGpu[] {
  const cores = cpuCores(node, name)
  if (cores === 0) return []
  const { name: machine = '', labels = {} } = node.metadata ?? {}
  return [{ node: machine, gpu: '0', device: { kind: 'cpu', cores }, labels }]
}

/** Cores that a node offers to this backend; 0 for a node of another one, that takes no pods, or whose label is no number of cores. */
export function cpuCores(node: RawNode, backend: string): number {
  if (node.metadata?.labels?.[backendLabel] !== backend || !node.metadata.name) return 0
  if (node.spec?.unschedulable) return 0
  const cpu = node.status?.allocatable?.cpu
  return cpu === undefined ? 0 : Math.min(parseMillicores(cpu) / 1000, labelledCores(node) ?? 0)
}

/** Requests of pods that are not ours count on the node as well, so its owner may say how many cores are for sharing. */
export function cpuRefusals(node: RawNode, backend: string): readonly string[] {
  const { name: machine = '', labels = {} } = node.metadata ?? {}
  if (labels[backendLabel] !== backend || labelledCores(node) !== undefined) return []
  return [
    `node ${machine} (${backend}): its label ${coresLabel} is "${labels[coresLabel]}"; accepted: a number of cores above 0, such as 3, 1.5 or 1500m`,
  ]
}

/** Without a label no bound; undefined: the label is no number of cores. */
function labelledCores(node: RawNode): number | undefined {
  const text = node.metadata?.labels?.[coresLabel]
  if (text === undefined) return Number.POSITIVE_INFINITY
  try {
    const cores = parseMillicores(text) / 1000
    return cores > 0 ? cores : undefined
  } catch {
    return undefined
  }
}

export const cpuBackend: InPlaceBackend = {
  name,
  // A limit of cpu time takes effect at once, and half the time does half the work.
  training: { resizeSeconds: 0 },
  resizes: 'in-place',
  granularity: 0.001,
  discover,
  refusals: node => cpuRefusals(node, name),
  render: renderCpuShare,
  read: readCpuShare,
  resizePatch: (pod, share, gpu) => ({
    spec: { containers: [{ name: workerOf(pod).name, resources: renderCpuShare(share, gpu).resources }] },
  }),
}
