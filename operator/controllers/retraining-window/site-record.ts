/**
 * What the history in a window's status tells estimators: what micro-profiles of past windows said and what trainings came to, as records
 * of the pooled model and as offers for pruning. Pure.
 */

import type { WindowRecord } from '../../profiler/pooled/outcome-model.ts'
import { configurationsToTry, type WindowOffer } from '../../profiler/pruning.ts'
import type { HistoryEntry } from '../plan-status.ts'

type StreamEntry = NonNullable<HistoryEntry['streams']>[number]

/** Windows of which micro-profiles are kept: somewhat more than the pooled model looks back on. */
export const profiledWindowsKept = 10

/** One stream's past windows that were profiled, oldest first. */
export function windowRecords(history: readonly HistoryEntry[], name: string): WindowRecord[] {
  return history.toReversed().flatMap(({ streams = [] }) => {
    const entry = streams.find(each => each.name === name)
    return entry?.profiled === undefined ? [] : [windowRecord(entry)]
  })
}

function windowRecord({
  accuracyBefore,
  profiled = [],
  configuration: trained,
  estimate,
  outcome,
}: StreamEntry): WindowRecord {
  const came = outcome?.accuracyAfter
  const trainings = profiled.map(({ configuration, gpuSeconds, accuracyAfter }) => ({
    configuration,
    gpuSeconds,
    estimate: accuracyAfter,
    ...(configuration === trained && came !== undefined ? { outcome: came } : {}),
  }))
  // What was not micro-profiled may have been trained all the same.
  const other =
    trained === undefined || came === undefined || trainings.some(each => each.configuration === trained)
      ? []
      : [
          {
            configuration: trained,
            gpuSeconds: outcome?.gpuSeconds ?? estimate?.gpuSeconds ?? 0,
            outcome: came,
          },
        ]
  return { ...(accuracyBefore === undefined ? {} : { accuracyBefore }), trainings: [...trainings, ...other] }
}

/**
 * What a training with a configuration was last said to cost, by the stream's own micro-profiles where there are any; GPU-seconds, undefined:
 * nobody has said.
 */
export function lastKnownCosts(
  history: readonly HistoryEntry[],
): (stream: string, configuration: string) => number | undefined {
  const own = new Map<string, Map<string, number>>()
  const ofSite = new Map<string, number>()
  for (const { streams = [] } of history)
    for (const { name, profiled = [] } of streams) {
      const costs = own.get(name) ?? new Map<string, number>()
      own.set(name, costs)
      for (const { configuration, gpuSeconds } of profiled)
        for (const known of [costs, ofSite])
          if (!known.has(configuration)) known.set(configuration, gpuSeconds)
    }
  return (stream, configuration) => own.get(stream)?.get(configuration) ?? ofSite.get(configuration)
}

/**
 * Names of the configurations that are worth a micro-profile in window `index`, in the user's order. The streams of a site share the choice:
 * one stream's few windows tell too little.
 */
export function configurationsWorthTrying(
  configurations: readonly string[],
  history: readonly HistoryEntry[],
  index: number,
): string[] {
  const record = history
    .toReversed()
    .map(({ streams = [] }): WindowOffer[] =>
      streams.flatMap(({ profiled }) => (profiled === undefined ? [] : [{ options: profiled }])),
    )
    .filter(offers => offers.length > 0)
  // Window 1 is the first that profiles.
  return configurationsToTry(configurations, record, { windows: Math.max(0, index - 1) })
}
