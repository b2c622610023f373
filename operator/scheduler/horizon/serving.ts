/**
 * What a share is worth to the inference of one stream: the concave envelope of its factor over the shares that it may hold.
 *
 * At a price per share and second the best share is a corner of the envelope, and at a corner the envelope is what is really served. So
 * whoever decides by prices loses nothing by looking at corners only. Two envelopes are made:
 *   - `inner` goes through shares that can be held (the steps of a GPU; in a pool a fine choice of points): plans are made of it;
 *   - `outer` is nowhere below the factor (tangents where that is curved): bounds are made of it.
 */
import { bestInference, shareReaching } from '../inference/inference-quality.ts'
import type { InferenceOption, SubsampledInference } from '../problem.ts'
import { toShare } from '../share-grid.ts'

/** A concave, rising, piecewise linear function. */
export interface Envelope {
  /** Increasing; the first is the least share that may be held. */
  readonly shares: readonly number[]
  readonly factors: readonly number[]
  /** slopes[j]: from corner j to j + 1, falling; one fewer than corners. */
  readonly slopes: readonly number[]
}

/** One model in service of one stream: at corner j the stream is worth scale × envelope.factors[j] a second. */
export interface Serving {
  /** Weight × accuracy. */
  readonly scale: number
  readonly envelope: Envelope
}

/** The grid of shares. */
export interface Grid {
  /** 0: any part, else shares are multiples of it. */
  readonly unit: number
  /** The least that a job holds that holds anything. */
  readonly least: number
  /** The most that one stream may hold. */
  readonly most: number
  /** By number of units; empty where any part may be held. */
  readonly shares: readonly number[]
}

/** Factor by share, in order of shares: everywhere on a grid, at chosen points of a pool. */
export interface FactorPoints {
  readonly shares: readonly number[]
  readonly factors: readonly number[]
}

/** Points between two neighbouring points of a subsampled profile, where the factor is curved. */
const pointsPerSegment = 8
/** Ekya's guard against dividing by a share of zero: every (maxShare / (share + guard))-th frame is analysed. */
const shareGuard = 1e-6

/** Multiples of a unit. */
export function createGrid(unit: number, most: number): Grid {
  const steps = Math.floor(most / unit + 1e-9) + 1
  return { unit, least: unit, most, shares: Array.from({ length: steps }, (_, k) => toShare(k, unit)) }
}

/** Any part from `least` on. */
export const anyPart = (least: number, most: number): Grid => ({ unit: 0, least, most, shares: [] })

export function factorPoints(
  inference: readonly InferenceOption[],
  { unit, least, most, shares: steps }: Grid,
): FactorPoints {
  const shares =
    unit > 0
      ? steps
      : distinct(
          [0, least, ...inference.flatMap(corners), most].filter(s => s === 0 || (s >= least && s <= most)),
        )
  return { shares, factors: shares.map(share => bestInference(inference, share).factor) }
}

function corners(option: InferenceOption): number[] {
  return 'profile' in option ? option.profile.map(([share]) => share) : subsampledCorners(option)
}

function subsampledCorners({ maxShare, subsampled }: SubsampledInference): number[] {
  return subsampled.flatMap(([every], k) => {
    const next = subsampled[k + 1]?.[0] ?? every
    const between = next > every ? pointsPerSegment : 1
    return Array.from(
      { length: between },
      (_, j) => maxShare / (every + ((next - every) * j) / between) - shareGuard,
    )
  })
}

function distinct(shares: readonly number[]): number[] {
  const sorted = shares.toSorted((a, b) => a - b)
  return sorted.filter((share, i) => i === 0 || share > sorted[i - 1]! + 1e-9)
}

/** The envelope over the points from `least` on; `at` is the factor there. */
export function inner(points: FactorPoints, least: number, at: number): Envelope {
  const shares = [least]
  const factors = [at]
  const slopes: number[] = []
  for (let k = 0; k < points.shares.length; k++) {
    const share = points.shares[k]!
    const factor = points.factors[k]!
    if (share <= least + 1e-9 || factor <= factors.at(-1)! + 1e-12) continue
    let slope = (factor - factors.at(-1)!) / (share - shares.at(-1)!)
    while (slopes.length > 0 && slope >= slopes.at(-1)!) {
      slopes.pop()
      shares.pop()
      factors.pop()
      slope = (factor - factors.at(-1)!) / (share - shares.at(-1)!)
    }
    shares.push(share)
    factors.push(factor)
    slopes.push(slope)
  }
  return { shares, factors, slopes }
}

/** Corner of the best share at a price: the last one to which the way is worth more than it costs. */
export function cornerAt({ slopes }: Envelope, price: number): number {
  let j = 0
  while (j < slopes.length && slopes[j]! > price) j++
  return j
}

/** The factor between the points, by a straight line: in a pool where it is curved a little less than is served. */
export function factorBetween({ shares, factors }: FactorPoints, share: number): number {
  let [low, high] = [0, shares.length - 1]
  if (share >= shares[high]!) return factors[high]!
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (shares[middle]! <= share) low = middle
    else high = middle
  }
  const [x0, x1, y0, y1] = [shares[low]!, shares[high]!, factors[low]!, factors[high]!]
  return y0 + ((y1 - y0) * (share - x0)) / (x1 - x0)
}

/** The least share of the grid whose factor is at least this; undefined: none. */
export function leastShare(
  inference: readonly InferenceOption[],
  factor: number,
  { unit, least, most, shares }: Grid,
): number | undefined {
  const keeps = (share: number): boolean =>
    share <= most + 1e-12 && bestInference(inference, share).factor >= factor - 1e-12
  if (factor <= 0) return 0
  const reached = Math.min(...inference.map(option => shareReaching(option, factor)))
  if (!Number.isFinite(reached)) return undefined
  if (unit > 0) {
    for (let k = Math.max(0, Math.floor(reached / unit) - 1); k < shares.length; k++)
      if (keeps(shares[k]!)) return shares[k]!
    return undefined
  }
  for (const more of [0, 1e-9, 1e-6])
    if (keeps(Math.max(least, reached + more))) return Math.max(least, reached + more)
  return undefined
}

/** From share 0 on nowhere below the factor: on a grid the envelope of its steps, in a pool with the tangents where it is curved. */
export function outer(inference: readonly InferenceOption[], grid: Grid): Envelope {
  if (grid.unit > 0) return inner(factorPoints(inference, grid), 0, 0)
  const points = factorPoints(inference, { ...grid, least: 0 })
  const extra = inference.flatMap(option => ('profile' in option ? [] : tangentCrossings(option)))
  const all = [...points.shares.map((share, i) => [share, points.factors[i]!] as const), ...extra]
    .filter(([share]) => share > 0 && share <= grid.most)
    .sort((a, b) => a[0] - b[0] || b[1] - a[1])
  return inner({ shares: all.map(p => p[0]), factors: all.map(p => p[1]) }, 0, 0)
}

/**
 * Between two points of a subsampled profile the factor is α − k / u with u = share + guard, concave: nowhere above its tangents.
 * Those at u₀ and u₁ cross at u = 2 u₀ u₁ / (u₀ + u₁).
 */
function tangentCrossings({ maxShare, subsampled }: SubsampledInference): (readonly [number, number])[] {
  return subsampled.slice(0, -1).flatMap(([n0, y0], k) => {
    const [n1, y1] = subsampled[k + 1]!
    if (!(n1 > n0)) return []
    const fall = (y0 - y1) / (n1 - n0)
    return Array.from({ length: pointsPerSegment }, (_, j) => {
      const u0 = maxShare / (n0 + ((n1 - n0) * j) / pointsPerSegment)
      const u1 = maxShare / (n0 + ((n1 - n0) * (j + 1)) / pointsPerSegment)
      const u = (2 * u0 * u1) / (u0 + u1)
      const at = y0 - fall * (maxShare / u0 - n0)
      return [u - shareGuard, at + ((fall * maxShare) / u0 ** 2) * (u - u0)] as const
    })
  })
}
