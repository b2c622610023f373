/**
 * Brings one pod from whatever state it is in to what its spec says, and its status to what is.
 *
 *   new ──admitted──▶ running containers ──all ended, no restart due──▶ Succeeded or Failed
 *    └──does not fit, or asks for what a process cannot have──▶ Failed
 *   any ──deletion──▶ SIGTERM, grace period, SIGKILL ──▶ final status ──▶ the object is deleted
 *
 * Level-triggered: `sync` looks at the spec and at the containers, acts, and writes the status when it differs from the one written
 * last. Whatever happens (a new spec, an exit, a probe, a timer) only asks for another sync; two never run at once.
 */
import { join } from 'node:path'
import { type ApiClient, ApiError } from '../control-plane/api-client.ts'
import { Container } from './container.ts'
import { type LaunchContext, launchOf } from './container-environment.ts'
import type { CpuLimit, CpuLimiter } from './limiters/limiter.ts'
import type { LogSource } from './log-server.ts'
import { canMountElsewhere, mountsElsewhere } from './mounts.ts'
import {
  type ContainerSpec,
  isTerminal,
  type Pod,
  type PodCondition,
  type PodPhase,
  type PodStatus,
  type Resources,
  timestamp,
} from './pod.ts'
import { type Demand, demandOf, shortage, sumDemands, unsupported } from './pod-admission.ts'
import { podStatus, statusPatch } from './pod-status.ts'
import { parseQuantity } from './quantity.ts'

export interface Backoff {
  readonly initialMs: number
  readonly maximumMs: number
  /** A container that has run this long starts from the beginning again. */
  readonly resetAfterMs: number
}

/** What a pod needs of its node. */
export interface PodHost {
  readonly client: ApiClient
  readonly limiter: CpuLimiter
  readonly backoff: Backoff
  /** Folder for all pods' files. */
  readonly directory: string
  launchContext(): Omit<LaunchContext, 'podIP' | 'home' | 'temporary' | 'terminationLog'>
  allocateAddress(wanted?: string): string
  /** What is left for this pod when all others keep what they have. */
  availableTo(uid: string): Demand
  readonly allocatable: Demand
  /** Called once the pod's processes and files are no more the node's business. */
  released(worker: PodWorker): void
  /** Called when a pod has ended and holds nothing of the node any more. */
  freed(): void
  report(line: string): void
}

interface Slot {
  readonly spec: ContainerSpec
  readonly container: Container
  /** What the node has granted, and the limiter enforces. */
  allocated: Resources
  backoffMs: number
  restartAt: number | undefined
}

export class PodWorker {
  readonly uid: string
  readonly #host: PodHost
  #pod: Pod
  #slots: Slot[] = []
  #address: string | undefined
  #startTime: string | undefined
  #verdict: { phase: PodPhase; reason?: string; message?: string } | undefined
  #resize: PodCondition | undefined
  #published: PodStatus | undefined
  #removed = false
  #closed = false
  #closing = false
  #syncing = false
  #again = false
  #timers = new Set<NodeJS.Timeout>()
  #retryMs = 0
  #terminating: number | undefined

  constructor(host: PodHost, pod: Pod) {
    this.#host = host
    this.#pod = pod
    this.uid = pod.metadata.uid
    this.#published = pod.status
  }

  get pod(): Pod {
    return this.#pod
  }

  get address(): string | undefined {
    return this.#address
  }

  /** What the pod holds of the node; nothing once it has ended. */
  get demand(): Demand {
    if (this.#verdict || this.#closed) return { cpu: 0, memory: 0 }
    return sumDemands(this.#slots.map(slot => demandOf(slot.allocated)))
  }

  get cpuSeconds(): number {
    return this.#slots.reduce((sum, { container }) => sum + container.usedSeconds(), 0)
  }

  get processes(): { readonly container: string; readonly pid: number | undefined; readonly log: string }[] {
    return this.#slots.map(({ spec, container }) => ({
      container: spec.name,
      pid: container.pid,
      log: container.log,
    }))
  }

  log(containerName: string, previous: boolean): LogSource | undefined {
    const container = this.#slots.find(({ spec }) => spec.name === containerName)?.container
    if (!container) return undefined
    const life = container.restartCount
    const path = container.logOf(previous ? life - 1 : life)
    return { path, complete: () => previous || !container.running || container.restartCount !== life }
  }

  update(pod: Pod): void {
    this.#pod = pod
    this.kick()
  }

  /** The object is gone from the API: nobody waits for a status any more. */
  remove(): void {
    this.#removed = true
    this.kick()
  }

  /** Ends the processes without telling the API, because the node itself ends. */
  async abandon(graceMs: number): Promise<void> {
    this.#closing = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const { container } of this.#slots) container.stop(graceMs)
    while (this.#slots.some(({ container }) => container.running))
      await new Promise(resolve => setTimeout(resolve, 10))
    await this.#close()
  }

  kick(): void {
    this.#again = true
    if (this.#syncing) return
    this.#syncing = true
    queueMicrotask(async () => {
      while (this.#again && !this.#closed && !this.#closing) {
        this.#again = false
        try {
          await this.#sync()
          this.#retryMs = 0
        } catch (error) {
          this.#retryMs = Math.min(10_000, Math.max(100, this.#retryMs * 2))
          this.#after(this.#retryMs)
          const { namespace, name } = this.#pod.metadata
          this.#host.report(`pod ${namespace}/${name}: ${(error as Error).message}`)
        }
      }
      this.#syncing = false
    })
  }

  #after(ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.kick()
    }, ms)
    this.#timers.add(timer)
  }

  async #sync(): Promise<void> {
    if (this.#removed) {
      this.#stopAll(0)
      if (!this.#anyRunning()) await this.#close()
      return
    }
    if (isTerminal(this.#pod.status?.phase) && this.#slots.length === 0)
      this.#verdict ??= { phase: this.#pod.status!.phase! }
    if (!this.#verdict && this.#slots.length === 0 && !this.#deleted) this.#admit()
    if (this.#deleted) {
      this.#terminate()
      if (this.#anyRunning()) return this.#publish()
      if (!this.#verdict) this.#conclude(true)
      await this.#publish()
      return this.#deleteObject()
    }
    if (!this.#verdict) {
      this.#applyResize()
      this.#runContainers()
      this.#conclude(false)
    }
    await this.#publish()
  }

  get #deleted(): boolean {
    return this.#pod.metadata.deletionTimestamp !== undefined
  }

  #admit(): void {
    const { spec, status, metadata } = this.#pod
    this.#startTime = status?.startTime ?? timestamp(new Date())
    const problems = unsupported(this.#pod, canMountElsewhere())
    if (problems.length > 0) {
      this.#verdict = { phase: 'Failed', reason: 'ProcessNodeUnsupported', message: problems.join('; ') }
      return
    }
    const allocatedBefore = (name: string) => status?.containerStatuses?.find(c => c.name === name)
    const demand = sumDemands(spec.containers.map(({ resources }) => demandOf(resources)))
    const lacking = shortage(demand, this.#host.availableTo(this.uid))
    const known = status?.startTime !== undefined && status.containerStatuses !== undefined
    if (lacking && !known) {
      const message = `Node didn't have enough resource: ${lacking.message}`
      this.#verdict = { phase: 'Failed', reason: `OutOf${lacking.resource}`, message }
      return
    }
    this.#address = this.#host.allocateAddress(status?.podIP)
    this.#slots = spec.containers.map(container => {
      const before = allocatedBefore(container.name)
      const allocated = before?.resources ?? container.resources ?? {}
      const directory = join(
        this.#host.directory,
        `${metadata.namespace}_${metadata.name}_${metadata.uid}`,
        container.name,
      )
      const slot: Slot = {
        spec: container,
        allocated,
        backoffMs: 0,
        restartAt: undefined,
        container: new Container({
          spec: container,
          directory,
          podIP: this.#address!,
          mounts: mountsElsewhere(container, spec.volumes ?? []),
          group: this.#host.limiter.group(`${metadata.uid}_${container.name}`, limitOf(allocated)),
          restartCount: before?.restartCount ?? 0,
          lastState: before?.lastState ?? {},
          onChange: () => this.kick(),
        }),
      }
      const { running, terminated } = before?.state ?? {}
      if (terminated) slot.container.adoptTermination(terminated)
      else if (running) {
        slot.container.adoptTermination({
          exitCode: 137,
          reason: 'Error',
          message: 'The process node was restarted; its processes do not outlive it.',
          startedAt: running.startedAt,
          finishedAt: timestamp(new Date()),
        })
      }
      return slot
    })
  }

  /** Grants what the spec asks for and enforces it at once, or says why not. */
  #applyResize(): void {
    const generation = this.#pod.metadata.generation
    const wanted = this.#slots.map(({ spec, allocated }) => {
      const desired = this.#pod.spec.containers.find(({ name }) => name === spec.name)
      return desired?.resources ?? allocated
    })
    if (this.#slots.every((slot, i) => sameResources(slot.allocated, wanted[i]!))) {
      this.#resize = undefined
      return
    }
    const demand = sumDemands(wanted.map(demandOf))
    const never = shortage(demand, this.#host.allocatable)
    const lacking = never ?? shortage(demand, this.#host.availableTo(this.uid))
    if (lacking) {
      const message = `Node didn't have enough ${never ? 'capacity' : 'resource'}: ${lacking.message}`
      const reason = never ? 'Infeasible' : 'Deferred'
      this.#resize = condition('PodResizePending', 'True', generation, reason, message)
      return
    }
    try {
      for (const [i, slot] of this.#slots.entries()) {
        slot.container.setLimit(limitOf(wanted[i]!))
        slot.allocated = wanted[i]!
      }
      this.#resize = undefined
    } catch (error) {
      this.#resize = condition('PodResizeInProgress', 'True', generation, 'Error', (error as Error).message)
      this.#after(1000)
    }
  }

  #runContainers(): void {
    const { restartPolicy = 'Always' } = this.#pod.spec
    for (const slot of this.#slots) {
      const { container } = slot
      if (container.running) continue
      const ended =
        container.state.terminated ?? (slot.restartAt ? container.lastState.terminated : undefined)
      if (ended) {
        if (restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && ended.exitCode === 0)) continue
        if (!this.#restartDue(slot)) continue
      }
      slot.restartAt = undefined
      container.start(this.#launch(slot))
    }
  }

  /** The first restart comes at once, later ones after a growing delay. */
  #restartDue(slot: Slot): boolean {
    const { initialMs, maximumMs, resetAfterMs } = this.#host.backoff
    const now = performance.now()
    if (slot.restartAt !== undefined) return now >= slot.restartAt
    if (slot.container.ranMs >= resetAfterMs) slot.backoffMs = 0
    const delayMs = slot.backoffMs
    slot.backoffMs = delayMs === 0 ? initialMs : Math.min(maximumMs, delayMs * 2)
    if (delayMs === 0) return true
    slot.restartAt = now + delayMs
    const seconds = Math.ceil(delayMs / 1000)
    slot.container.wait('CrashLoopBackOff', `back-off ${seconds}s restarting container ${slot.spec.name}`)
    this.#after(delayMs + 5)
    return false
  }

  #launch({ spec, container }: Slot) {
    return launchOf(this.#pod, spec, {
      ...this.#host.launchContext(),
      podIP: this.#address!,
      home: container.directory,
      temporary: container.directory,
      terminationLog: container.terminationLog,
    })
  }

  /** Decides the pod's end: all containers have ended and none will be started again. */
  #conclude(deleted: boolean): void {
    if (this.#slots.length === 0) {
      if (deleted) this.#verdict = { phase: 'Failed' }
      return
    }
    const { restartPolicy = 'Always' } = this.#pod.spec
    const states = this.#slots.map(
      ({ container }) => container.state.terminated ?? container.lastState.terminated,
    )
    if (this.#anyRunning() || states.some(state => state === undefined)) return
    const failed = states.some(state => state!.exitCode !== 0)
    if (!deleted && (restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && failed))) return
    this.#verdict = { phase: failed ? 'Failed' : 'Succeeded' }
    for (const { container } of this.#slots) container.close().catch(() => {})
    this.#host.freed()
  }

  #anyRunning(): boolean {
    return this.#slots.some(({ container }) => container.running)
  }

  #terminate(): void {
    const graceMs = 1000 * (this.#pod.metadata.deletionGracePeriodSeconds ?? 30)
    const deadline = performance.now() + graceMs
    // A second delete request may shorten the grace period, never lengthen it.
    if (this.#terminating !== undefined && deadline >= this.#terminating) return
    this.#terminating = deadline
    this.#stopAll(graceMs)
  }

  #stopAll(graceMs: number): void {
    for (const { container } of this.#slots) container.stop(graceMs)
  }

  async #publish(): Promise<void> {
    const status = podStatus({
      pod: this.#pod,
      previous: this.#published,
      address: this.#address,
      hostIP: this.#host.launchContext().hostIP,
      startTime: this.#startTime ?? this.#pod.status?.startTime,
      verdict: this.#verdict,
      resize: this.#resize,
      containers: this.#slots,
    })
    const patch = statusPatch(this.#published, status)
    if (!patch) return
    const { namespace, name } = this.#pod.metadata
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`
    try {
      await this.#host.client.patch(path, 'strategic', { metadata: { uid: this.uid }, status: patch })
      this.#published = status
    } catch (error) {
      if (isGone(error)) this.remove()
      else throw error
    }
  }

  async #deleteObject(): Promise<void> {
    const { namespace, name } = this.#pod.metadata
    try {
      await this.#host.client.delete(`/api/v1/namespaces/${namespace}/pods/${name}`, {
        gracePeriodSeconds: 0,
        preconditions: { uid: this.uid },
      })
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }

  async #close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    await Promise.all(this.#slots.map(({ container }) => container.close()))
    this.#host.released(this)
  }
}

/** Deleted, or replaced by another pod of the same name. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 409)
}

function condition(
  type: string,
  status: PodCondition['status'],
  observedGeneration: number | undefined,
  reason: string,
  message: string,
): PodCondition {
  return {
    type,
    status,
    reason,
    message,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  }
}

function limitOf(resources: Resources): CpuLimit {
  const cores = parseQuantity(resources.limits?.cpu)
  return { ...(cores === undefined ? {} : { cores }), requestedCores: demandOf(resources).cpu }
}

/** By value: 1, 1000m and 1.0 are the same. */
function sameResources(a: Resources, b: Resources): boolean {
  for (const kind of ['requests', 'limits'] as const) {
    const names = new Set([...Object.keys(a[kind] ?? {}), ...Object.keys(b[kind] ?? {})])
    for (const name of names) {
      if (parseQuantity(a[kind]?.[name]) !== parseQuantity(b[kind]?.[name])) return false
    }
  }
  return true
}
