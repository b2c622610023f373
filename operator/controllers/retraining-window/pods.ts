/**
 * Brings a site's pods to what is written in its window's status: deletes what has no place, shrinks before it grows, and makes a pod
 * only when its share is free. Level-triggered: does what can be done at this moment and says whether anything is left.
 */

import { isOn } from '../../cluster/pod.ts'
import { onDuty, type PodSnapshot, type SiteSnapshot } from '../../cluster/snapshot.ts'
import type { ShareReading, SiteGpu } from '../../sharing/backend.ts'
import { resizeInPlace } from './in-place-pods.ts'
import { outdatedPods } from './outdated-pods.ts'
import { type Actuation, type PodActuator, remove } from './pod-actuator.ts'
import { shareProblems } from './share-problems.ts'
import type { Note } from './step.ts'
import { swapPods } from './swapped-pods.ts'
import { cutOffPods, mayServe, stayingPods, surplusPods, type WantedPod, wantedPods } from './wanted-pods.ts'

/** What is killed on a GPU with a fault harms nobody any more, and the sooner it has gone, the sooner the GPU serves. */
const lostGraceSeconds = 5

export async function actuatePods(
  seen: SiteSnapshot,
  actuator: PodActuator,
  signal?: AbortSignal,
): Promise<Actuation> {
  const { backends, recent } = actuator
  const site = recent.apply(seen)
  const planned = wantedPods(site)
  const waits = ({ role, name }: WantedPod): boolean =>
    actuator.profilingAwaited === true && role === 'profile' && !site.pods.some(pod => pod.worker === name)
  const wanted = planned.filter(each => mayServe(each) && !waits(each))
  const staying = stayingPods(site, planned)
  const surplus = surplusPods(site, wanted, staying)
  const outdated = outdatedPods(site, wanted, actuator)
  const gone = new Set([...surplus, ...outdated.remove, ...cutOffPods(site, wanted)])
  const faulty = site.gpus.filter(({ fault }) => fault !== undefined)
  for (const pod of gone) {
    const isLost = faulty.some(gpu => isOn(pod, gpu))
    await remove(pod, actuator, site, signal, isLost ? lostGraceSeconds : undefined)
  }

  const leaving = new Set([...gone].map(pod => pod.uid))
  const outgoing = new Set([...outdated.outgoing, ...onDutyOf(staying)].map(pod => pod.uid))
  const readings = new Map<string, ShareReading>()
  const notes: Note[] = [...shareProblems(site, backends)]
  const crowded: Crowded[] = []
  let underWay = leaving.size > 0 || site.pods.some(pod => pod.terminating)
  let pending = leaving.size > 0 || site.pods.some(pod => pod.rejected !== undefined)
  for (const pod of site.pods)
    if (pod.rejected !== undefined)
      notes.push({
        type: 'Warning',
        reason: 'PodFailed',
        message: `${pod.name} was refused by its node and is made again: ${pod.rejected}`,
        stream: pod.stream,
      })
  for (const { node, gpu, fault } of faulty) {
    const ended = surplus.filter(pod => isOn(pod, { node, gpu }))
    if (ended.length === 0) continue
    const names = ended.map(({ name }) => name).join(', ')
    notes.push({
      type: 'Warning',
      reason: 'GpuFault',
      message: `GPU ${node}/${gpu}: ${fault}; ${names} are ended, and pods are made again when it serves`,
    })
  }
  let againInMs = Number.POSITIVE_INFINITY
  for (const gpu of site.gpus) {
    const backend = backends.of(gpu)
    const here = { gpu, site, wanted, leaving, outgoing }
    const done =
      backend.resizes === 'in-place'
        ? await resizeInPlace({ ...here, backend }, actuator, signal)
        : await swapPods({ ...here, backend }, actuator, signal)
    for (const [name, reading] of done.readings) readings.set(name, reading)
    notes.push(...done.notes)
    pending ||= done.pending
    underWay ||= done.underWay === true
    if (done.blocked?.length)
      crowded.push({ gpu, blocked: done.blocked, waits: done.againInMs !== undefined })
    againInMs = Math.min(againInMs, done.againInMs ?? againInMs)
  }
  // Pods that wait for each other's room, or a GPU without room for two of this size: one goes before its successor comes.
  const stuck = underWay ? undefined : outdated.outgoing.find(pod => makesRoom(pod, crowded))
  if (stuck !== undefined) {
    notes.push({
      type: 'Warning',
      reason: 'ResizeFailed',
      message: `${stuck.name} ends before the pod that is to take over from it starts: there is no room for both`,
      stream: stuck.stream,
    })
    await remove(stuck, actuator, site, signal)
  }
  return { pending, ...(Number.isFinite(againInMs) ? { againInMs } : {}), readings, notes }
}

/** A GPU without room for all that is wanted. */
interface Crowded {
  readonly gpu: SiteGpu
  /** Workers that wait for room. */
  readonly blocked: readonly string[]
  /** Something there is tried again by itself, and may make room. */
  readonly waits: boolean
}

/** Whether the end of a pod helps somebody who waits on its GPU, and nothing but such ends can help its own successor. */
const makesRoom = (pod: PodSnapshot, crowded: readonly Crowded[]): boolean =>
  crowded.some(({ gpu }) => isOn(pod, gpu)) &&
  crowded.some(({ blocked, waits }) => blocked.includes(pod.worker) && !waits)

/** One pod of each worker. */
const onDutyOf = (pods: readonly PodSnapshot[]): readonly PodSnapshot[] =>
  [...Map.groupBy(pods, ({ worker }) => worker).values()].flatMap(of => onDuty(of) ?? [])
