/**
 * The pods of a GPU whose shares are changed by new pods: what there is → planner → steps, one at a time, and the hand-overs that are
 * under way. Everything it goes by stands in the API or is a pod's own answer, so that an operator killed anywhere goes on from there.
 */

import { parseDuration } from '../../api/duration.ts'
import { endingAnnotation, failedResizeAnnotation, takeOverAnnotation } from '../../api/names.ts'
import type { InferenceStatus } from '../../api/worker.ts'
import { furthestAhead, isSkewed, skewSentence } from '../../cluster/clock-skew.ts'
import { nodeOf, type Pod } from '../../cluster/pod.ts'
import { onDuty, type PodSnapshot, stepOf, wasInterrupted } from '../../cluster/snapshot.ts'
import { WorkerClientError } from '../../cluster/worker-client.ts'
import { isConflict, isNotFound } from '../../kube/errors.ts'
import { pods as podResource } from '../../kube/resources.ts'
import type { ReplacingBackend, ShareReading } from '../../sharing/backend.ts'
import { recordFailure } from '../../sharing/failed-resize.ts'
import { type HandOver, handOverMark, parseHandOver } from '../../sharing/hand-over-mark.ts'
import { gainsBySwap } from '../../sharing/swap-gain.ts'
import { type HeldPod, planSwaps, type SwapStep, stepUnits, type Worker } from '../../sharing/swap-planner.ts'
import type { StatedPod } from '../../sharing/swap-state.ts'
import { addressOf, type HandOverParties, type HandOverState, handOver, isServing } from './hand-over.ts'
import { createdAt, failedOf, gpuName, type Held, heldBy, onDutyOn } from './held-pods.ts'
import type { GpuPods } from './in-place-pods.ts'
import { type Actuation, make, type PodActuator, remove } from './pod-actuator.ts'
import type { Note } from './step.ts'
import type { WantedPod } from './wanted-pods.ts'

/** What a training gets to write its checkpoint before it is deleted. */
const checkpointMs = 60_000

export function swapPods(
  here: GpuPods<ReplacingBackend>,
  actuator: PodActuator,
  signal?: AbortSignal,
): Promise<Actuation> {
  return new Swaps(here, actuator, signal).run()
}

class Swaps {
  readonly #here: GpuPods<ReplacingBackend>
  readonly #actuator: PodActuator
  readonly #signal: AbortSignal | undefined
  readonly #workers: readonly Held[]
  readonly #notes: Note[] = []
  #pending = false
  #stepped = false
  #blocked: readonly string[] = []

  constructor(here: GpuPods<ReplacingBackend>, actuator: PodActuator, signal: AbortSignal | undefined) {
    this.#here = here
    this.#actuator = actuator
    this.#signal = signal
    this.#workers = heldBy(here)
  }

  async run(): Promise<Actuation> {
    for (const { name, refusal } of this.#workers)
      if (refusal !== undefined) this.#note(name, 'PodFailed', `${name} cannot be made: ${refusal}`)
    await this.#carryOut()
    for (const worker of this.#workers) await this.#handOver(worker)
    const busy = this.#workers.some(
      ({ stated, elsewhere }) => stated.length + elsewhere.length > 1 || stated.some(isMoving),
    )
    const waits = this.#workers.flatMap(({ againInMs }) => againInMs ?? [])
    return {
      pending: this.#pending || busy,
      ...(waits.length === 0 ? {} : { againInMs: Math.min(...waits) }),
      readings: this.#readings(),
      notes: this.#notes,
      underWay: this.#stepped || busy,
      blocked: this.#blocked,
    }
  }

  /** Plans and acts until there is nothing more to do at this moment; pods that were just made count as they will be. */
  async #carryOut(): Promise<void> {
    const made = new Map<string, HeldPod>()
    for (let i = 0; i <= this.#workers.length; i++) {
      const { steps, blocked } = this.#plan(made)
      if (i === 0)
        for (const { worker, reason } of blocked)
          this.#note(worker, 'ResizePending', `${worker} waits for its share: ${reason}`)
      if (i === 0) this.#blocked = blocked.map(({ worker }) => worker)
      this.#stepped ||= steps.length > 0
      this.#pending ||= steps.length > 0 || blocked.length > 0
      let goesOn = false
      for (const step of steps) {
        const worker = this.#workers.find(({ name }) => name === step.worker)!
        if (step.kind !== 'create') await this.#act(worker, step)
        else if (await this.#create(worker)) {
          const state = worker.stated.length === 0 ? 'serving' : 'starting'
          made.set(worker.name, { pod: `${worker.name} (new)`, ...step.amount, state })
          goesOn = true
        }
      }
      if (!goesOn) return
    }
  }

  #plan(made: ReadonlyMap<string, HeldPod>) {
    const { gpu, backend, site } = this.#here
    const limits = backend.limits(gpu)
    return planSwaps({
      workers: this.#workers.map(
        ({ name, target, pods, stated, wanted }): Worker => ({
          name,
          interruptible: (target?.role ?? pods[0]?.role) === 'training',
          pods: [...stated, ...(made.has(name) ? [made.get(name)!] : [])],
          wanted,
          worthSwapping: target === undefined || this.#gains(target),
        }),
      ),
      limits: { ...limits, swaps: 1 },
      step: stepUnits(stepOf(site), limits.steadyUnits),
      worthSwapping: this.#isWorthSwapping(),
    })
  }

  /** A swap must pay within the window; how long one takes is told by those that pods came about by. */
  #isWorthSwapping(): boolean {
    const { site } = this.#here
    const { endsAt } = site.window.status?.current ?? {}
    return endsAt === undefined || (Date.parse(endsAt) - site.now) / 1000 >= 2 * this.#usualSeconds()
  }

  #usualSeconds(): number {
    const seconds = this.#workers.flatMap(({ pods }) => pods.flatMap(swapSeconds))
    return seconds.length === 0 ? this.#here.backend.swapSeconds : median(seconds)
  }

  #gains({ role, share, stream, gpu }: WantedPod): boolean {
    const { training } = stream
    return (
      role !== 'training' ||
      training === undefined ||
      gainsBySwap({
        gpuSeconds: training.status?.remainingGpuSeconds,
        heldShare: this.#here.backend.read(training.pod, gpu).desired,
        wantedShare: share,
        swapSeconds: this.#usualSeconds(),
        throughputCurve: gpu.training?.throughputCurve,
      })
    )
  }

  async #create({ name, target, pods, elsewhere }: Held): Promise<boolean> {
    const { site } = this.#here
    if (target === undefined) return false
    // Ended ones count as well: their names are taken, and what they spent is part of what the training costs.
    const before = site.pods.filter(pod => pod.worker === name)
    const generation = before.reduce((most, pod) => Math.max(most, pod.generation), 0) + 1
    const interrupted = target.role === 'training' ? before.filter(wasInterrupted) : []
    try {
      await make(target, site, this.#actuator, this.#signal, {
        generation,
        standby: target.role === 'inference' && [...pods, ...elsewhere].some(this.#isThere),
        ...spentBy(interrupted),
      })
      if (interrupted.length > 0) this.#actuator.hooks?.onResize?.(this.#here.backend.name, 'done')
      return true
    } catch (error) {
      // One pod that cannot be made (quota, admission, an edited spec) holds up neither the others nor the window.
      this.#signal?.throwIfAborted()
      this.#pending = true
      this.#note(name, 'PodFailed', `${name} cannot be made: ${(error as Error).message}`)
      return false
    }
  }

  async #act(worker: Held, step: Exclude<SwapStep, { kind: 'create' }>): Promise<void> {
    const podOf = (name: string) => worker.pods.find(pod => pod.name === name)!
    switch (step.kind) {
      case 'take-over':
        return this.#mark(podOf(step.from), podOf(step.to))
      case 'abort':
        return this.#abort(worker, podOf(step.pod))
      case 'delete': {
        const pod = podOf(step.pod)
        if (pod.rejected !== undefined) return this.#refused(worker, pod)
        const next = onDuty([...worker.pods, ...worker.elsewhere])
        // Until the new pod serves, what the old one has agreed to is still needed.
        if (next === undefined || next === pod || isServing(next)) await this.#remove(pod)
        return
      }
      case 'end':
        return worker.wanted === null ? this.#remove(podOf(step.pod)) : this.#interrupt(podOf(step.pod))
    }
  }

  /** Writes at which frame `next` takes over; both are told once that stands in the API. */
  async #mark(old: PodSnapshot | undefined, next: PodSnapshot): Promise<void> {
    const { site } = this.#here
    const stream = site.streams.find(({ name }) => name === next.stream)
    const ahead = windowOf(next)
    // A pod that does not serve has no frames to hand over.
    const before = old?.ready === true ? windowOf(old) : ahead
    this.#pending = true
    const mark =
      stream === undefined || ahead === undefined || before === undefined
        ? undefined
        : handOverMark({
            old: before,
            next: ahead,
            durationSeconds: parseDuration(site.window.spec.duration),
            frameRate: stream.stream.spec.frameRate,
            now: site.now,
            // Pods begin frames by their own clocks: by that which is furthest ahead it must not have been begun yet.
            aheadMs: furthestAhead([old, next]),
          })
    if (mark === undefined) return
    const pod = await this.#annotate(next, { [takeOverAnnotation]: JSON.stringify(mark) })
    if (pod !== undefined) await this.#tell({ old, next: { ...next, pod, standby: false }, mark })
  }

  async #tell(parties: HandOverParties): Promise<HandOverState> {
    const { site, backend } = this.#here
    const { workers, learn, hooks } = this.#actuator
    const state = await handOver(parties, { workers, learn, now: site.now, signal: this.#signal })
    this.#pending ||= state !== 'done'
    if (state === 'told') {
      hooks?.onResize?.(backend.name, 'done')
      hooks?.onActuated?.(backend.name, Math.max(0, (site.now - createdAt(parties.next)) / 1000))
    }
    return state
  }

  async #abort(worker: Held, pod: PodSnapshot): Promise<void> {
    const stated = worker.stated.find(each => each.pod === pod.name)!
    const old = worker.pods.find(each => !each.standby && !each.terminating)
    if (stated.state !== 'failed' || old === undefined) return this.#remove(pod)
    return this.#giveUp(worker, { pod, old, reason: stated.reason ?? 'it failed' })
  }

  /** Refused pods are given a moment before they are made again; longer and longer ones where the old pod goes on elsewhere. */
  async #refused(worker: Held, pod: PodSnapshot): Promise<void> {
    const old = onDutyOn(worker.elsewhere)
    if (!pod.standby || old === undefined) return
    await this.#giveUp(worker, { pod, old, reason: pod.rejected!, on: gpuName(this.#here.gpu) })
  }

  /** @param failed `on`: the GPU that it was made for, where that is another one than the old pod's. */
  async #giveUp(
    worker: Held,
    failed: {
      readonly pod: PodSnapshot
      readonly old: PodSnapshot
      readonly reason: string
      readonly on?: string
    },
  ): Promise<void> {
    const { site, backend } = this.#here
    const { pod, old, reason, on } = failed
    const record = recordFailure(failedOf(old), worker.stated.find(each => each.pod === pod.name)!, {
      window: site.window.status?.current?.index ?? 0,
      now: site.now,
      reason: `${pod.name}: ${reason}`,
      ...(on === undefined ? {} : { gpu: on }),
    })
    // Before the pod goes: what was tried must not be forgotten with it.
    if (!(await this.#annotate(old, { [failedResizeAnnotation]: JSON.stringify(record) }))) return
    this.#actuator.hooks?.onResize?.(backend.name, 'failed')
    this.#note(worker.name, 'ResizeFailed', `${pod.name} could not take over, ${old.name} goes on: ${reason}`)
    await this.#remove(pod)
  }

  async #interrupt(pod: PodSnapshot): Promise<void> {
    const since = pod.pod.metadata.annotations?.[endingAnnotation]
    if (since === undefined) {
      if (!(await this.#annotate(pod, { [endingAnnotation]: new Date(this.#here.site.now).toISOString() })))
        return
    }
    await this.#tellToEnd(pod)
  }

  async #tellToEnd(pod: PodSnapshot): Promise<void> {
    try {
      this.#actuator.learn(pod.pod, await this.#actuator.workers.interrupt(addressOf(pod), this.#signal))
    } catch (error) {
      this.#signal?.throwIfAborted()
      if (!(error instanceof WorkerClientError)) throw error
    }
  }

  /** What was agreed on and is not over yet. */
  async #handOver({ name, pods, elsewhere }: Held): Promise<void> {
    const { now } = this.#here.site
    for (const pod of pods) {
      const since = pod.pod.metadata.annotations?.[endingAnnotation]
      if (since === undefined || pod.finished || pod.terminating) continue
      if (now - Date.parse(since) > checkpointMs) await this.#remove(pod)
      else await this.#tellToEnd(pod)
    }
    const next = onDuty(pods)
    if (next === undefined || next.role !== 'inference' || next.terminating || next.finished) return
    const mark = markOn(next)
    const before = [...pods, ...elsewhere].filter(pod => pod.generation < next.generation && !pod.standby)
    if (mark === undefined) {
      if (!next.standby || !next.ready || pods.length > 1) return
      // From another GPU; or its predecessor went before it was told anything, and nobody else is there.
      const old = before.find(this.#isThere)
      if (old !== undefined || before.every(pod => pod.finished)) await this.#mark(old, next)
      return
    }
    const old = before[0]
    const state = await this.#tell({ old, next, mark })
    if (state === 'late') {
      if (this.#here.site.now < Date.parse(mark.dueAt)) this.#tellClock(name, old!)
      await this.#mark(old, next)
    }
    if (state !== 'stuck') return
    this.#note(name, 'ResizeFailed', `${old!.name} does not hand over or does not end: it is deleted`)
    await this.#remove(old!)
  }

  /** It has begun a frame before that is due by the operator's clock. */
  #tellClock(worker: string, pod: PodSnapshot): void {
    const { name, clockAheadMs: ahead } = pod
    const node = nodeOf(pod) ?? ''
    const clock = isSkewed(ahead)
      ? skewSentence(node, ahead!)
      : `the clock of node ${node} is ahead of the operator's`
    this.#note(worker, 'ClockSkew', `${name} does not hand over when it is to: ${clock}`)
  }

  readonly #isThere = (pod: PodSnapshot): boolean =>
    !pod.finished && !pod.terminating && !this.#here.leaving.has(pod.uid)

  async #remove(pod: PodSnapshot): Promise<void> {
    this.#pending = true
    await remove(pod, this.#actuator, this.#here.site, this.#signal)
  }

  /** Only on the pod as it was seen; undefined: it has changed since. */
  async #annotate(pod: PodSnapshot, annotations: Readonly<Record<string, string>>): Promise<Pod | undefined> {
    const { name, namespace, resourceVersion } = pod.pod.metadata
    this.#pending = true
    try {
      const body = { metadata: { resourceVersion, annotations } }
      const written = await this.#actuator.transport.patch<Pod>(
        podResource,
        { name, namespace },
        'merge',
        body,
        {},
        this.#signal,
      )
      this.#actuator.recent.remember(written, this.#here.site.now)
      return written
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return undefined
      throw error
    }
  }

  #note(worker: string, reason: string, message: string): void {
    const { target, pods } = this.#workers.find(({ name }) => name === worker)!
    const stream = target?.stream.name ?? pods[0]?.stream
    this.#notes.push({ type: 'Warning', reason, message, ...(stream === undefined ? {} : { stream }) })
  }

  /** As the books have it: a worker holds the largest of its pods' shares, told of the one on duty. */
  #readings(): ReadonlyMap<string, ShareReading> {
    const { backend, gpu } = this.#here
    const { steadyUnits } = backend.limits(gpu)
    const readings = new Map<string, ShareReading>()
    for (const { pods, stated, wanted } of this.#workers) {
      const holder = onDuty(pods)
      const actual = Math.max(0, ...stated.map(({ units }) => units)) / steadyUnits
      for (const pod of pods) {
        const own = backend.amountOf(pod.pod, gpu).units / steadyUnits
        if (pod !== holder) readings.set(pod.name, { desired: own, actual: 0, resizing: false })
        else
          readings.set(pod.name, {
            desired: wanted === null ? own : wanted.units / steadyUnits,
            actual,
            resizing: pods.length > 1,
          })
      }
    }
    return readings
  }
}

const isMoving = ({ state }: StatedPod): boolean => state !== 'serving'

const markOn = ({ pod }: PodSnapshot): HandOver | undefined =>
  parseHandOver(pod.metadata.annotations?.[takeOverAnnotation])

/** undefined: it has not answered yet. */
const windowOf = ({ status }: PodSnapshot): InferenceStatus['window'] | undefined =>
  status?.role === 'inference' ? status.window : undefined

function swapSeconds(pod: PodSnapshot): readonly number[] {
  const mark = markOn(pod)
  return mark === undefined ? [] : [(Date.parse(mark.dueAt) - createdAt(pod)) / 1000]
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

/** A result tells what pods before it have spent as well. */
function spentBy(interrupted: readonly PodSnapshot[]) {
  const results = interrupted.flatMap(({ result }) => (result?.kind === 'training' ? [result] : []))
  if (results.length === 0) return {}
  return {
    spent: {
      gpuSeconds: Math.max(...results.map(({ gpuSeconds }) => gpuSeconds)),
      seconds: Math.max(...results.map(({ seconds }) => seconds)),
    },
  }
}
