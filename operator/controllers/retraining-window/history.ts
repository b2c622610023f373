/**
 * The record of past windows. An entry is made when its window closes and gets its measured accuracies one window later, when the
 * frames that were served in it have been labelled. Newest first.
 */
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import { profileResult, type SiteSnapshot } from '../../cluster/snapshot.ts'
import type { HistoryEntry, PlanItem } from '../plan-status.ts'
import { profiledNow } from './site-problem.ts'
import { profiledWindowsKept } from './site-record.ts'

type StreamEntry = NonNullable<HistoryEntry['streams']>[number]

/** The history with the current window's entry added. */
export function closedWindow(status: RetrainingWindowStatus, site: SiteSnapshot): HistoryEntry[] {
  const { plan, current } = status
  const earlier = (status.history ?? []).filter(entry => entry.index !== current?.index)
  if (plan === undefined || current === undefined) return [...earlier]
  const trained = plan.items.filter(item => item.retrainingConfiguration !== undefined)
  const entry: HistoryEntry = {
    index: current.index,
    policy: plan.policy,
    ...(plan.predictedAccuracy === undefined ? {} : { predicted: plan.predictedAccuracy }),
    gpuSecondsTrained: sum(trained.map(item => spentGpuSeconds(item, site))),
    retrained: trained.filter(item => item.state === 'Accepted').length,
    streams: plan.items.map(item => streamEntry(item, site)),
  }
  return [entry, ...earlier]
    .slice(0, site.window.spec.historyLimit)
    .map((each, age) => (age < profiledWindowsKept ? each : withoutProfiled(each)))
}

/** The history with window `index` completed by what its samples' golden labels say. */
export function withMeasurements(
  history: readonly HistoryEntry[],
  index: number,
  site: SiteSnapshot,
): HistoryEntry[] {
  return history.map(entry => (entry.index === index ? measured(entry, site) : entry))
}

function measured(entry: HistoryEntry, site: SiteSnapshot): HistoryEntry {
  const streams = (entry.streams ?? []).map((record): StreamEntry => {
    const stream = site.streams.find(s => s.name === record.name)
    const result = stream === undefined ? undefined : profileResult(stream)
    if (result === undefined || result.samplesWindow !== entry.index) return record
    return {
      ...record,
      ...(result.accuracy === undefined
        ? {}
        : {
            realised: result.accuracy.measured,
            withoutRetraining: result.accuracy.initial,
            // A model that was taken in the window is the one in use after it.
            ...(record.retrained === true && record.outcome !== undefined
              ? { outcome: { ...record.outcome, accuracyAfter: result.accuracy.current } }
              : {}),
          }),
      ...(result.frames === undefined
        ? {}
        : {
            framesOffered: result.frames.offered,
            framesAnalysed: result.frames.analysed,
            framesDropped: result.frames.dropped,
          }),
    }
  })
  const weight = (record: StreamEntry) =>
    site.streams.find(s => s.name === record.name)?.stream.spec.weight ?? 1
  const mean = (pick: (record: StreamEntry) => number | undefined) => weightedMean(streams, pick, weight)
  const realised = mean(s => s.realised)
  const without = mean(s => s.withoutRetraining)
  const errors = streams.filter(s => s.predicted !== undefined && s.realised !== undefined)
  return {
    ...entry,
    streams,
    ...(realised === undefined ? {} : { realised }),
    ...(without === undefined ? {} : { withoutRetraining: without }),
    ...(realised === undefined || without === undefined ? {} : { gain: round(realised - without) }),
    ...(errors.length === 0
      ? {}
      : { profilerError: round(sum(errors.map(s => Math.abs(s.predicted! - s.realised!))) / errors.length) }),
  }
}

/** Estimators do not look back so far. */
export function withoutProfiled(entry: HistoryEntry): HistoryEntry {
  const { streams } = entry
  if (streams === undefined || streams.every(({ profiled }) => profiled === undefined)) return entry
  return { ...entry, streams: streams.map(({ profiled: _, ...record }) => record) }
}

function streamEntry(item: PlanItem, site: SiteSnapshot): StreamEntry {
  const stream = site.streams.find(s => s.name === item.stream)
  const now = stream === undefined ? undefined : profiledNow(site, stream)
  return {
    name: item.stream,
    ...(item.predictedWindow === undefined ? {} : { predicted: item.predictedWindow }),
    retrained: item.state === 'Accepted',
    ...(item.retrainingConfiguration === undefined ? {} : { configuration: item.retrainingConfiguration }),
    // What the pod before a fault has spent is not known, and half a cost would teach a wrong one.
    ...(item.estimate !== undefined &&
    (item.faults ?? 0) === 0 &&
    (item.state === 'Accepted' || item.state === 'Rejected')
      ? { estimate: item.estimate, outcome: { gpuSeconds: item.gpuSeconds ?? 0 } }
      : {}),
    ...(now === undefined
      ? {}
      : {
          accuracyBefore: round(now.accuracyBefore),
          profiled: now.options.map(({ configuration, accuracyAfter, gpuSeconds }) => ({
            configuration,
            accuracyAfter: round(accuracyAfter),
            gpuSeconds: Number(gpuSeconds.toFixed(2)),
          })),
        }),
    inferenceShare: item.inferenceShare,
    trainingShare: item.plannedTrainingShare ?? item.trainingShare ?? 0,
  }
}

/** What the training of an item has cost: its result's figure, or the last one the pod told before the window ended. */
function spentGpuSeconds(item: PlanItem, site: SiteSnapshot): number {
  if (item.state !== 'Training' && item.state !== 'Planned') return item.gpuSeconds ?? 0
  return site.streams.find(s => s.name === item.stream)?.training?.status?.gpuSeconds ?? 0
}

function weightedMean<T>(
  list: readonly T[],
  pick: (entry: T) => number | undefined,
  weight: (entry: T) => number,
): number | undefined {
  const known = list.filter(entry => pick(entry) !== undefined)
  if (known.length === 0) return undefined
  return round(sum(known.map(e => pick(e)! * weight(e))) / sum(known.map(weight)))
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const round = (value: number): number => Number(value.toFixed(4))
