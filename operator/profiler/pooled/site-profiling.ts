/** What to micro-profile in a window of a whole site, stream by stream: the question that the operator asks when a window begins. */
import { fitOutcomes, type WindowRecord } from './outcome-model.ts'
import { whatToProfile } from './what-to-profile.ts'

export interface SiteProfilingQuestion {
  readonly streams: readonly {
    /** In order, oldest first; the last one is to be profiled. */
    readonly windows: readonly WindowRecord[]
    /** Accuracy of the model in use, in [0, 1]. */
    readonly served: number
  }[]
  /** By configuration: those of a group are told by one micro-profile. */
  readonly groups: Readonly<Record<string, string>>
  /** GPU-seconds until the window is over at the share that a training may expect. */
  readonly windowGpuSeconds: number
  readonly chosenUnprofiled: boolean
}

/** For each stream names of configurations, those whose micro-profile is worth most first; what is worth none is left out. */
export function siteProfiling({ streams, groups, ...question }: SiteProfilingQuestion): string[][] {
  const model = fitOutcomes(streams.map(({ windows }) => windows))
  return streams.map(({ windows, served }, stream) =>
    whatToProfile({
      ...question,
      model,
      served,
      stream,
      window: windows.length - 1,
      record: windows.at(-1)!,
      // Cheaper images are taken more of, so that micro-profiles cost about the same; pods know their budget in what they really cost.
      costOf: name => ({ gpuSeconds: 1, ...(groups[name] === undefined ? {} : { group: groups[name] }) }),
      budget: Number.POSITIVE_INFINITY,
    }).flatMap(({ configurations }) => configurations),
  )
}
