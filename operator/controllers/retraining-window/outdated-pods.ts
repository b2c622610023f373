/**
 * Inference pods that cannot become what is wanted: on another GPU, made from another template, or ended though they should serve. Where pods
 * take over from each other (`swapped-pods.ts`), one that serves goes on until its successor does; all others go at once. Pure.
 */
import { templateAnnotation } from '../../api/names.ts'
import { isOn } from '../../cluster/pod.ts'
import { newest, onDuty, type PodSnapshot, type SiteSnapshot } from '../../cluster/snapshot.ts'
import type { BackendSet } from '../../sharing/backends/registry.ts'
import { templateHash } from '../pod-manifest.ts'
import { inferenceConfig } from '../worker-config.ts'
import { createdAt } from './held-pods.ts'
import { configInput, type PodActuator } from './pod-actuator.ts'
import type { WantedPod } from './wanted-pods.ts'

export interface OutdatedPods {
  readonly remove: readonly PodSnapshot[]
  /** They serve until another pod takes over. */
  readonly outgoing: readonly PodSnapshot[]
}

/** What a pod on another GPU gets to be ready; then the old one goes, whose share was given to others. */
const moveMs = 60_000

export function outdatedPods(
  site: SiteSnapshot,
  wanted: readonly WantedPod[],
  actuator: Pick<PodActuator, 'backends' | 'options' | 'seed'>,
): OutdatedPods {
  const remove: PodSnapshot[] = []
  const outgoing: PodSnapshot[] = []
  for (const pod of site.pods) {
    const target = wanted.find(w => w.name === pod.worker)
    if (target === undefined || pod.role !== 'inference' || pod.terminating) continue
    const others = site.pods.filter(each => each.worker === pod.worker && each !== pod)
    if (!isOn(pod, target.gpu)) (handsOver(pod, others, target, site, actuator) ? outgoing : remove).push(pod)
    else if (actuator.backends.of(target.gpu).resizes === 'in-place') {
      // Where pods take over from each other they end by themselves.
      if (pod.finished || hasOtherTemplate(pod, target, site, actuator)) remove.push(pod)
    } else if (!pod.finished && hasOtherTemplate(pod, target, site, actuator)) {
      const successor = newest(others.filter(each => each.generation > pod.generation && !each.standby))
      // What has been told its last frame ends by itself.
      if (successor !== undefined) continue
      ;(serves(pod) ? outgoing : remove).push(pod)
    }
  }
  return { remove, outgoing }
}

const serves = ({ ready, standby, finished }: PodSnapshot): boolean => ready && !standby && !finished

function handsOver(
  pod: PodSnapshot,
  others: readonly PodSnapshot[],
  target: WantedPod,
  { gpus, now }: SiteSnapshot,
  { backends }: { readonly backends: BackendSet },
): boolean {
  const from = gpus.find(gpu => isOn(pod, gpu))
  if (from === undefined || from.fault !== undefined || pod.standby) return false
  if (backends.of(from).resizes !== 'replace' || backends.of(target.gpu).resizes !== 'replace') return false
  const successor = newest(others.filter(each => each.generation > pod.generation))
  // What it has agreed to is needed until its successor serves, also where it has ended.
  if (successor !== undefined && !successor.standby) return true
  // One that was refused says nothing of how long another takes.
  const isWaitedFor =
    successor === undefined || successor.rejected !== undefined || now - createdAt(successor) <= moveMs
  return serves(pod) && onDuty([pod, ...others]) === pod && isWaitedFor
}

function hasOtherTemplate(
  pod: PodSnapshot,
  target: WantedPod,
  site: SiteSnapshot,
  actuator: Pick<PodActuator, 'options' | 'seed'>,
): boolean {
  const config = inferenceConfig(configInput(target, site, actuator))
  return (
    pod.pod.metadata.annotations?.[templateAnnotation] !==
    templateHash(config, target.stream.stream, actuator.options)
  )
}
