/**
 * Brings a site's pods to what is written in its window's status: deletes what has no place, shrinks before it grows, and makes a pod
 * only when its share is free. Level-triggered: does what can be done at this moment and says whether anything is left.
 */

import { templateAnnotation } from '../../api/names.ts'
import { isOn } from '../../cluster/pod.ts'
import type { PodSnapshot, SiteSnapshot } from '../../cluster/snapshot.ts'
import type { ShareReading } from '../../sharing/backend.ts'
import { templateHash } from '../pod-manifest.ts'
import { inferenceConfig } from '../worker-config.ts'
import { resizeInPlace } from './in-place-pods.ts'
import { type Actuation, configInput, type PodActuator, remove } from './pod-actuator.ts'
import { shareProblems } from './share-problems.ts'
import type { Note } from './step.ts'
import { swapPods } from './swapped-pods.ts'
import { cutOffPods, surplusPods, type WantedPod, wantedPods } from './wanted-pods.ts'

export async function actuatePods(
  seen: SiteSnapshot,
  actuator: PodActuator,
  signal?: AbortSignal,
): Promise<Actuation> {
  const { backends, recent } = actuator
  const site = recent.apply(seen)
  const wanted = wantedPods(site)
  const surplus = surplusPods(site, wanted)
  const outdated = site.pods.filter(pod => !pod.terminating && isOutdated(pod, wanted, site, actuator))
  const doomed = new Set([...surplus, ...outdated, ...cutOffPods(site, wanted)])
  for (const pod of doomed) await remove(pod, actuator, site, signal)

  const leaving = new Set([...doomed].map(pod => pod.uid))
  const readings = new Map<string, ShareReading>()
  const notes: Note[] = [...shareProblems(site, backends)]
  let pending = leaving.size > 0 || site.pods.some(pod => pod.rejected !== undefined)
  for (const pod of site.pods)
    if (pod.rejected !== undefined)
      notes.push({
        type: 'Warning',
        reason: 'PodFailed',
        message: `${pod.name} was refused by its node and is made again: ${pod.rejected}`,
        stream: pod.stream,
      })
  for (const gpu of site.gpus) {
    const backend = backends.of(gpu)
    const here = { gpu, site, wanted, leaving }
    const done =
      backend.resizes === 'in-place'
        ? await resizeInPlace({ ...here, backend }, actuator, signal)
        : await swapPods({ ...here, backend }, actuator, signal)
    for (const [name, reading] of done.readings) readings.set(name, reading)
    notes.push(...done.notes)
    pending ||= done.pending
  }
  return { pending, readings, notes }
}

/** A pod that cannot become what is wanted: made from another template, on another GPU, or ended though it should serve. */
function isOutdated(
  pod: PodSnapshot,
  wanted: readonly WantedPod[],
  site: SiteSnapshot,
  actuator: PodActuator,
): boolean {
  const target = wanted.find(w => w.name === pod.worker)
  if (target === undefined || pod.role !== 'inference') return false
  if (!isOn(pod, target.gpu)) return true
  // Where pods take over from each other they end by themselves.
  if (pod.finished && actuator.backends.of(target.gpu).resizes === 'in-place') return true
  const config = inferenceConfig(configInput(target, site, actuator))
  return (
    pod.pod.metadata.annotations?.[templateAnnotation] !==
    templateHash(config, target.stream.stream, actuator.options)
  )
}
