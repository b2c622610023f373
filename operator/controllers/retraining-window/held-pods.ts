/** What the workers on a GPU hold of it and should hold, where shares are changed by new pods. Pure. */
import { endingAnnotation, failedResizeAnnotation } from '../../api/names.ts'
import { isOn } from '../../cluster/pod.ts'
import { onDuty, type PodSnapshot } from '../../cluster/snapshot.ts'
import { type ReplacingBackend, SharingError, type SiteGpu } from '../../sharing/backend.ts'
import { parseFailedResize, pauseBefore } from '../../sharing/failed-resize.ts'
import { parseMillicores } from '../../sharing/quantity.ts'
import type { Amount } from '../../sharing/swap-order.ts'
import { type StatedPod, statePods } from '../../sharing/swap-state.ts'
import { workerContainer } from '../../sharing/worker-container.ts'
import { deviceMemory } from '../pod-manifest.ts'
import type { GpuPods } from './in-place-pods.ts'
import { sameGpu } from './pod-actuator.ts'
import type { WantedPod } from './wanted-pods.ts'

/** What a pod that is to take over gets to be ready: that, and the cpu time that a start takes on the cpu that it may use. */
const ready = { seconds: 20, cpuSeconds: 2 }

/** One purpose with its pods, the oldest first. */
export interface Held {
  readonly name: string
  readonly target: WantedPod | undefined
  readonly pods: readonly PodSnapshot[]
  readonly stated: readonly StatedPod[]
  /** Inference pods of it on other GPUs, from or to which it moves. */
  readonly elsewhere: readonly PodSnapshot[]
  readonly wanted: Amount | null
  /** Why the backend cannot give what is planned; what there is stays. */
  readonly refusal?: string
  /** When what failed may be tried again; what there is stays until then. */
  readonly againInMs?: number
}

export function heldBy({
  gpu,
  backend,
  site,
  wanted,
  leaving,
  outgoing,
}: GpuPods<ReplacingBackend>): readonly Held[] {
  // What has ended holds nothing; an inference pod still has something to say.
  const here = site.pods.filter(pod => isOn(pod, gpu) && !(pod.finished && pod.role !== 'inference'))
  const targets = wanted.filter(target => sameGpu(target.gpu, gpu))
  const names = [...new Set([...targets, ...here].map(each => ('worker' in each ? each.worker : each.name)))]
  return names.map(name => {
    const target = targets.find(each => each.name === name)
    const pods = here.filter(pod => pod.worker === name).toSorted((a, b) => a.generation - b.generation)
    const stated = statePods(
      pods.map(pod => ({
        name: pod.name,
        generation: pod.generation,
        amount: backend.amountOf(pod.pod, gpu),
        createdAt: createdAt(pod),
        readySeconds: readySeconds(pod),
        ready: pod.ready,
        terminating: pod.terminating || leaving.has(pod.uid),
        finished: pod.finished || pod.rejected !== undefined,
        standby: pod.standby,
        ending: pod.pod.metadata.annotations?.[endingAnnotation] !== undefined,
        ...problemOf(pod),
      })),
      site.now,
    )
    const elsewhere = site.pods.filter(
      pod => pod.role === 'inference' && pod.worker === name && !isOn(pod, gpu),
    )
    const { renewable, ...amounts } = amountFor(target, { pods, elsewhere }, { backend, gpu, site, outgoing })
    const isOutdated = ({ pod, state }: StatedPod): boolean =>
      renewable && state === 'serving' && pods.some(({ name, uid }) => name === pod && outgoing.has(uid))
    return {
      name,
      target,
      pods,
      elsewhere,
      stated: stated.map(each => (isOutdated(each) ? { ...each, outdated: true } : each)),
      ...amounts,
    }
  })
}

/** What a worker should hold; what it has where that cannot be changed now. */
function amountFor(
  target: WantedPod | undefined,
  { pods, elsewhere }: Pick<Held, 'pods' | 'elsewhere'>,
  { backend, gpu, site, outgoing }: Pick<GpuPods<ReplacingBackend>, 'backend' | 'gpu' | 'site' | 'outgoing'>,
): Pick<Held, 'wanted' | 'refusal' | 'againInMs'> & { readonly renewable: boolean } {
  const renewable = false
  if (target === undefined) {
    // Until its pod on another GPU takes over it stays as it is.
    const stays = pods.find(({ uid }) => outgoing.has(uid))
    return { wanted: stays === undefined ? null : backend.amountOf(stays.pod, gpu), renewable }
  }
  const holder = onDuty(pods.filter(pod => !pod.terminating && !pod.finished))
  const held = holder === undefined ? null : backend.amountOf(holder.pod, gpu)
  // A profile pod is short-lived and cannot be interrupted.
  if (held !== null && target.role === 'profile') return { wanted: held, renewable }
  let amount: Amount
  try {
    const memory = target.role === 'inference' ? deviceMemory(target.stream.stream) : undefined
    amount = backend.amount(target.share, gpu, memory)
  } catch (error) {
    if (!(error instanceof SharingError)) throw error
    return { wanted: held, refusal: error.message, renewable }
  }
  const window = site.window.status?.current?.index ?? 0
  const movesFrom = holder === undefined ? onDutyOn(elsewhere) : undefined
  const failed = holder ?? movesFrom
  const on = movesFrom === undefined ? undefined : gpuName(gpu)
  const againInMs = failed === undefined ? 0 : pauseBefore(failedOf(failed), amount, window, site.now, on)
  return againInMs > 0 ? { wanted: held, againInMs, renewable: false } : { wanted: amount, renewable: true }
}

function problemOf({ rejected, error, failure, pod }: PodSnapshot): { readonly problem?: string } {
  if (rejected !== undefined) return { problem: rejected }
  if (error?.code === 'ShareMismatch') return { problem: error.message }
  if (failure !== undefined) return { problem: failure }
  return pod.status?.phase === 'Failed' ? { problem: pod.status.message ?? 'it failed' } : {}
}

/** Rounded to whole seconds. */
function readySeconds({ pod }: PodSnapshot): number {
  const { cpu } = pod.spec.containers.find(({ name }) => name === workerContainer)?.resources?.limits ?? {}
  return Math.round(
    ready.seconds + (cpu === undefined ? 0 : ready.cpuSeconds / (parseMillicores(cpu) / 1000)),
  )
}

/** The pod that serves, or is the next to, of those on some GPU; undefined: all of them stand by or have ended. */
export const onDutyOn = (pods: readonly PodSnapshot[]): PodSnapshot | undefined =>
  onDuty(pods.filter(({ standby, terminating, finished }) => !standby && !terminating && !finished))

/** As it stands in the record of a failed resize. */
export const gpuName = ({ node, gpu }: Pick<SiteGpu, 'node' | 'gpu'>): string => `${node}/${gpu}`

export const createdAt = ({ pod }: PodSnapshot): number =>
  Date.parse(pod.metadata.creationTimestamp ?? '1970-01-01T00:00:00Z')

export const failedOf = ({ pod }: PodSnapshot) =>
  parseFailedResize(pod.metadata.annotations?.[failedResizeAnnotation])
