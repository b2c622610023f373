/**
 * What a share is worth to inference: the factor by which it scales the model's accuracy, under the best inference
 * configuration λ for that share.
 */
import type { InferenceOption, ProfiledInference, SubsampledInference } from '../problem.ts'

/** A factor this close to the highest counts as reached. */
const reached = 1e-3

/** Ekya divides by the share plus this much. */
const shareGuard = 1e-6

/** Factor in [0, 1] at a share, 0 at share 0. */
export function factorAt(option: InferenceOption, share: number): number {
  if (share <= 0) return 0
  return 'profile' in option ? profiledFactor(option, share) : subsampledFactor(option, share)
}

function profiledFactor({ profile }: ProfiledInference, share: number): number {
  let [x0, y0] = [0, 0]
  for (const [x1, y1] of profile) {
    if (share <= x1) return x1 > x0 ? y0 + ((y1 - y0) * (share - x0)) / (x1 - x0) : y1
    ;[x0, y0] = [x1, y1]
  }
  return y0
}

function subsampledFactor({ maxShare, subsampled }: SubsampledInference, share: number): number {
  const every = maxShare / (share + shareGuard)
  let [x0, y0] = subsampled[0]!
  if (every <= x0) return y0
  for (const [x1, y1] of subsampled.slice(1)) {
    if (every <= x1) return y0 + ((y1 - y0) * (every - x0)) / (x1 - x0)
    ;[x0, y0] = [x1, y1]
  }
  return 0
}

/** The most accurate configuration at a share; of equals the one that is listed first. */
export function bestInference(
  options: readonly InferenceOption[],
  share: number,
): { readonly configuration: string; readonly factor: number } {
  let best = {
    configuration: options[0]?.configuration ?? '',
    factor: options[0] ? factorAt(options[0], share) : 0,
  }
  for (const option of options.slice(1)) {
    const factor = factorAt(option, share)
    if (factor > best.factor + 1e-12) best = { configuration: option.configuration, factor }
  }
  return best
}

/** The smallest share from which more share does not help any more, whatever the configuration. */
export function demandShare(options: readonly InferenceOption[]): number {
  const highest = Math.max(0, ...options.map(highestFactor))
  const demand = Math.min(...options.map(option => shareReaching(option, highest - reached)))
  return Number.isFinite(demand) ? demand : 0
}

const highestFactor = (option: InferenceOption): number =>
  ('profile' in option ? option.profile.at(-1) : option.subsampled[0])?.[1] ?? 0

/** The smallest share at which a factor > 0 is reached; infinite where it never is. */
export function shareReaching(option: InferenceOption, factor: number): number {
  if ('profile' in option) {
    let [x0, y0] = [0, 0]
    for (const [x1, y1] of option.profile) {
      if (y1 >= factor) return y1 > y0 ? x0 + ((x1 - x0) * Math.max(0, factor - y0)) / (y1 - y0) : x0
      ;[x0, y0] = [x1, y1]
    }
    return Number.POSITIVE_INFINITY
  }
  const { subsampled, maxShare } = option
  let every = 0
  subsampled.forEach(([x1, y1], i) => {
    const [x0, y0] = subsampled[i - 1] ?? [x1, y1]
    if (y1 >= factor) every = x1
    else if (y0 >= factor && y0 > y1) every = x0 + ((x1 - x0) * (y0 - factor)) / (y0 - y1)
  })
  return every > 0 ? Math.max(0, maxShare / every - shareGuard) : Number.POSITIVE_INFINITY
}
