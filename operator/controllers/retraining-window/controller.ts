/**
 * The RetrainingWindow controller: gather → act on what is written → decide → write.
 *
 * A reconcile first makes the world match the status that is in the API (pods, shares, the streams' status), and only then looks whether
 * the window moves on; the new status is written and acted on by the next reconcile. So every step can be interrupted anywhere.
 * The store may lag behind our own last write: that write's answer is used until the store has caught up.
 */
import { setConditions } from '../../api/conditions.ts'
import type { CameraStream, RetrainingWindow, RetrainingWindowStatus } from '../../api/generated/types.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { lastingFaultMs } from '../../cluster/lasting-faults.ts'
import type { Observation } from '../../cluster/pod.ts'
import { cameraStreams, retrainingWindows } from '../../cluster/resources.ts'
import { activeStreams, type SiteSnapshot } from '../../cluster/snapshot.ts'
import { applyTo } from '../../kube/apply.ts'
import type { Clock } from '../../kube/clock.ts'
import type { Reconcile } from '../../kube/controller.ts'
import { isConflict, isNotFound } from '../../kube/errors.ts'
import type { EventRecorder } from '../../kube/events.ts'
import { keyOf } from '../../kube/objects.ts'
import type { Transport } from '../../kube/transport.ts'
import type { ShareReading } from '../../sharing/backend.ts'
import { LatestWrites } from '../latest-writes.ts'
import type { PlanItem } from '../plan-status.ts'
import { windowConditionInputs } from './conditions.ts'
import { advanceAside, type PlanSolver } from './plan-aside.ts'
import type { PodActuator } from './pod-actuator.ts'
import { actuatePods } from './pods.ts'
import { type ProfilingSolver, profilingOrders } from './profiling-order.ts'
import { skewNotes } from './skew-notes.ts'
import { withinBounds } from './status-bounds.ts'
import type { Note } from './step.ts'
import { streamProjection } from './stream-projection.ts'

export const retrainingWindowManager = 'ekya-retraining-window'

export interface RetrainingWindowDependencies {
  readonly cluster: Cluster
  readonly transport: Pick<Transport, 'apply'>
  readonly observe: (uid: string) => Observation | undefined
  readonly actuator: PodActuator
  readonly solver: PlanSolver & ProfilingSolver
  readonly recorder: Pick<EventRecorder, 'record'>
  readonly clock: Pick<Clock, 'now'>
  /** Tells what a reconcile saw, for metrics. */
  readonly onSite?: (site: SiteSnapshot, readings: ReadonlyMap<string, ShareReading>) => void
  /** A window's status has been written. */
  readonly onStatus?: (window: RetrainingWindow, status: RetrainingWindowStatus) => void
  readonly onGone?: (key: string) => void
  /** A plan has been made. */
  readonly onScheduled?: (policy: string, seconds: number) => void
  /** A training's outcome has been written. */
  readonly onRetrained?: (result: 'accepted' | 'rejected' | 'failed' | 'unfinished', seconds: number) => void
}

/** While something is under way whose progress no event tells. */
const pendingMs = 500
/** While the planning thread is asked something that only profile pods wait for. */
const answerMs = 100

export function retrainingWindowReconciler(dependencies: RetrainingWindowDependencies): Reconcile {
  const { cluster, clock, solver, recorder } = dependencies
  const writes = new LatestWrites<RetrainingWindow>()
  const streamWrites = new LatestWrites<CameraStream>()
  const orders = profilingOrders(solver)

  return async (key, signal) => {
    const window = writes.newest(key, cluster.windows.get(key))
    if (window === undefined || window.metadata.deletionTimestamp !== undefined) {
      writes.forget(key)
      orders.forget(key)
      dependencies.onGone?.(key)
      return undefined
    }
    const seen = cluster.site(window, dependencies.observe, clock.now().getTime())
    const site = {
      ...seen,
      streams: seen.streams.map(s => ({
        ...s,
        stream: streamWrites.newest(keyOf(s.stream), s.stream) ?? s.stream,
      })),
    }
    const { order, awaited = false, notes: unordered } = orders.of(site)
    const actuator = {
      ...dependencies.actuator,
      profilingAwaited: awaited,
      ...(order && { profilingOrder: order }),
    }
    const { pending, againInMs, readings, notes } = await actuatePods(site, actuator, signal)
    await projectStreams(site, readings, dependencies.transport, streamWrites, signal)
    dependencies.onSite?.(site, readings)

    const step = await advanceAside(site, solver, dependencies.onScheduled)
    const status = summarised(site, step.status)
    const written = await applyTo<RetrainingWindow>(
      dependencies.transport,
      window,
      {
        resource: retrainingWindows,
        body: { status },
        fieldManager: retrainingWindowManager,
        subresource: 'status',
      },
      signal,
    )
    if (written !== undefined) writes.remember(key, written)
    const clocks = written === undefined ? [] : skewNotes(site.window, status, site)
    for (const note of [...unordered, ...notes, ...step.notes, ...clocks]) {
      recorder.record(subject(site, note), {
        type: note.type,
        reason: note.reason,
        action: 'Reconcile',
        note: note.message,
      })
    }
    if (written !== undefined) {
      tellRetrained(site, status, dependencies)
      dependencies.onStatus?.(site.window, status)
      return { requeueAfterMs: 0 }
    }
    const waits = [
      ...(pending ? [pendingMs] : []),
      ...(awaited ? [answerMs] : []),
      ...(againInMs === undefined ? [] : [againInMs]),
      ...(step.wakeAfterMs === undefined ? [] : [step.wakeAfterMs]),
      // No event tells that a fault lasts.
      ...(site.gpus.some(({ fault, faultLasts }) => fault !== undefined && !faultLasts)
        ? [lastingFaultMs]
        : []),
    ]
    return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) }
  }
}

function summarised(site: SiteSnapshot, status: RetrainingWindowStatus): RetrainingWindowStatus {
  return {
    ...withinBounds(status),
    observedGeneration: site.window.metadata.generation,
    conditions: setConditions(
      site.window.status?.conditions,
      windowConditionInputs(site, status),
      new Date(site.now),
    ),
    streams: activeStreams(site).length,
    gpus: site.gpus.length,
  }
}

/** Writes what the plan means for each stream into the stream's status. A stream that goes meanwhile is no failure. */
async function projectStreams(
  site: SiteSnapshot,
  readings: ReadonlyMap<string, ShareReading>,
  transport: Pick<Transport, 'apply'>,
  writes: LatestWrites<CameraStream>,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    site.streams.map(async stream => {
      const reading = stream.inference === undefined ? undefined : readings.get(stream.inference.name)
      const body = { status: streamProjection(site, stream, reading) }
      const application = {
        resource: cameraStreams,
        body,
        fieldManager: retrainingWindowManager,
        subresource: 'status',
      }
      try {
        const written = await applyTo<CameraStream>(transport, stream.stream, application, signal)
        if (written !== undefined) writes.remember(keyOf(written), written)
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
    }),
  )
}

/** Counted only once the outcome is in the API, so that a failed write never counts twice. */
function tellRetrained(
  site: SiteSnapshot,
  status: RetrainingWindowStatus,
  { onRetrained }: RetrainingWindowDependencies,
): void {
  for (const item of site.window.status?.plan?.items ?? []) {
    if (item.state !== 'Training') continue
    const after = status.plan?.items.find(i => i.stream === item.stream)?.state
    const seconds =
      item.startsAt === undefined ? 0 : Math.max(0, (site.now - Date.parse(item.startsAt)) / 1000)
    const result = after === undefined ? undefined : outcomes[after]
    if (result !== undefined) onRetrained?.(result, seconds)
  }
}

const outcomes: Partial<Record<PlanItem['state'], 'accepted' | 'rejected' | 'failed' | 'unfinished'>> = {
  Accepted: 'accepted',
  Rejected: 'rejected',
  Failed: 'failed',
  Unfinished: 'unfinished',
}

function subject(site: SiteSnapshot, note: Note): RetrainingWindow | CameraStream {
  return site.streams.find(s => s.name === note.stream)?.stream ?? site.window
}
