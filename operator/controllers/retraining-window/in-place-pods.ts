/** The pods of a GPU whose shares follow their resources while they run: shrinks before grows, and new pods where there is room. */
import { isOn } from '../../cluster/pod.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import type { InPlaceBackend, ShareReading, SiteGpu } from '../../sharing/backend.ts'
import { type PodShare, planResizes } from '../../sharing/resize-planner.ts'
import { type Actuation, make, type PodActuator, sameGpu } from './pod-actuator.ts'
import type { Note } from './step.ts'
import type { WantedPod } from './wanted-pods.ts'

export interface GpuPods<Backend> {
  readonly gpu: SiteGpu
  readonly backend: Backend
  readonly site: SiteSnapshot
  /** Of the whole site. */
  readonly wanted: readonly WantedPod[]
  /** uids of pods that are being deleted. */
  readonly leaving: ReadonlySet<string>
  /**
   * uids of pods that serve and are to do so until another one takes over: on another GPU, or made from another template; or until their
   * stream has a place that it can go to.
   */
  readonly outgoing: ReadonlySet<string>
}

export async function resizeInPlace(
  { gpu, backend, site, wanted, leaving, outgoing }: GpuPods<InPlaceBackend>,
  actuator: PodActuator,
  signal?: AbortSignal,
): Promise<Actuation> {
  const { executor } = actuator
  const readings = new Map<string, ShareReading>()
  const notes: Note[] = []
  let pending = false
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
    const target = leaving.has(pod.uid) || pod.terminating ? undefined : wanted.find(w => w.name === pod.name)
    return {
      name: pod.name,
      exists: true,
      actual: reading.actual,
      desired: reading.desired,
      wanted: target?.share ?? (outgoing.has(pod.uid) ? reading.desired : 0),
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
  pending ||= plan.steps.length > 0 || plan.waiting.length > 0 || [...readings.values()].some(r => r.resizing)
  return { pending, readings, notes }
}
