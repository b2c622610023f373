/**
 * A GPU of cpu-replace whose API server, kubelet and workers are played in memory, in virtual time: for what would take hours with real
 * pods. The operator can be made to die at any write; what pods analyse and hold is kept to be judged.
 */

import { expect } from 'chai'
import { gpuAnnotation, roleLabel } from '../../api/names.ts'
import type { WorkerStatus } from '../../api/worker.ts'
import { type Pod, podSnapshot } from '../../cluster/pod.ts'
import { newest, onDuty, type SiteSnapshot } from '../../cluster/snapshot.ts'
import type { SiteGpu } from '../../sharing/backend.ts'
import { cpuReplaceBackend } from '../../sharing/backends/cpu-replace.ts'
import { backendSet } from '../../sharing/backends/registry.ts'
import { createResizeExecutor } from '../../sharing/executor.ts'
import type { PlanItem } from '../plan-status.ts'
import { advance } from '../retraining-window/phases.ts'
import type { PodActuator } from '../retraining-window/pod-actuator.ts'
import { actuatePods } from '../retraining-window/pods.ts'
import { RecentPods } from '../retraining-window/recent-pods.ts'
import type { Note } from '../retraining-window/step.ts'
import {
  frameRate,
  isReady,
  type PlayedCalls,
  periodMs,
  playedTransport,
  playedWorkers,
  type Running,
  resultOf,
  statusOf,
} from './played-pods.ts'
import { at, camera, epoch, retrainingWindow } from './site.ts'
import { planner } from './window.ts'

const gpu: SiteGpu = {
  node: 'edge-0',
  gpu: '0',
  device: { kind: 'cpu', cores: 1.5 },
  labels: { 'ekya.dev/sharing-backend': 'cpu-replace' },
}

/** Empty unless a plan puts streams there. */
const second: SiteGpu = { ...gpu, gpu: '1' }

export interface SwapSiteOptions {
  /** From being made to being ready, seconds; infinite: never. */
  readonly startSeconds?: (pod: string) => number
  /** Pods that do not end after their last frame. */
  readonly hangs?: (pod: string) => boolean
  /** Device memory that a stream asks for. */
  readonly memory?: (stream: string) => string
  /** Pods that their node refuses. */
  readonly refused?: (pod: string) => boolean
  /** By how much the node's clock is ahead of the operator's and the API server's. */
  readonly clockAheadMs?: number
  /** Pods tell what the time is; default true. */
  readonly tellsTime?: boolean
  /** The last window is labelled: by pods that are to be told what to do, or that are waited with until that is known. */
  readonly labels?: 'told' | 'awaited'
  /** Let the window's state machine go on as well. */
  readonly advances?: boolean
}

export class SwapSite {
  readonly pods = new Map<string, Running>()
  readonly past: Running[] = []
  readonly notes: Note[] = []
  readonly writes: string[] = []
  /** Seconds that deleted pods were given, where that was said. */
  readonly graces = new Map<string, number | undefined>()
  /** Write, counted from 0, right after which the operator dies. */
  killAt = Number.POSITIVE_INFINITY
  /** By the clock of the node. */
  now = epoch
  most = { steady: 0, total: 0 }
  deaths = 0
  /** Of pods that are made from now on. */
  image = 'ekya'
  /** Of the first GPU, until its last pod has gone. */
  fault: string | undefined
  /** It does not end by that, and has lasted. */
  faultLasts = false
  readonly #options: SwapSiteOptions
  #items: readonly PlanItem[] = []
  #polled = new Map<string, WorkerStatus>()
  #recent = new RecentPods()
  #version = 1
  /** Killed in this step: nothing that it still tries reaches anybody. */
  #dead = false
  resized: string[] = []

  constructor(options: SwapSiteOptions = {}) {
    this.#options = options
  }

  /** @param onSecond streams on the second GPU. */
  plan(
    shares: Readonly<Record<string, number | readonly [number, number]>>,
    onSecond: readonly string[] = [],
  ): void {
    this.#items = Object.entries(shares).map(([stream, share]): PlanItem => {
      const [inference, training] = typeof share === 'number' ? [share, 0] : share
      return {
        stream,
        node: gpu.node,
        gpu: onSecond.includes(stream) ? second.gpu : gpu.gpu,
        inferenceShare: inference / 100,
        inferenceConfiguration: 'every-frame',
        trainingShare: training / 100,
        ...(training > 0
          ? {
              retrainingConfiguration: 'all-5',
              state: this.#options.advances ? ('Planned' as const) : ('Training' as const),
            }
          : { state: 'None' as const }),
      }
    })
  }

  /** Runs until nothing has been left to do for three seconds. @throws if that takes longer than `seconds`. */
  async settle(seconds = 300): Promise<void> {
    const end = this.now + seconds * 1000
    for (let quiet = 0; quiet < 30; ) {
      if (this.now > end) throw new Error(`not settled: ${this.describe()}`)
      const pending = await this.step()
      quiet = pending ? 0 : quiet + 1
    }
  }

  /** A reconcile and a tenth of a second. @returns whether something is under way. */
  async step(): Promise<boolean> {
    let pending = true
    try {
      const site = this.#site()
      const done = await actuatePods(site, this.#actuator())
      pending = done.pending
      this.notes.push(...done.notes)
      if (this.#options.advances) pending = this.#advance(site) || pending
    } catch (error) {
      if (!this.#dead) throw error
    }
    if (this.#dead) {
      this.#dead = false
      pending = true
      this.deaths++
      // A new operator knows nothing but what is in the API, and asks the workers anew.
      this.#recent = new RecentPods()
      this.#polled = new Map()
      this.now += 2000
    }
    this.#observe()
    this.now += 100
    this.#live()
    return pending
  }

  #advance(site: SiteSnapshot): boolean {
    const { status, notes } = advance(site, planner)
    const { items } = status.plan!
    if (JSON.stringify(items) === JSON.stringify(this.#items)) return false
    this.#items = items
    this.notes.push(...notes)
    this.#wrote(`status ${items.map(({ stream, state }) => `${stream} ${state}`).join(', ')}`)
    return true
  }

  #wrote(what: string): void {
    this.writes.push(what)
    if (this.writes.length - 1 !== this.killAt) return
    this.#dead = true
    throw new Error('killed')
  }

  get #operatorNow(): number {
    return this.now - (this.#options.clockAheadMs ?? 0)
  }

  get items(): readonly PlanItem[] {
    return this.#items
  }

  describe(): string {
    return [...this.pods.values()]
      .map(
        ({ pod, standby }) => `${pod.metadata.name} ${pod.status?.phase} ${standby ? 'standby' : 'on duty'}`,
      )
      .join(', ')
  }

  /** Units by pod. */
  held(): Record<string, number> {
    return Object.fromEntries([...this.pods.values()].map(({ pod }) => [pod.metadata.name, unitsOf(pod)]))
  }

  /** Frames of a stream that no pod, and that several have analysed, since its first pod served. */
  frames(stream: string): { readonly lost: number; readonly twice: number } {
    const pods = [...this.past, ...this.pods.values()].filter(
      each =>
        each.stream === stream &&
        Number.isFinite(each.fromMs) &&
        each.pod.metadata.labels?.[roleLabel] === 'inference',
    )
    const first = Math.ceil((Math.min(...pods.map(each => each.fromMs)) - epoch) / periodMs)
    let [lost, twice] = [0, 0]
    for (let frame = first; epoch + frame * periodMs < this.now - 3000; frame++) {
      const due = epoch + frame * periodMs
      const owners = pods.filter(
        ({ fromMs, untilMs, endedMs }) => due >= fromMs && due < Math.min(untilMs, endedMs),
      )
      if (owners.length === 0) lost++
      if (owners.length > 1) twice++
    }
    return { lost, twice }
  }

  #observe(): void {
    const live = [...this.pods.values()].filter(({ pod }) => pod.status?.phase !== 'Succeeded')
    const gpus = Map.groupBy(live, ({ pod }) => pod.metadata.annotations?.[gpuAnnotation])
    for (const here of gpus.values()) {
      const total = here.reduce((sum, { pod }) => sum + unitsOf(pod), 0)
      const workers = Map.groupBy(here, ({ pod }) => podSnapshot(pod)!.worker)
      const steady = [...workers.values()].reduce(
        (sum, pods) => sum + Math.max(...pods.map(({ pod }) => unitsOf(pod))),
        0,
      )
      this.most = { steady: Math.max(this.most.steady, steady), total: Math.max(this.most.total, total) }
    }
  }

  /** What kubelet and workers do by themselves. */
  #live(): void {
    for (const [name, running] of this.pods) {
      const { pod } = running
      const phase = pod.status?.phase
      if (phase === undefined) {
        if (this.#options.refused?.(name)) {
          this.#status(running, { phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'no device' })
          running.endedMs = this.now
        } else this.#status(running, { phase: 'Running', podIP: name })
      } else if (phase === 'Running' && !isReady(pod) && this.now >= running.readyMs) {
        this.#status(running, {
          phase: 'Running',
          podIP: name,
          conditions: [{ type: 'Ready', status: 'True' }],
          containerStatuses: [
            { name: 'worker', state: { running: { startedAt: new Date(running.createdMs).toISOString() } } },
          ],
        })
        if (!running.standby) running.fromMs = this.now
      }
      if (running.deletedMs <= this.now - 1000) {
        running.endedMs = Math.min(running.endedMs, this.now)
        running.goneMs = this.now
        this.pods.delete(name)
        this.past.push(running)
        continue
      }
      if (pod.status?.phase === 'Running' && this.now >= running.untilMs && !this.#options.hangs?.(name)) {
        running.endedMs = this.now
        const result = JSON.stringify(resultOf(running))
        this.#status(running, {
          phase: 'Succeeded',
          containerStatuses: [{ name: 'worker', state: { terminated: { exitCode: 0, message: result } } }],
        })
      }
    }
    const onFirst = ({ pod }: Running): boolean => pod.metadata.annotations?.[gpuAnnotation] === gpu.gpu
    if (!this.faultLasts && ![...this.pods.values()].some(onFirst)) this.fault = undefined
    for (const { pod } of this.pods.values())
      if (pod.status?.phase === 'Running' && this.now % 1000 === 0)
        this.#polled.set(pod.metadata.uid!, this.#statusOf(pod))
  }

  #status(running: Running, status: Pod['status']): void {
    running.pod = {
      ...running.pod,
      metadata: { ...running.pod.metadata, resourceVersion: this.#next() },
      status,
    }
  }

  #next = (): string => String(++this.#version)

  #statusOf = (pod: Pod): WorkerStatus => statusOf(this.pods.get(pod.metadata.name)!)

  #site(): SiteSnapshot {
    const window = retrainingWindow(
      {
        current: { ...this.#phase(), startedAt: at(0), endsAt: at(1_000_000) },
        plan: { window: 0, policy: 'thief', decidedAt: at(0), items: this.#items },
      },
      { duration: '1000000s', scheduler: { policy: 'thief', step: 0.05, options: {} } },
    )
    const pods = [...this.pods.values()]
      .map(({ pod }) => {
        const status = this.#polled.get(pod.metadata.uid!)
        return podSnapshot(pod, status === undefined ? undefined : { status, ...this.#skew() })
      })
      .filter(pod => pod !== undefined)
    return {
      window,
      gpus: [this.#first(), second],
      training: cpuReplaceBackend.training,
      now: this.#operatorNow,
      pods,
      streams: this.#items.map(({ stream: name }) => {
        const own = pods.filter(pod => pod.stream === name)
        return {
          name,
          stream: camera(name, { frameRate, ...this.#memoryOf(name) }),
          inference: onDuty(own.filter(pod => pod.role === 'inference')),
          training: newest(own.filter(pod => pod.role === 'training')),
        } as SiteSnapshot['streams'][number]
      }),
    }
  }

  #first(): SiteGpu {
    const lasts = this.faultLasts ? { faultLasts: true as const } : {}
    return this.fault === undefined ? gpu : { ...gpu, fault: this.fault, ...lasts }
  }

  #phase() {
    return this.#options.labels === undefined
      ? ({ index: 0, phase: 'Retraining' } as const)
      : ({ index: 1, phase: 'Labeling' } as const)
  }

  #skew(): { readonly clockAheadMs?: number } {
    const { clockAheadMs, tellsTime = true } = this.#options
    return clockAheadMs === undefined || !tellsTime ? {} : { clockAheadMs }
  }

  #memoryOf(stream: string): { memory?: string } {
    const { memory } = this.#options
    return memory === undefined ? {} : { memory: memory(stream) }
  }

  #actuator(): PodActuator {
    const calls: PlayedCalls = {
      pods: this.pods,
      graces: this.graces,
      now: () => this.now,
      serverNow: () => this.#operatorNow,
      nextVersion: this.#next,
      startSeconds: name => this.#options.startSeconds?.(name) ?? 3,
      begin: () => {
        if (this.#dead) throw new Error('killed')
      },
      wrote: what => this.#wrote(what),
    }
    return {
      backends: backendSet(),
      recent: this.#recent,
      profilingAwaited: this.#options.labels === 'awaited',
      options: { image: this.image, storage: { source: {}, mountPath: '/storage' } },
      seed: 1,
      executor: createResizeExecutor({
        client: { patchResize: () => Promise.reject(new Error('nothing is resized in place')) },
        now: () => this.now,
        isNotFound: () => false,
      }),
      hooks: { onResize: (backend, result) => void this.resized.push(`${backend} ${result}`) },
      learn: (pod, status) => {
        if (!this.#dead) this.#polled.set(pod.metadata.uid!, status)
      },
      workers: playedWorkers(calls),
      transport: playedTransport(calls),
    }
  }
}

const unitsOf = (pod: Pod): number => cpuReplaceBackend.amountOf(pod, gpu).units

export type Shares = Parameters<SwapSite['plan']>[0]

/** Where all streams have been served with these shares for a while. */
export async function swapSiteAt(shares: Shares, options: SwapSiteOptions = {}): Promise<SwapSite> {
  const site = new SwapSite(options)
  site.plan(shares)
  await site.settle()
  return site
}

/** No frame was lost or analysed twice, and the GPU was never given away more than once. */
export function expectBooks(site: SwapSite, streams: readonly string[]): void {
  for (const stream of streams) expect(site.frames(stream), stream).to.deep.equal({ lost: 0, twice: 0 })
  expect(site.most.steady).to.be.at.most(100)
  expect(site.most.total).to.be.at.most(200)
}
