/**
 * Which worker pods a site should have, as a function of what is written in the window's status.
 *
 *   inference  one per planned stream, always
 *   profile    one per planned stream while the window is in Labeling or Profiling and there is an earlier window to learn from
 *   training   one per planned retraining that has not ended
 *
 * A pod of the current window that has ended stays for people to look at; it holds no share. Every other pod is to go.
 */
import {
  gpuAnnotation,
  inferencePodName,
  nodeAnnotation,
  profilePodName,
  trainingPodName,
} from '../../api/names.ts'
import { sourceProblem } from '../../api/sources.ts'
import type { WorkerRole } from '../../api/worker.ts'
import { cutOffNode } from '../../cluster/lost-nodes.ts'
import { isOn } from '../../cluster/pod.ts'
import {
  activeStreams,
  type PodSnapshot,
  type SiteSnapshot,
  type StreamSnapshot,
  wasInterrupted,
} from '../../cluster/snapshot.ts'
import type { SiteGpu } from '../../sharing/backend.ts'
import { beginsAgain, type PlanItem, trains } from '../plan-status.ts'

export interface WantedPod {
  /** Without a generation. */
  readonly name: string
  readonly role: WorkerRole
  readonly stream: StreamSnapshot
  readonly item: PlanItem
  readonly share: number
  readonly gpu: SiteGpu
  /** Lower gets free shares first. */
  readonly priority: number
}

export function wantedPods(site: SiteSnapshot): readonly WantedPod[] {
  const { plan, current } = site.window.status ?? {}
  if (plan === undefined || current === undefined) return []
  const profiling = (current.phase === 'Labeling' || current.phase === 'Profiling') && current.index > 0
  return plan.items.flatMap(item => {
    const stream = site.streams.find(s => s.name === item.stream)
    const gpu = site.gpus.find(g => g.node === item.node && g.gpu === item.gpu)
    if (stream === undefined || gpu === undefined) return []
    // Planned with another source: its pods go before the next plan leaves it out.
    if (sourceProblem(stream.stream.spec.source) !== undefined) return []
    const pod = (role: WorkerRole, name: string, share: number, priority: number): WantedPod[] =>
      share > 0
        ? [{ name, role, stream, item, share: Math.min(share, gpu.largestShare ?? 1), gpu, priority }]
        : []
    const neighbours = plan.items.filter(i => i.node === item.node && i.gpu === item.gpu)
    // Sums of fractions come out a little beside 1.
    const free = Number((1 - neighbours.reduce((sum, i) => sum + i.inferenceShare, 0)).toFixed(6))
    const labelingShare = Math.max(0, Math.min(site.window.spec.labeling.share, free)) / neighbours.length
    return [
      ...pod('inference', inferencePodName(item.stream), item.inferenceShare, 0),
      ...(profiling && stream.profile?.finished !== true
        ? pod('profile', profilePodName(item.stream, current.index), labelingShare, 1)
        : []),
      ...(current.phase === 'Retraining' &&
      trains(item) &&
      (stream.training?.finished !== true ||
        wasInterrupted(stream.training) ||
        beginsAgain(item, stream.training))
        ? pod('training', trainingPodName(item.stream, current.index), item.trainingShare ?? 0, 2)
        : []),
    ]
  })
}

/**
 * Whether a pod may be on its GPU. All clients of a GPU with a fault are lost, also those that do not notice, and it serves again when the last
 * of them has gone: none stays, and none is made. A training stays until the status says that it begins again.
 */
export const mayServe = ({ gpu, role, item, stream }: WantedPod): boolean =>
  gpu.fault === undefined ||
  (role === 'training' && item.state === 'Training' && stream.training?.finished === false)

/**
 * Inference pods that go on as they are although nothing is wanted where they are: the GPU that their stream is to move to has a fault, or their
 * stream takes part and is not planned yet, as where a node is back that only it may use. They are never on a GPU with a fault themselves.
 */
export function stayingPods(site: SiteSnapshot, planned: readonly WantedPod[]): readonly PodSnapshot[] {
  const active = new Set(activeStreams(site).map(({ name }) => name))
  const items = new Set(site.window.status?.plan?.items.map(({ stream }) => stream))
  return site.pods.filter(pod => {
    if (pod.role !== 'inference' || pod.finished || pod.rejected !== undefined) return false
    const here = site.gpus.find(gpu => isOn(pod, gpu))
    if (here === undefined || here.fault !== undefined) return false
    const target = planned.find(({ name }) => name === pod.worker)
    return target === undefined ? active.has(pod.stream) && !items.has(pod.stream) : !mayServe(target)
  })
}

/** A pod that kubelet refused is made again after so long, and not at once: the node may need a moment, and refuse again. */
const rejectedSeconds = 2

const isOverdue = ({ rejected, pod }: PodSnapshot, now: number): boolean =>
  rejected !== undefined &&
  now >= Date.parse(pod.metadata.creationTimestamp ?? '1970-01-01') + rejectedSeconds * 1000

/** One that is to take over on the GPU of the pod before it, which is told that it failed. */
const isJudgedInSwap = ({ pod, standby, worker }: PodSnapshot, { pods }: SiteSnapshot): boolean => {
  const { [nodeAnnotation]: node = '', [gpuAnnotation]: gpu = '' } = pod.metadata.annotations ?? {}
  return standby && pods.some(each => each.worker === worker && !each.standby && isOn(each, { node, gpu }))
}

/**
 * An inference pod on a lost node whose stream has no other place: it may well serve on, and nobody gains by its end. Others that are lost
 * are made up for elsewhere.
 */
function isLeftAlone(pod: PodSnapshot, site: SiteSnapshot): boolean {
  const stream = site.streams.find(({ name }) => name === pod.stream)
  return (
    pod.role === 'inference' &&
    stream !== undefined &&
    stream.stream.spec.suspended !== true &&
    cutOffNode(site, pod) !== undefined
  )
}

/** Pods on a lost node in whose place others are wanted elsewhere. Nobody there confirms that they have ended, and until they are gone their names are taken. */
export function cutOffPods(site: SiteSnapshot, wanted: readonly WantedPod[]): readonly PodSnapshot[] {
  return site.pods.filter(pod => {
    const lost = cutOffNode(site, pod)
    return lost !== undefined && !pod.finished && wanted.some(({ name }) => name === pod.worker)
  })
}

/** Pods that have no place in the site any more, and those that will never run. */
export function surplusPods(
  site: SiteSnapshot,
  wanted: readonly WantedPod[],
  staying: readonly PodSnapshot[] = [],
): readonly PodSnapshot[] {
  const names = new Set(wanted.map(w => w.name))
  const index = site.window.status?.current?.index
  return site.pods.filter(
    pod =>
      !pod.terminating &&
      ((isOverdue(pod, site.now) && !isJudgedInSwap(pod, site)) ||
        (!names.has(pod.worker) &&
          !isLeftAlone(pod, site) &&
          !staying.includes(pod) &&
          !(pod.finished && pod.role !== 'inference' && pod.index === index))),
  )
}
