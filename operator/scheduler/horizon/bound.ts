/**
 * An upper bound on what any plan can reach, by Lagrangian relaxation of the capacity.
 *
 * Cut the window into slots. In every slot all jobs together hold at most the capacity G on average; that is all that ties the streams
 * together, and it holds for every plan. Put a price Λ ≥ 0 on the capacity of each slot. For every plan P that keeps to the capacity
 *
 *   value(P)  ≤  value(P) + Σ_slots Λ (G − used(P))  =  G Σ Λ + Σ_streams (value of the stream − what it pays)
 *             ≤  G Σ Λ + Σ_streams max over all plans of the stream alone of (value − payment)  =:  L(Λ),
 *
 * so L(Λ) bounds every plan for whatever prices; prices only decide how tight it is. The maximum of one stream is found, or bounded from
 * above, as follows.
 *
 *   Inference in a slot takes the best share at the slot's price on an envelope that is nowhere below the factor (`serving.ts`).
 *   A training of work C that ends at time c pays at least  K(c) = max over μ ≥ 0 of  μ C − Σ_{slots up to c} φ(μ),  where
 *   φ(μ) = max over shares x of  μ speed(x) seconds − Λ x: weak duality once more, of "the work is done by c"; speed on its envelope.
 *   Every μ gives a lower bound of K, so a row of them does. Standing still in a resize, floors, pods on one GPU, a step for everybody and
 *   the rule that trainings that run may not pause only forbid plans; leaving them out keeps the bound.
 *   Where accuracy is averaged over time, c may lie inside a slot. For a fixed μ the bound of the stream's value is linear in c there, so
 *   the greater one of the two ends bounds it.
 *   Where it is averaged over samples, a slot is m seconds, each beginning with its sample, and a training done within the j-th of them
 *   serves from the next sample on: j samples of the slot are served before and m − j after it. For a fixed μ the bound is linear in j,
 *   so the greater one of j = 1 and j = m bounds it; in slots of one second their ends are all that counts. A share is paid for the
 *   whole second whose sample it serves, so this bounds the plans whose inference shares fall at whole seconds only: one that holds a
 *   share for the moment of a sample deceives the average. After the last whole second comes the last sample, a slot of its own in
 *   which nothing can be trained. Long windows have slots of several seconds: prices that stay as they are for longer loosen the bound
 *   a little, and the time that it takes stays bounded.
 *
 * Prices: projected subgradient steps (Polyak's length towards a value that some plan reaches), from the prices of that plan.
 */
import { assumedAccuracies, trainable } from '../objective.ts'
import type { InferenceOption, Problem, StreamProblem } from '../problem.ts'
import { trainingSpeed } from '../training-speed.ts'
import { assign, type PoolPlan } from './assign.ts'
import { gridOf, streamModels } from './model.ts'
import { cornerAt, type Envelope, outer } from './serving.ts'

export interface BoundOptions {
  /** Steps of the prices, default 150. */
  readonly iterations?: number
  /** Seconds with a sample are joined to at most so many slots, default 400. */
  readonly slots?: number
}

/** Slots where accuracy is averaged over time. */
const slotsOverTime = 200
const mostSlots = 400
const defaultIterations = 150
/** Values of μ that are tried. */
const mostMultipliers = 256
/** Of the plan that prices begin with, in plans looked at by stream. */
const planEffort = 100

/**
 * Weighted mean accuracy over the rest of the window that no plan exceeds.
 *
 * Streams of unknown accuracy count with what is assumed of them (`assumedAccuracies`).
 */
export function upperBound(given: Problem, options: BoundOptions = {}): number {
  if (given.streams.length === 0 || given.gpus.length === 0) return 0
  const problem = withoutInstants(given)
  const dual = createDual(problem, options.slots ?? mostSlots)
  const pools = assign(problem, streamModels(problem), planEffort)
  const reached = pools.reduce((sum, { solution }) => sum + solution.value, 0)
  const prices = dual.slots.map(slot => meanPrice(pools, slot.from) * slot.weight)
  const whole = problem.streams.reduce((sum, s) => sum + s.weight, 0) * dual.averagedOver
  let best = Number.POSITIVE_INFINITY
  let length = 1
  let since = 0
  for (let k = 0; k <= (options.iterations ?? defaultIterations); k++) {
    const { value, excess } = dual.at(prices)
    if (value < best - 1e-7 * whole) since = 0
    else if (++since >= 4) {
      length /= 2
      since = 0
    }
    best = Math.min(best, value)
    const asked = excess.map((e, s) => (prices[s]! > 0 || e > 0 ? e : 0))
    let square = 0
    for (const e of asked) square += e * e
    if (square <= 1e-18 || best - reached <= 1e-9 * whole) break
    const step = (length * Math.max(value - reached, 1e-6 * whole)) / square
    for (let s = 0; s < prices.length; s++) prices[s] = Math.max(0, prices[s]! + step * asked[s]!)
  }
  return best / whole
}

/** Work of so many GPU-seconds takes no time, by the evaluator. */
const instant = 1e-6

/** A training that takes no time may as well be done before the window begins, where slots have no end yet. */
function withoutInstants(problem: Problem): Problem {
  const accuracies = assumedAccuracies(problem.streams)
  const streams = problem.streams.map((stream, i) => {
    const reached = trainable(stream).flatMap(o => (o.gpuSeconds <= instant ? [o.accuracyAfter] : []))
    return reached.length === 0 ? stream : { ...stream, accuracyNow: Math.max(accuracies[i]!, ...reached) }
  })
  return { ...problem, streams }
}

/** What another share is worth at a time, over all GPUs that have streams. */
function meanPrice(pools: readonly PoolPlan[], time: number): number {
  let sum = 0
  for (const { phases } of pools) sum += phases.findLast(p => p.from <= time + 1e-9)!.price
  return sum / pools.length
}

interface Slot {
  readonly from: number
  /** For training. */
  readonly seconds: number
  /** Seconds or samples that it counts for. */
  readonly weight: number
}

interface Dual {
  readonly slots: readonly Slot[]
  /** Σ weights of the slots. */
  readonly averagedOver: number
  /** L at prices per share and slot, and by slot what the streams ask for beyond the capacity. */
  at(prices: readonly number[]): { readonly value: number; readonly excess: Float64Array }
}

function createDual(problem: Problem, mostSlots: number): Dual {
  const slots = slotsOf(problem, mostSlots)
  const capacity = problem.gpus.length * (problem.gpuCapacity ?? gridOf(problem).most)
  const speeds = speedEnvelope(problem)
  const accuracies = assumedAccuracies(problem.streams)
  const envelopes = new Map<readonly InferenceOption[], Envelope>()
  const streams = problem.streams.map((stream, i) => {
    const envelope = envelopes.get(stream.inference) ?? outer(stream.inference, gridOf(problem))
    envelopes.set(stream.inference, envelope)
    return streamDual(stream, accuracies[i]!, envelope, slots, speeds, problem.averaging === 'samples')
  })
  return {
    slots,
    averagedOver: slots.reduce((sum, s) => sum + s.weight, 0),
    at: prices => {
      const excess = new Float64Array(slots.length).fill(-capacity)
      const training = trainingCosts(prices, slots, speeds)
      let value = 0
      for (const price of prices) value += capacity * price
      for (const stream of streams) value += stream(prices, training, excess)
      return { value, excess }
    },
  }
}

function slotsOf({ remainingSeconds, averaging }: Problem, mostSlots: number): Slot[] {
  if (averaging === 'samples') {
    const last = Math.floor(remainingSeconds + 1e-9)
    const length = Math.max(1, Math.ceil(last / mostSlots))
    const joined = Array.from({ length: Math.ceil(last / length) }, (_, k): Slot => {
      const seconds = Math.min(length, last - k * length)
      return { from: k * length, seconds, weight: seconds }
    })
    return [...joined, { from: last, seconds: 0, weight: 1 }]
  }
  const seconds = remainingSeconds / slotsOverTime
  return Array.from({ length: slotsOverTime }, (_, k) => ({ from: k * seconds, seconds, weight: seconds }))
}

/** Corners of the concave envelope of the speed over the shares that a training may hold. */
function speedEnvelope(problem: Problem): Envelope {
  const { most } = gridOf(problem)
  const curve = problem.throughputCurve
  const shares = [0, ...(curve ?? []).map(([share]) => share), 1, most]
    .filter(share => share <= most)
    .sort((a, b) => a - b)
    .filter((share, i, all) => i === 0 || share > all[i - 1]! + 1e-12)
  const hull = { shares: [0], factors: [0], slopes: [] as number[] }
  for (const share of shares.slice(1)) {
    const speed = trainingSpeed(share, curve)
    let slope = (speed - hull.factors.at(-1)!) / (share - hull.shares.at(-1)!)
    while (hull.slopes.length > 0 && slope >= hull.slopes.at(-1)!) {
      hull.slopes.pop()
      hull.shares.pop()
      hull.factors.pop()
      slope = (speed - hull.factors.at(-1)!) / (share - hull.shares.at(-1)!)
    }
    hull.shares.push(share)
    hull.factors.push(speed)
    hull.slopes.push(slope)
  }
  return hull
}

/** φ summed over the slots up to each one's end, by μ, and the shares behind it. */
interface TrainingCosts {
  readonly multipliers: readonly number[]
  /** By μ: sums[k] over the first k slots. */
  readonly sums: readonly Float64Array[]
  /** By μ and slot. */
  readonly shares: readonly Float64Array[]
}

function trainingCosts(prices: readonly number[], slots: readonly Slot[], speeds: Envelope): TrainingCosts {
  const rates = slots.map(({ seconds }, s) => (seconds > 0 ? prices[s]! / seconds : 0))
  // Between the prices over slopes of the speed nothing changes its mind, so the best μ is one of them.
  const kinks = [...new Set(rates.flatMap(rate => speeds.slopes.map(slope => rate / slope)))].sort(
    (a, b) => a - b,
  )
  const multipliers = [0, ...thinned(kinks, mostMultipliers), (kinks.at(-1) ?? 0) * 1.01 + 1e-12]
  const sums: Float64Array[] = []
  const shares: Float64Array[] = []
  for (const mu of multipliers) {
    const sum = new Float64Array(slots.length + 1)
    const held = new Float64Array(slots.length)
    slots.forEach(({ seconds }, s) => {
      let phi = 0
      if (seconds > 0 && mu > 0) {
        const j = cornerAt(speeds, rates[s]! / mu)
        held[s] = speeds.shares[j]!
        phi = Math.max(0, mu * speeds.factors[j]! * seconds - prices[s]! * held[s]!)
      }
      sum[s + 1] = sum[s]! + phi
    })
    sums.push(sum)
    shares.push(held)
  }
  return { multipliers, sums, shares }
}

function thinned(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values]
  return Array.from({ length: most }, (_, k) => values[Math.round((k * (values.length - 1)) / (most - 1))]!)
}

type StreamDual = (prices: readonly number[], training: TrainingCosts, excess: Float64Array) => number

/** The maximum of one stream at given prices; adds what it asks for. */
function streamDual(
  stream: StreamProblem,
  accuracy: number,
  envelope: Envelope,
  slots: readonly Slot[],
  speeds: Envelope,
  samples: boolean,
): StreamDual {
  const options = trainable(stream).filter(option => option.accuracyAfter > accuracy)
  const n = slots.length
  const fastest = speeds.factors.at(-1)!
  const elapsed = new Float64Array(n + 1)
  slots.forEach(({ seconds }, s) => {
    elapsed[s + 1] = elapsed[s]! + seconds
  })
  const before = new Float64Array(n + 1)
  const after = new Float64Array(n + 1)

  const serve = (scale: number, prices: readonly number[], sums: Float64Array): void => {
    for (let s = 0; s < n; s++) {
      const own = scale * slots[s]!.weight
      const j = own > 0 ? cornerAt(envelope, prices[s]! / own) : 0
      sums[s + 1] = sums[s]! + own * envelope.factors[j]! - prices[s]! * envelope.shares[j]!
    }
  }

  return (prices, { multipliers, sums, shares }, excess) => {
    serve(stream.weight * accuracy, prices, before)
    let best = { value: before[n]!, option: -1, end: n, mu: 0 }
    options.forEach((option, o) => {
      serve(stream.weight * option.accuracyAfter, prices, after)
      let mu = multipliers.length - 1
      // The best μ falls as the end comes later: there is more time to choose cheap slots in.
      for (let end = 1; end <= n; end++) {
        if (option.gpuSeconds > elapsed[end]! * fastest + 1e-5) continue
        const cost = (m: number, at: number): number => multipliers[m]! * option.gpuSeconds - sums[m]![at]!
        while (mu > 0 && cost(mu - 1, end) >= cost(mu, end)) mu--
        const value = (at: number): number => before[at]! + after[n]! - after[at]! - cost(mu, at)
        const [first, last] = [value(end - 1), value(end)]
        const part = samples ? 1 / slots[end - 1]!.weight : 0
        const own = Math.max(first + (last - first) * part, last)
        if (own > best.value) best = { value: own, option: o, end, mu }
      }
    })
    const accuracies = best.option < 0 ? accuracy : options[best.option]!.accuracyAfter
    for (let s = 0; s < n; s++) {
      const own = (s < best.end ? accuracy : accuracies) * stream.weight * slots[s]!.weight
      excess[s]! += envelope.shares[own > 0 ? cornerAt(envelope, prices[s]! / own) : 0]!
    }
    if (best.option >= 0)
      spend(options[best.option]!.gpuSeconds, best, { multipliers, sums, shares }, slots, speeds, excess)
    return best.value
  }
}

/** A training's shares: between those of its μ, which fall short of the work, and those of the next, which do not. */
function spend(
  work: number,
  { end, mu }: { readonly end: number; readonly mu: number },
  { shares }: TrainingCosts,
  slots: readonly Slot[],
  speeds: Envelope,
  excess: Float64Array,
): void {
  const done = (held: Float64Array): number => {
    let sum = 0
    for (let s = 0; s < end; s++) sum += slots[s]!.seconds * speedAt(speeds, held[s]!)
    return sum
  }
  let high = mu
  while (high + 1 < shares.length && done(shares[high]!) < work) high++
  let low = high
  while (low > 0 && done(shares[low]!) > work) low--
  const [less, more] = [done(shares[low]!), done(shares[high]!)]
  const part = more > less ? Math.min(1, Math.max(0, (work - less) / (more - less))) : 1
  for (let s = 0; s < end; s++) excess[s]! += (1 - part) * shares[low]![s]! + part * shares[high]![s]!
}

function speedAt(speeds: Envelope, share: number): number {
  const k = speeds.shares.findIndex(s => s >= share - 1e-12)
  return k < 0 ? speeds.factors.at(-1)! : speeds.factors[k]!
}
