/**
 * What a share is worth to inference: the factor by which it scales the model's accuracy, under the best inference
 * configuration λ for that share.
 */
import type { InferenceOption } from './problem.ts'

/** A factor this close to the highest counts as reached. */
const reached = 1e-3

/** Factor in [0, 1] at a share: 0 at share 0, linear between the profile's points, the last factor beyond. */
export function factorAt(option: InferenceOption, share: number): number {
  let [x0, y0] = [0, 0]
  if (share <= 0) return 0
  for (const [x1, y1] of option.profile) {
    if (share <= x1) return x1 > x0 ? y0 + ((y1 - y0) * (share - x0)) / (x1 - x0) : y1
    ;[x0, y0] = [x1, y1]
  }
  return y0
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
  const highest = Math.max(0, ...options.map(option => option.profile.at(-1)?.[1] ?? 0))
  let demand = Number.POSITIVE_INFINITY
  for (const option of options) {
    let [x0, y0] = [0, 0]
    for (const [x1, y1] of option.profile) {
      const target = highest - reached
      if (y1 >= target) {
        demand = Math.min(demand, y1 > y0 ? x0 + ((x1 - x0) * Math.max(0, target - y0)) / (y1 - y0) : x0)
        break
      }
      ;[x0, y0] = [x1, y1]
    }
  }
  return Number.isFinite(demand) ? demand : 0
}
