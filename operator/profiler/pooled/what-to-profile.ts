/**
 * Which micro-profiles of a window are worth their GPU-seconds, and in which order, by what the pooled model knows already and how much they
 * would tell it (../value-of-information.ts). In the model the variance after a micro-profile does not depend on what it will say, so it can be
 * foretold.
 */
import { offersByWorth, type ProfilingChoice, profilesWorthwhile } from '../value-of-information.ts'
import type { OutcomeModel, WindowRecord } from './outcome-model.ts'

export interface ProfilingQuestion {
  readonly model: OutcomeModel
  /** The window that is to be profiled, its last one in the model; its trainings have no estimate yet. */
  readonly record: WindowRecord
  readonly stream: number
  readonly window: number
  /** Accuracy of the model in use, as far as it is known, in [0, 1]. */
  readonly served: number
  /** What a micro-profile of a configuration costs; those of a group are told by one. */
  readonly costOf: (configuration: string) => { readonly gpuSeconds: number; readonly group?: string }
  /** For micro-profiles, in GPU-seconds. */
  readonly budget: number
  /** GPU-seconds until the window is over at the share that a training may expect: what is trained late is served for little. */
  readonly windowGpuSeconds: number
  /**
   * Whether a configuration can be chosen without a micro-profile. Where it can, micro-profiles that change no choice are left out; where it
   * cannot, all are in the answer, the most promising first.
   */
  readonly chosenUnprofiled: boolean
}

export function whatToProfile(question: ProfilingQuestion): ProfilingChoice[] {
  const { model, record, stream, window, served, costOf, budget, windowGpuSeconds, chosenUnprofiled } =
    question
  const groups = Map.groupBy(
    record.trainings,
    ({ configuration }) => costOf(configuration).group ?? configuration,
  )
  const candidates = [...groups.values()].flatMap(group => {
    const asked = new Set(group.map(({ configuration }) => configuration))
    const foretold = model.foretell(stream, window, asked)
    return record.trainings.flatMap(({ configuration, gpuSeconds }, i) => {
      if (!asked.has(configuration)) return []
      const { now, told } = foretold[i]!
      // The part of the window in which the retrained model serves.
      const part = Math.max(0, 1 - gpuSeconds / windowGpuSeconds)
      return [
        {
          configuration,
          mean: served + part * (now.mean - served),
          told: part * (chosenUnprofiled ? told : now.deviation),
          ...costOf(configuration),
        },
      ]
    })
  })
  const choose = chosenUnprofiled ? profilesWorthwhile : offersByWorth
  return choose(candidates, { budget, otherwise: served })
}
