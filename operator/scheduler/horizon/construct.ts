/**
 * From an order of trainings to shares over time, in one pool.
 *
 * Between two completions nothing changes, so time falls into phases. At the begin of one the next trainings of the order start, as many
 * as there are lanes, and capacity is divided between training and inference. Let V be what all streams serve per second in the phase,
 * V' what they will serve when all is trained, and S the speed at which trainings progress. Slower by a little now, everything after it
 * comes later, so a unit of work costs (V' − V) / S; what inference takes lowers V' − V and S, and the least quotient decides
 * (Dinkelbach's method: the quotient is the price of a share, at which every stream picks a corner of its envelope). With linear speed
 * and one lane that is exact for the order: the window's value is V' × seconds − Σ work × quotient.
 *
 * A training keeps the share with which it starts. Only where no other waits for what is free it may grow, when that ends it earlier in
 * spite of the standstill of a resize.
 */
import type { Problem } from '../problem.ts'
import { trainingSpeed } from '../training-speed.ts'
import type { Job, PoolModel, Serving } from './model.ts'
import { cornerAt, factorBetween } from './serving.ts'

export interface Entry {
  /** Index in the pool. */
  readonly stream: number
  readonly job: Job
}

export interface Sequence {
  readonly order: readonly Entry[]
  /** Trainings at the same time, at most. */
  readonly lanes: number
  /** Shares that trainings take, by stream; absent: decided by price. */
  readonly shares?: readonly (number | undefined)[]
}

export interface Phase {
  readonly from: number
  /** What another share would be worth, per second. */
  readonly price: number
  readonly inference: readonly number[]
  readonly training: readonly number[]
}

interface Running {
  readonly entry: Entry
  share: number
  work: number
  standsUntil: number
}

const guard = 1e-9
const rounds = 12

/** Σ weight × accuracy × seconds (or samples) of the window. */
export function construct(pool: PoolModel, sequence: Sequence, phases?: Phase[]): number {
  const { streams, seconds, capacity, curve, resizeSeconds } = pool
  const { order, lanes, shares } = sequence
  const serving: Serving[] = streams.map(s => s.before)
  const final = [...serving]
  for (const { stream, job } of order) final[stream] = job.after
  const last = fill(pool, final, capacity)
  const target = last.value
  const running: Running[] = []
  let next = 0
  let value = 0
  let time = 0
  let price = target / capacity
  for (;;) {
    let held = 0
    let speed = 0
    for (const r of running) {
      held += r.share
      speed += trainingSpeed(r.share, curve)
    }
    let allotted: Allotted | undefined
    let taken = 0
    while (next < order.length && running.length < lanes) {
      const entry = order[next]!
      const count = Math.min(lanes - running.length, order.length - next)
      const wanted = shares?.[entry.stream]
      const best = wanted === undefined ? divide(pool, serving, target, held, speed, count, price) : undefined
      if (wanted === undefined && best === undefined) break
      if (wanted !== undefined && wanted + held + leastOf(serving) > capacity + guard) break
      for (const share of wanted === undefined ? portions(pool, best!.free, count) : [wanted]) {
        taken += share
        const starting = order[next++]!
        running.push({
          entry: starting,
          share,
          work: starting.job.work,
          standsUntil: standing(pool, starting, share, time),
        })
        held += share
        speed += trainingSpeed(share, curve)
      }
      if (best !== undefined) {
        price = best.price
        if (best.free - taken <= guard) allotted = best
        break
      }
    }
    // No training is left to take what is free.
    if (taken === 0 && running.length > 0 && (shares === undefined || next >= order.length))
      grow(pool, serving, target, running, time)
    held = 0
    for (const r of running) held += r.share
    const done = running.length === 0 && next >= order.length
    const inference = allotted ?? (done ? last : fill(pool, serving, capacity - held))
    let to = seconds
    for (const r of running) {
      const done = Math.max(time, r.standsUntil) + r.work / trainingSpeed(r.share, curve)
      if (done < to) to = done
    }
    value += inference.value * weightOf(pool, time, to)
    phases?.push(phaseOf(pool, time, inference, running))
    if (to >= seconds - guard) return value
    for (let k = running.length - 1; k >= 0; k--) {
      const r = running[k]!
      const begins = Math.max(time, r.standsUntil)
      if (begins + r.work / trainingSpeed(r.share, curve) <= to + guard) {
        serving[r.entry.stream] = r.entry.job.after
        running.splice(k, 1)
      } else if (to > begins) r.work -= (to - begins) * trainingSpeed(r.share, curve)
    }
    time = to
  }

  function standing(
    { resizeSeconds: cost, streams: models }: PoolModel,
    entry: Entry,
    share: number,
    now: number,
  ) {
    const model = models[entry.stream]!
    const before = model.running ? (model.stream.current?.trainingShare ?? 0) : 0
    return cost > 0 && before > 0 && before !== share ? now + resizeSeconds : now
  }
}

/** Seconds of a phase, or the samples in it. */
function weightOf({ samples, seconds }: PoolModel, from: number, to: number): number {
  if (!samples) return to - from
  const first = Math.ceil(from - guard)
  return (to >= seconds - guard ? Math.floor(seconds + guard) + 1 : Math.ceil(to - guard)) - first
}

function leastOf(serving: readonly Serving[]): number {
  let sum = 0
  for (const { envelope } of serving) sum += envelope.shares[0]!
  return sum
}

export interface Allotted {
  /** By stream of the pool. */
  readonly shares: readonly number[]
  /** Served per second. */
  readonly value: number
  /** What another share would be worth, per second. */
  readonly price: number
}

interface Divided extends Allotted {
  /** What inference leaves to trainings, running ones included. */
  readonly free: number
}

/** The division between inference and `count` trainings that start; undefined: nothing can start. */
function divide(
  pool: PoolModel,
  serving: readonly Serving[],
  target: number,
  held: number,
  speed: number,
  count: number,
  start: number,
): Divided | undefined {
  const { capacity, grid, curve } = pool
  const least = grid.unit > 0 ? grid.unit : 1e-6
  let best: { quotient: number; price: number; corners: number[]; room: number; value: number } | undefined
  let price = Math.max(start, 1e-12)
  const corners: number[] = new Array(serving.length).fill(0)
  let before = -1
  for (let round = 0; round < rounds; round++) {
    let room = capacity - held
    let value = 0
    for (let i = 0; i < serving.length; i++) {
      const { envelope, scale } = serving[i]!
      const j = scale > 0 ? cornerAt(envelope, price / scale) : 0
      corners[i] = j
      room -= envelope.shares[j]!
      value += scale * envelope.factors[j]!
    }
    if (room < least - guard) {
      if (before === room) break
      before = room
      price = price * 2 + 1e-9
      continue
    }
    const each = Math.min(room / count, grid.most)
    const total = speed + count * trainingSpeed(each, curve)
    const quotient = (target - value) / total
    if (best === undefined || quotient < best.quotient - 1e-12)
      best = { quotient, price, corners: [...corners], room, value }
    if (before === room) break
    before = room
    price = Math.max(1e-12, quotient * slopeAt(each, curve))
  }
  if (best === undefined) return undefined
  return {
    price: Math.max(0, best.quotient) * slopeAt(Math.min(best.room / count, grid.most), curve),
    shares: serving.map(({ envelope }, i) => envelope.shares[best.corners[i]!]!),
    value: best.value,
    free: best.room,
  }
}

/** What another share adds to the speed. */
function slopeAt(share: number, curve: Problem['throughputCurve']): number {
  const width = 0.02
  return (
    (trainingSpeed(share + width, curve) - trainingSpeed(Math.max(0, share - width), curve)) /
    (share + width - Math.max(0, share - width))
  )
}

function portions({ grid }: PoolModel, room: number, count: number): number[] {
  if (grid.unit === 0) return new Array(count).fill(Math.min(room / count, grid.most))
  const steps = Math.floor(room / grid.unit + 1e-6)
  const most = Math.floor(grid.most / grid.unit + 1e-6)
  const parts: number[] = []
  for (let k = 0, left = steps; k < count && left > 0; k++) {
    const own = Math.min(most, Math.ceil(left / (count - k)))
    parts.push(grid.shares[own]!)
    left -= own
  }
  return parts
}

/** Gives what is free to trainings that run, where that ends them earlier and is worth more than to inference. */
function grow(
  pool: PoolModel,
  serving: readonly Serving[],
  target: number,
  running: Running[],
  time: number,
): void {
  const { curve, resizeSeconds, seconds } = pool
  const held = running.reduce((sum, r) => sum + r.share, 0)
  const free = divide(pool, serving, target, 0, 0, running.length, 0)
  if (free === undefined || free.free <= held + guard) return
  const wanted = portions(pool, free.free, running.length)
  if (wanted.length < running.length) return
  running.forEach((r, k) => {
    const share = wanted[k]!
    if (share <= r.share + guard) return
    const stays = Math.max(time, r.standsUntil) + r.work / trainingSpeed(r.share, curve)
    const grown = time + resizeSeconds + r.work / trainingSpeed(share, curve)
    if (Math.min(stays, seconds) - grown <= resizeSeconds) return
    const others = running.reduce((sum, o) => sum + o.share, 0) - r.share
    if (others + share > free.free + guard) return
    r.share = share
    r.standsUntil = time + resizeSeconds
  })
}

/** Inference alone within a budget: by falling slope, and what no step fits into to whom it helps most. */
export function fill(pool: PoolModel, serving: readonly Serving[], budget: number): Allotted {
  const corners: number[] = new Array(serving.length).fill(0)
  const at = (price: number): number => {
    let left = budget
    for (let i = 0; i < serving.length; i++) {
      const { envelope, scale } = serving[i]!
      const j = scale > 0 ? cornerAt(envelope, price / scale) : 0
      corners[i] = j
      left -= envelope.shares[j]!
    }
    return left
  }
  if (at(0) < -guard) {
    const enough = pool.grid.unit > 0 ? pool.grid.unit - guard : 1e-4
    let [low, high] = [0, 1]
    while (at(high) < -guard && high < 1e12) high *= 8
    for (let k = 0; k < 20 && high - low > 1e-6 * high; k++) {
      const middle = (low + high) / 2
      const left = at(middle)
      if (left < -guard) low = middle
      else high = middle
      if (left >= -guard && left < enough) break
    }
    let left = at(high)
    for (;;) {
      let best = -1
      let slope = 0
      for (let i = 0; i < serving.length; i++) {
        const { envelope, scale } = serving[i]!
        const j = corners[i]!
        if (j >= envelope.slopes.length || envelope.shares[j + 1]! - envelope.shares[j]! > left + guard)
          continue
        if (scale * envelope.slopes[j]! > slope) {
          slope = scale * envelope.slopes[j]!
          best = i
        }
      }
      if (best < 0) break
      const { envelope } = serving[best]!
      left -= envelope.shares[corners[best]! + 1]! - envelope.shares[corners[best]!]!
      corners[best]!++
    }
    return withRest(pool, serving, corners, left, high)
  }
  return { ...allot(serving, corners), price: 0 }
}

function allot(serving: readonly Serving[], corners: readonly number[]): { shares: number[]; value: number } {
  let value = 0
  const shares = serving.map(({ envelope, scale }, i) => {
    value += scale * envelope.factors[corners[i]!]!
    return envelope.shares[corners[i]!]!
  })
  return { shares, value }
}

function withRest(
  pool: PoolModel,
  serving: readonly Serving[],
  corners: readonly number[],
  left: number,
  price: number,
): Allotted {
  const { shares, value } = allot(serving, corners)
  if (left <= 1e-6) return { shares, value, price }
  let best = -1
  let gain = 1e-9
  for (let i = 0; i < serving.length; i++) {
    const { envelope, scale } = serving[i]!
    if (corners[i]! >= envelope.slopes.length) continue
    const more =
      scale * (factorBetween(pool.streams[i]!.points, shares[i]! + left) - envelope.factors[corners[i]!]!)
    if (more > gain) {
      gain = more
      best = i
    }
  }
  if (best < 0) return { shares, value, price }
  shares[best] =
    pool.grid.unit > 0
      ? pool.grid.shares[Math.round((shares[best]! + left) / pool.grid.unit)]!
      : shares[best]! + left
  return { shares, value: value + gain, price }
}

function phaseOf(
  { streams }: PoolModel,
  from: number,
  inference: Allotted,
  running: readonly Running[],
): Phase {
  const training = streams.map(() => 0)
  for (const r of running) training[r.entry.stream] = r.share
  return { from, price: inference.price, inference: [...inference.shares], training }
}
