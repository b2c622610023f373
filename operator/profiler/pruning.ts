/**
 * Which retraining configurations are worth a micro-profile, after Ekya §4.3: all of them at first, then every second window a fixed part
 * of the worst is dropped. Worst are those furthest below the Pareto front: at the same cost or less another one gives so much more.
 *
 * What is kept follows from the record alone, so there is no state to lose: the record ranks all configurations, and the number that is
 * kept falls. A dropped one comes back for a window now and then, in turn; if it has become good, its rank brings it back for good.
 *
 * The operator gives profile pods what is kept (controllers/retraining-window/profiling-order.ts).
 */

/** What one stream's configurations promised, or came to, in one window. */
export interface WindowOffer {
  readonly options: readonly {
    readonly configuration: string
    readonly accuracyAfter: number
    readonly gpuSeconds: number
  }[]
}

export interface PruningOptions {
  /** Part of the kept ones that is dropped every second window, in [0, 1). */
  readonly dropped: number
  /** Never fewer than these. */
  readonly fewest: number
  /** A dropped configuration is tried again every so many windows, ≥ 1. */
  readonly retryEvery: number
  /** Weight of a window in a configuration's rank, relative to the one after it, in (0, 1]. */
  readonly memory: number
  /** Windows that have been profiled so far, where the record does not reach back to the first. */
  readonly windows: number
}

export const pruningDefaults: Omit<PruningOptions, 'windows'> = {
  dropped: 0.25,
  fewest: 3,
  retryEvery: 4,
  memory: 0.5,
}

/**
 * @param configurations all, in the user's order.
 * @param record offers of the windows so far, oldest first, of all streams that are to share the choice.
 * @returns those to try in the window after the record, in the user's order.
 */
export function configurationsToTry(
  configurations: readonly string[],
  record: readonly (readonly WindowOffer[])[],
  options: Partial<PruningOptions> = {},
): string[] {
  const { dropped, fewest, retryEvery, memory, windows } = {
    ...pruningDefaults,
    windows: record.length,
    ...options,
  }
  const shortfall = meanShortfalls(record, memory)
  // What has never been tried comes first: nothing is known against it.
  const ranked = configurations
    .map(name => ({ name, below: shortfall.get(name) ?? -1 }))
    .sort((a, b) => a.below - b.below)
  const least = Math.min(configurations.length, Math.max(1, fewest))
  const number = Math.max(least, Math.ceil(configurations.length * (1 - dropped) ** Math.floor(windows / 2)))
  const kept = new Set(ranked.filter(({ below }, i) => i < number || below <= 0).map(({ name }) => name))
  const others = configurations.filter(name => !kept.has(name))
  if (others.length > 0 && windows % retryEvery === 0)
    kept.add(others[(windows / retryEvery) % others.length]!)
  return configurations.filter(name => kept.has(name))
}

/** By how much more another option gives at the same cost or less; 0: none does. */
export function shortfalls({ options }: WindowOffer): ReadonlyMap<string, number> {
  return new Map(
    options.map(({ configuration, accuracyAfter, gpuSeconds }) => [
      configuration,
      options.reduce(
        (most, other) =>
          other.gpuSeconds <= gpuSeconds ? Math.max(most, other.accuracyAfter - accuracyAfter) : most,
        0,
      ),
    ]),
  )
}

/** Over all streams and windows, later ones counting more. */
function meanShortfalls(
  record: readonly (readonly WindowOffer[])[],
  memory: number,
): ReadonlyMap<string, number> {
  const sums = new Map<string, { below: number; weight: number }>()
  for (const [window, offers] of record.entries()) {
    const weight = memory ** (record.length - 1 - window)
    for (const offer of offers)
      for (const [name, below] of shortfalls(offer)) {
        const sum = sums.get(name) ?? { below: 0, weight: 0 }
        sums.set(name, { below: sum.below + weight * below, weight: sum.weight + weight })
      }
  }
  return new Map([...sums].map(([name, { below, weight }]) => [name, below / weight]))
}
