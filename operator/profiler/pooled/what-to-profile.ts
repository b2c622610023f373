/**
 * Which micro-profiles of a window are worth their GPU-seconds, by what the pooled model knows already and how much they would tell it
 * (value-of-information.ts). In the model the variance after a micro-profile does not depend on what it will say, so it can be foretold: by
 * giving it the value that is expected.
 *
 * The operator does not ask it yet, as `../pruning.ts`.
 */
import { type ProfilingChoice, profilesWorthwhile } from '../value-of-information.ts'
import { fitOutcomes, type WindowRecord } from './outcome-model.ts'

export interface ProfilingQuestion {
  /** Windows of each stream in order. */
  readonly streams: readonly (readonly WindowRecord[])[]
  /** Which of them is to be profiled; its trainings have no estimate yet. */
  readonly stream: number
  readonly window: number
  /** What a micro-profile of a configuration costs; those of a group are told by one. */
  readonly costOf: (configuration: string) => { readonly gpuSeconds: number; readonly group?: string }
  /** For micro-profiles, in GPU-seconds. */
  readonly budget: number
  /** GPU-seconds until the window is over at the share that a training may expect: what is trained late is served for little. */
  readonly windowGpuSeconds: number
}

export function whatToProfile({
  streams,
  stream,
  window,
  costOf,
  budget,
  windowGpuSeconds,
}: ProfilingQuestion): ProfilingChoice[] {
  const record = streams[stream]![window]!
  const before = fitOutcomes(streams).predict(stream, window)
  const served = record.accuracyBefore ?? 0
  const groups = Map.groupBy(
    record.trainings,
    ({ configuration }) => costOf(configuration).group ?? configuration,
  )
  const candidates = [...groups.values()].flatMap(group => {
    const told = new Set(group.map(({ configuration }) => configuration))
    const trainings = record.trainings.map((training, i) =>
      told.has(training.configuration) ? { ...training, estimate: before[i]!.mean } : training,
    )
    const asked = streams.map((of, s) =>
      s === stream ? of.map((each, w) => (w === window ? { ...each, trainings } : each)) : of,
    )
    const after = fitOutcomes(asked).predict(stream, window)
    return record.trainings.flatMap((training, i) => {
      if (!told.has(training.configuration)) return []
      // The part of the window in which the retrained model serves.
      const part = Math.max(0, 1 - training.gpuSeconds / windowGpuSeconds)
      return [
        {
          configuration: training.configuration,
          mean: served + part * (before[i]!.mean - served),
          told: part * Math.sqrt(Math.max(0, before[i]!.deviation ** 2 - after[i]!.deviation ** 2)),
          ...costOf(training.configuration),
        },
      ]
    })
  })
  return profilesWorthwhile(candidates, { budget, otherwise: served })
}
