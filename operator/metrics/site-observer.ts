/** Turns what a reconcile saw of a site into metrics: gauges follow the snapshot, histograms and counters the transitions. */
import { parseDuration } from '../api/duration.ts'
import type { RetrainingWindow, RetrainingWindowStatus } from '../api/generated/types.ts'
import { gpuAnnotation, nodeAnnotation } from '../api/names.ts'
import { isOn } from '../cluster/pod.ts'
import type { PodSnapshot, SiteSnapshot } from '../cluster/snapshot.ts'
import type { ShareReading } from '../sharing/backend.ts'
import type { Metrics, StreamObservation, WindowResult } from './registry.ts'

export type Phase = NonNullable<RetrainingWindowStatus['current']>['phase']

/** What serves while there is no plan, or none could be made. */
const quickPolicy = 'quick'

const phases: readonly Phase[] = [
  'Pending',
  'Labeling',
  'Profiling',
  'Planning',
  'Retraining',
  'Closing',
  'Suspended',
  'Completed',
]

/** No window runs. */
const resting: readonly Phase[] = ['Pending', 'Suspended', 'Completed']

export function observeSite(
  metrics: Metrics,
  site: SiteSnapshot,
  readings: ReadonlyMap<string, ShareReading>,
): void {
  const { namespace = '', name } = site.window.metadata
  const { current, history = [] } = site.window.status ?? {}
  const measured = history.find(entry => entry.realised !== undefined)
  const { realised, withoutRetraining } = measured ?? {}
  metrics.observeWindow({
    namespace,
    name,
    phase: current?.phase ?? 'Pending',
    phases,
    endsAt:
      current?.endsAt === undefined || resting.includes(current.phase) ? null : Date.parse(current.endsAt),
    accuracy: {
      ...(realised === undefined ? {} : { realised }),
      ...(withoutRetraining === undefined ? {} : { withoutRetraining }),
    },
    fallingWindows: measured === undefined ? null : fallingWindows(history.map(entry => entry.realised)),
    accuracyGain:
      realised === undefined || withoutRetraining === undefined ? null : realised - withoutRetraining,
    profileError: measured?.profilerError ?? null,
    resizesPending: [...readings.values()].filter(reading => reading.resizing).length,
  })
  for (const stream of site.streams) observeStream(metrics, site, stream.name, readings)
  metrics.observeGpus(
    namespace,
    name,
    site.gpus.map(({ node, gpu, fault }) => ({
      node,
      gpu,
      fault: fault !== undefined,
      allocated: site.pods
        .filter(pod => isOn(pod, { node, gpu }))
        .reduce((sum, pod) => sum + (readings.get(pod.name)?.actual ?? 0), 0),
    })),
  )
}

/**
 * How many windows in a row, up to the newest measured one, were worse than the measured one before.
 * @param accuracies newest first; undefined where a window was not measured
 */
export function fallingWindows(accuracies: readonly (number | undefined)[]): number {
  const known = accuracies.filter(accuracy => accuracy !== undefined)
  const stop = known.findIndex((accuracy, i) => i + 1 === known.length || accuracy >= known[i + 1]!)
  return Math.max(0, stop)
}

/**
 * What a step of the window's status means for the count of windows: the one that ended had a plan or had none, and windows that
 * passed while nobody worked were missed as a whole.
 */
export function endedWindows(
  before: RetrainingWindowStatus | undefined,
  after: RetrainingWindowStatus,
  durationMs: number,
): readonly { readonly result: WindowResult; readonly count: number }[] {
  const was = before?.current
  const is = after.current
  if (was?.phase === 'Closing' && is !== undefined && is.index > was.index) {
    const late = Date.parse(is.startedAt ?? '') - Date.parse(was.endsAt ?? '')
    const passed = Math.floor(late / durationMs)
    return passed > 0 ? [{ result: 'missed', count: passed }] : []
  }
  if (is?.phase !== 'Closing' || was === undefined || was.phase === 'Closing') return []
  // Window 0 has nothing to learn from, so that it needs no plan of retrainings.
  const planned = was.phase === 'Retraining' && (was.index === 0 || before?.plan?.policy !== quickPolicy)
  return [{ result: planned ? 'planned' : 'missed', count: 1 }]
}

/** Counts a window that ended by the status that was written after `window`'s. */
export function countWindows(
  metrics: Metrics,
  window: RetrainingWindow,
  status: RetrainingWindowStatus,
): void {
  const { namespace = '', name } = window.metadata
  const durationMs = parseDuration(window.spec.duration) * 1000
  for (const { result, count } of endedWindows(window.status, status, durationMs))
    metrics.windowsEnded(namespace, name, result, count)
}

/** What pods of a stream hold, by role and GPU: two of a role may stand side by side, on one GPU or on two. */
export function heldShares(
  pods: readonly PodSnapshot[],
  readings: ReadonlyMap<string, ShareReading>,
): StreamObservation['shares'] {
  const held = pods.flatMap(({ name, role, pod }) => {
    const reading = readings.get(name)
    const { [nodeAnnotation]: node, [gpuAnnotation]: gpu } = pod.metadata.annotations ?? {}
    return reading === undefined || node === undefined || gpu === undefined
      ? []
      : [{ role, node, gpu, share: reading.actual }]
  })
  const together = Map.groupBy(held, ({ role, node, gpu }) => JSON.stringify([role, node, gpu]))
  return [...together.values()].map(all => ({
    ...all[0]!,
    share: all.reduce((sum, { share }) => sum + share, 0),
  }))
}

function observeStream(
  metrics: Metrics,
  site: SiteSnapshot,
  name: string,
  readings: ReadonlyMap<string, ShareReading>,
): void {
  const { namespace = '' } = site.window.metadata
  const stream = site.streams.find(s => s.name === name)!
  const answer = stream.inference?.status
  const { accuracy } = stream.stream.status ?? {}
  metrics.observeStream({
    namespace,
    stream: name,
    accuracy: { measured: accuracy?.measured ?? null, predicted: accuracy?.predicted ?? null },
    accuracyFloor: stream.stream.spec.minAccuracy,
    shares: heldShares(
      site.pods.filter(pod => pod.stream === name),
      readings,
    ),
    latencySeconds: answer?.latencySeconds ?? null,
  })
  for (const pod of site.pods) {
    if (pod.stream !== name || pod.role !== 'inference') continue
    const { result, status } = pod
    const frames =
      result?.kind === 'inference' ? result.frames : status?.role === 'inference' ? status.frames : undefined
    const restarts = pod.pod.status?.containerStatuses?.[0]?.restartCount ?? 0
    if (frames !== undefined) metrics.observeFrames(namespace, name, `${pod.uid}/${restarts}`, frames)
  }
}
