/**
 * The operator's Prometheus registry behind functions in the words of the domain.
 *
 * What is observed of a stream, a window or the GPUs replaces what was observed of it before: series of a pod that has
 * gone, of a stream that was deleted or of an accuracy that is unknown again disappear instead of keeping their last value.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { FrameCounts, WorkerRole } from '../api/worker.ts'
import { definitions, type MetricDefinition, type MetricName } from './definitions.ts'
import { createSeries, type Labels } from './series.ts'

export interface StreamObservation {
  readonly namespace: string
  readonly stream: string
  readonly accuracy: { readonly measured?: number | null; readonly predicted?: number | null }
  /** a_MIN, in [0, 1]. */
  readonly accuracyFloor?: number
  readonly shares: readonly {
    readonly role: WorkerRole
    readonly node: string
    readonly gpu: string
    readonly share: number
  }[]
  readonly latencySeconds?: { readonly p50: number; readonly p95: number } | null
}

export interface WindowObservation {
  readonly namespace: string
  readonly name: string
  readonly phase: string
  /** All phases there are. */
  readonly phases: readonly string[]
  /** Milliseconds since the epoch. */
  readonly endsAt?: number | null
  readonly accuracy?: { readonly realised?: number; readonly withoutRetraining?: number }
  /** Windows in a row that were worse than the one before. */
  readonly fallingWindows?: number | null
  readonly accuracyGain?: number | null
  readonly profileError?: number | null
  /** Pods whose share is not what was asked for yet. */
  readonly resizesPending?: number
}

export interface GpuObservation {
  readonly node: string
  readonly gpu: string
  readonly allocated: number
  /** MPS does not serve on it. */
  readonly fault: boolean
}

export type WindowResult = 'planned' | 'missed'

/** Shaped like client-go's metrics provider; one per queue. */
export interface WorkqueueHooks {
  onAdd(): void
  onDepth(depth: number): void
  onRetry(): void
  onStarted(queueSeconds: number): void
  onDone(workSeconds: number): void
  onUnfinished(seconds: number): void
}

export interface Metrics {
  readonly registry: Registry
  observeStream(observation: StreamObservation): void
  /** Counts of the process `process` (a pod's uid and restarts) since it began: the differences are added up. */
  observeFrames(namespace: string, stream: string, process: string, frames: FrameCounts): void
  forgetStream(namespace: string, stream: string): void
  observeWindow(observation: WindowObservation): void
  /** `count` windows ended so. */
  windowsEnded(namespace: string, name: string, result: WindowResult, count: number): void
  forgetWindow(namespace: string, name: string): void
  /** What a window's pods hold. GPUs that several windows govern hold the sum. */
  observeGpus(namespace: string, name: string, gpus: readonly GpuObservation[]): void
  scheduled(policy: string, seconds: number): void
  retrained(result: 'accepted' | 'rejected' | 'failed' | 'unfinished', seconds: number): void
  resized(backend: string, result: 'done' | 'gone' | 'failed'): void
  resizeActuated(backend: string, seconds: number): void
  reconciled(controller: string, result: ReconcileResult, seconds: number): void
  workqueue(name: string): WorkqueueHooks
  kubeRequest(verb: string, status: number | 'error'): void
  /** A whole list of a resource was read. */
  listed(resource: string, reason: ListReason): void
  setLeader(leads: boolean): void
  /** Milliseconds for which the API server has said nothing of a resource, and to leader election. */
  observeSilence(watches: ReadonlyMap<string, number>, electionMs: number): void
}

/** Why a reflector reads a whole list. */
export type ListReason = 'start' | 'status-410' | 'in-band-410' | 'silence'

export type ReconcileResult = 'success' | 'requeue' | 'conflict' | 'error' | 'terminal_error'

export interface MetricsOptions {
  readonly version: string
  /** prom-client's process and Node.js metrics; default true. */
  readonly defaults?: boolean
}

/** Gauges of prom-client whose names end like a counter's, which linters refuse; each says the sum of its twin without `_total`. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const

export function createMetrics({ version, defaults = true }: MetricsOptions): Metrics {
  const registry = new Registry()
  if (defaults) collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)

  const common = (name: MetricName) => ({
    name,
    help: definitions[name].help,
    labelNames: [...definitions[name].labels],
    registers: [registry],
  })
  const gauge = (name: MetricName) => new Gauge<string>(common(name))
  const counter = (name: MetricName) => new Counter<string>(common(name))
  const histogram = (name: MetricName) =>
    new Histogram<string>({
      ...common(name),
      buckets: [...((definitions[name] as MetricDefinition).buckets ?? [])],
    })

  const accuracy = createSeries(gauge('ekya_stream_accuracy_ratio'))
  const floor = createSeries(gauge('ekya_stream_accuracy_floor_ratio'))
  const shares = createSeries(gauge('ekya_stream_gpu_share_ratio'))
  const allocated = createSeries(gauge('ekya_gpu_share_allocated_ratio'))
  const faults = createSeries(gauge('ekya_gpu_fault'))
  const latency = createSeries(gauge('ekya_inference_latency_seconds'))
  const phase = createSeries(gauge('ekya_window_phase'))
  const windowEnd = createSeries(gauge('ekya_window_end_timestamp_seconds'))
  const windowAccuracy = createSeries(gauge('ekya_window_accuracy_ratio'))
  const falling = createSeries(gauge('ekya_window_accuracy_falling_windows'))
  const resizesPending = createSeries(gauge('ekya_resizes_pending'))
  const windows = counter('ekya_windows_total')
  const gain = createSeries(gauge('ekya_window_accuracy_gain_ratio'))
  const profileError = createSeries(gauge('ekya_profile_error_ratio'))
  const frames = counter('ekya_frames_total')
  const schedule = histogram('ekya_schedule_duration_seconds')
  const retraining = histogram('ekya_retraining_duration_seconds')
  const resizeDuration = histogram('ekya_resize_duration_seconds')
  const resizes = counter('ekya_resizes_total')
  const reconciles = counter('ekya_reconcile_total')
  const reconcileDuration = histogram('ekya_reconcile_duration_seconds')
  const queue = {
    depth: gauge('ekya_workqueue_depth'),
    adds: counter('ekya_workqueue_adds_total'),
    retries: counter('ekya_workqueue_retries_total'),
    waiting: histogram('ekya_workqueue_queue_duration_seconds'),
    working: histogram('ekya_workqueue_work_duration_seconds'),
    unfinished: gauge('ekya_workqueue_unfinished_work_seconds'),
  }
  const requests = counter('ekya_kube_requests_total')
  const watchSilence = gauge('ekya_watch_silent_seconds')
  const lists = counter('ekya_watch_lists_total')
  const electionSilence = gauge('ekya_leader_election_silent_seconds')
  const leader = gauge('ekya_leader')
  leader.set(0)
  gauge('ekya_build_info').set({ version, node_version: process.version }, 1)

  /** Counts last seen of each stream's inference processes, the last ones: two of them may run side by side. */
  const seenFrames = new Map<string, Map<string, FrameCounts>>()
  const processesKept = 8

  const gpusOf = new Map<string, readonly GpuObservation[]>()
  const tellGpus = (): void => {
    const byGpu = Map.groupBy([...gpusOf.values()].flat(), ({ node, gpu }) => JSON.stringify([node, gpu]))
    const points = [...byGpu.values()].map(held => ({
      labels: { node: held[0]!.node, gpu: held[0]!.gpu },
      held: held.reduce((sum, each) => sum + each.allocated, 0),
      fault: held.some(each => each.fault),
    }))
    allocated.replace(
      'all',
      points.map(({ labels, held }) => ({ labels, value: held })),
    )
    faults.replace(
      'all',
      points.map(({ labels, fault }) => ({ labels, value: fault ? 1 : 0 })),
    )
  }

  return {
    registry,

    observeStream({ namespace, stream, accuracy: known, accuracyFloor, shares: held, latencySeconds }) {
      const labels = { namespace, stream }
      const key = keyOf(namespace, stream)
      accuracy.replace(key, [
        ...point({ ...labels, kind: 'measured' }, known.measured),
        ...point({ ...labels, kind: 'predicted' }, known.predicted),
      ])
      floor.replace(key, point(labels, accuracyFloor))
      shares.replace(
        key,
        held.map(({ role, node, gpu, share }) => ({ labels: { ...labels, role, node, gpu }, value: share })),
      )
      latency.replace(key, [
        ...point({ ...labels, percentile: '50' }, latencySeconds?.p50),
        ...point({ ...labels, percentile: '95' }, latencySeconds?.p95),
      ])
    },

    observeFrames(namespace, stream, process, now) {
      const key = keyOf(namespace, stream)
      const processes = seenFrames.get(key) ?? new Map<string, FrameCounts>()
      seenFrames.set(key, processes)
      const before = processes.get(process)
      for (const result of ['analysed', 'skipped', 'dropped'] as const) {
        frames.inc({ namespace, stream, result }, Math.max(0, now[result] - (before?.[result] ?? 0)))
      }
      processes.delete(process)
      processes.set(process, now)
      for (const old of [...processes.keys()].slice(0, -processesKept)) processes.delete(old)
    },

    forgetStream(namespace, stream) {
      const key = keyOf(namespace, stream)
      for (const series of [accuracy, floor, shares, latency]) series.replace(key, [])
      if (!seenFrames.delete(key)) return
      for (const result of ['analysed', 'skipped', 'dropped']) frames.remove({ namespace, stream, result })
    },

    observeWindow(window) {
      const {
        namespace,
        name,
        phase: current,
        phases,
        endsAt,
        accuracy: reached,
        resizesPending: stuck,
      } = window
      const labels = { namespace, retraining_window: name }
      const key = keyOf(namespace, name)
      phase.replace(
        key,
        phases.map(one => ({ labels: { ...labels, phase: one }, value: one === current ? 1 : 0 })),
      )
      windowEnd.replace(key, point(labels, typeof endsAt === 'number' ? endsAt / 1000 : null))
      windowAccuracy.replace(key, [
        ...point({ ...labels, kind: 'realised' }, reached?.realised),
        ...point({ ...labels, kind: 'without_retraining' }, reached?.withoutRetraining),
      ])
      falling.replace(key, point(labels, window.fallingWindows))
      gain.replace(key, point(labels, window.accuracyGain))
      profileError.replace(key, point(labels, window.profileError))
      resizesPending.replace(key, point(labels, stuck ?? 0))
      // From the first look on, so that the first missed window is an increase.
      for (const result of windowResults) windows.inc({ ...labels, result }, 0)
    },

    windowsEnded(namespace, name, result, count) {
      windows.inc({ namespace, retraining_window: name, result }, count)
    },

    forgetWindow(namespace, name) {
      for (const series of [phase, windowEnd, windowAccuracy, falling, gain, profileError, resizesPending])
        series.replace(keyOf(namespace, name), [])
      for (const result of windowResults) windows.remove({ namespace, retraining_window: name, result })
      gpusOf.delete(keyOf(namespace, name))
      tellGpus()
    },

    observeGpus(namespace, name, gpus) {
      gpusOf.set(keyOf(namespace, name), gpus)
      tellGpus()
    },

    scheduled: (policy, seconds) => schedule.observe({ policy }, seconds),
    retrained: (result, seconds) => retraining.observe({ result }, seconds),
    resized(backend, result) {
      // From the first resize on, so that the first failure after it is an increase.
      for (const each of resizeResults) resizes.inc({ backend, result: each }, each === result ? 1 : 0)
    },
    resizeActuated: (backend, seconds) => resizeDuration.observe({ backend }, seconds),
    reconciled(controller, result, seconds) {
      reconciles.inc({ controller, result })
      reconcileDuration.observe({ controller }, seconds)
    },
    workqueue(name) {
      queue.depth.set({ name }, 0)
      queue.adds.inc({ name }, 0)
      queue.retries.inc({ name }, 0)
      return {
        onAdd: () => queue.adds.inc({ name }),
        onDepth: depth => queue.depth.set({ name }, depth),
        onRetry: () => queue.retries.inc({ name }),
        onStarted: seconds => queue.waiting.observe({ name }, seconds),
        onDone: seconds => queue.working.observe({ name }, seconds),
        onUnfinished: seconds => queue.unfinished.set({ name }, seconds),
      }
    },
    kubeRequest: (verb, status) => requests.inc({ verb, status: String(status) }),
    listed(resource, reason) {
      // From the first list on, so that the next one is an increase.
      for (const each of listReasons) lists.inc({ resource, reason: each }, each === reason ? 1 : 0)
    },
    setLeader: leads => leader.set(leads ? 1 : 0),
    observeSilence(watches, electionMs) {
      for (const [resource, ms] of watches) watchSilence.set({ resource }, ms / 1000)
      electionSilence.set(electionMs / 1000)
    },
  }
}

const resizeResults = ['done', 'gone', 'failed'] as const
const listReasons: readonly ListReason[] = ['start', 'status-410', 'in-band-410', 'silence']
const windowResults: readonly WindowResult[] = ['planned', 'missed']

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`

const point = (labels: Labels, value: number | null | undefined) =>
  value === null || value === undefined ? [] : [{ labels, value }]
