/**
 * Brings a site's pods to what is written in its window's status: deletes what has no place, shrinks before it grows, and makes a pod
 * only when its share is free. Level-triggered: does what can be done at this moment and says whether anything is left.
 */

import { templateAnnotation } from '../../api/names.ts'
import type { WorkerConfiguration } from '../../api/worker.ts'
import { isOn } from '../../cluster/pod.ts'
import type { PodSnapshot, SiteSnapshot } from '../../cluster/snapshot.ts'
import { isAlreadyExists, isNotFound } from '../../kube/errors.ts'
import type { KubeObject } from '../../kube/objects.ts'
import { pods as podResource } from '../../kube/resources.ts'
import type { Transport } from '../../kube/transport.ts'
import type { ShareReading, SiteGpu } from '../../sharing/backend.ts'
import type { BackendSet } from '../../sharing/backends/registry.ts'
import type { ResizeExecutor } from '../../sharing/executor.ts'
import { type PodShare, planResizes } from '../../sharing/resize-planner.ts'
import { type PodOptions, podManifest, templateHash } from '../pod-manifest.ts'
import { inferenceConfig, profileConfig, trainingConfig, type WorkerConfigInput } from '../worker-config.ts'
import { shareProblems } from './share-problems.ts'
import type { Note } from './step.ts'
import { surplusPods, type WantedPod, wantedPods } from './wanted-pods.ts'

export interface PodActuator {
  readonly transport: Pick<Transport, 'create' | 'delete'>
  readonly executor: ResizeExecutor
  readonly backends: BackendSet
  readonly options: PodOptions
  readonly seed: number
}

export interface Actuation {
  /** Something is under way or waits for room: look again soon. */
  readonly pending: boolean
  /** By pod name: what each existing pod holds. */
  readonly readings: ReadonlyMap<string, ShareReading>
  readonly notes: readonly Note[]
}

export async function actuatePods(
  site: SiteSnapshot,
  actuator: PodActuator,
  signal?: AbortSignal,
): Promise<Actuation> {
  const { backends, executor } = actuator
  const wanted = wantedPods(site)
  const surplus = surplusPods(site, wanted)
  const outdated = site.pods.filter(pod => !pod.terminating && isOutdated(pod, wanted, site, actuator))
  for (const pod of [...surplus, ...outdated]) await remove(pod, actuator, signal)

  const leaving = new Set([...surplus, ...outdated].map(pod => pod.uid))
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
    if (backend.resizes !== 'in-place') continue
    const here = site.pods.filter(pod => !pod.finished && isOn(pod, gpu))
    const shares = here.map((pod): PodShare => {
      const reading = backend.read(pod.pod, gpu)
      readings.set(pod.name, reading)
      executor.observe(pod.pod, reading, backend)
      if (reading.problem !== undefined)
        notes.push({
          type: 'Warning',
          reason: 'ResizePending',
          message: `${pod.name}: ${reading.problem}`,
          stream: pod.stream,
        })
      const target =
        leaving.has(pod.uid) || pod.terminating ? undefined : wanted.find(w => w.name === pod.name)
      return {
        name: pod.name,
        exists: true,
        actual: reading.actual,
        desired: reading.desired,
        wanted: target?.share ?? 0,
        priority: target?.priority ?? 0,
      }
    })
    const absent = wanted.filter(w => sameGpu(w.gpu, gpu) && !site.pods.some(pod => pod.name === w.name))
    const plan = planResizes(
      [
        ...shares,
        ...absent.map(w => ({
          name: w.name,
          exists: false,
          actual: 0,
          desired: 0,
          wanted: w.share,
          priority: w.priority,
        })),
      ],
      site.window.spec.scheduler.step,
    )
    const byName = new Map(here.map(pod => [pod.name, pod.pod]))
    const outcomes = await executor.execute(plan.steps, byName, gpu, backend, signal)
    for (const outcome of outcomes)
      if (outcome.error !== undefined)
        notes.push({ type: 'Warning', reason: 'ResizeFailed', message: outcome.error.message })
    for (const step of plan.steps) {
      const target = step.kind === 'create' ? absent.find(w => w.name === step.pod) : undefined
      if (target === undefined) continue
      try {
        await make(target, site, actuator, signal)
      } catch (error) {
        // One pod that cannot be made (quota, admission, an edited spec) holds up neither the others nor the window.
        signal?.throwIfAborted()
        pending = true
        notes.push({
          type: 'Warning',
          reason: 'PodFailed',
          message: `${target.name} cannot be made: ${(error as Error).message}`,
          stream: target.stream.name,
        })
      }
    }
    pending ||=
      plan.steps.length > 0 || plan.waiting.length > 0 || [...readings.values()].some(r => r.resizing)
  }
  return { pending, readings, notes }
}

const sameGpu = (a: SiteGpu, b: SiteGpu): boolean => a.node === b.node && a.gpu === b.gpu

/** A pod that cannot become what is wanted: made from another template, on another GPU, or ended though it should serve. */
function isOutdated(
  pod: PodSnapshot,
  wanted: readonly WantedPod[],
  site: SiteSnapshot,
  actuator: PodActuator,
): boolean {
  const target = wanted.find(w => w.name === pod.name)
  if (target === undefined || pod.role !== 'inference') return false
  if (pod.finished || !isOn(pod, target.gpu)) return true
  const config = inferenceConfig(configInput(target, site, actuator))
  return (
    pod.pod.metadata.annotations?.[templateAnnotation] !==
    templateHash(config, target.stream.stream, actuator.options)
  )
}

async function make(
  target: WantedPod,
  site: SiteSnapshot,
  actuator: PodActuator,
  signal?: AbortSignal,
): Promise<void> {
  const request = {
    config: workerConfig(target, site, actuator),
    stream: target.stream.stream,
    window: site.window,
    share: target.share,
    gpu: target.gpu,
  }
  const manifest = podManifest(request, actuator.backends.of(target.gpu), actuator.options)
  try {
    await actuator.transport.create(podResource, manifest as unknown as KubeObject, {}, signal)
  } catch (error) {
    // The name is deterministic: a pod that the cache does not show yet is the one that was wanted.
    if (!isAlreadyExists(error)) throw error
  }
}

async function remove(
  pod: PodSnapshot,
  { transport, executor }: PodActuator,
  signal?: AbortSignal,
): Promise<void> {
  const { name, namespace } = pod.pod.metadata
  try {
    await transport.delete(podResource, { name, namespace }, { preconditions: { uid: pod.uid } }, signal)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  executor.forget(pod.uid)
}

function workerConfig(target: WantedPod, site: SiteSnapshot, actuator: PodActuator): WorkerConfiguration {
  const input = configInput(target, site, actuator)
  switch (target.role) {
    case 'inference':
      return inferenceConfig(input)
    case 'profile':
      return profileConfig(input)
    case 'training':
      return trainingConfig(input)
  }
}

function configInput(target: WantedPod, site: SiteSnapshot, actuator: PodActuator): WorkerConfigInput {
  return {
    stream: target.stream.stream,
    window: site.window,
    item: target.item,
    device: target.gpu.device,
    storage: actuator.options.storage.mountPath,
    seed: actuator.seed,
  }
}
