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
import type { ExactMarket, Market } from './market.ts'
import type { Job, PoolModel } from './model.ts'

export interface Entry {
  /** Index in the pool. */
  readonly stream: number
  readonly job: Job
}

export interface Sequence {
  readonly order: readonly Entry[]
  /** Trainings at the same time, at most. */
  readonly lanes: number
}

export interface Phase {
  readonly from: number
  /** What another share would be worth, per second. */
  readonly price: number
  readonly inference: readonly number[]
  readonly training: readonly number[]
}

export interface Running {
  readonly entry: Entry
  share: number
  work: number
  standsUntil: number
}

/** What is known of a phase as soon as it is decided. */
export interface Decided {
  readonly from: number
  readonly to: number
  /** Per share and second. */
  readonly price: number
  readonly running: readonly Running[]
}

const guard = 1e-9
const rounds = 12

/**
 * Σ weight × accuracy × seconds (or samples) of the window.
 *
 * @param decided is told each phase; the market then stands as in it.
 */
export function construct(
  pool: PoolModel,
  { order, lanes }: Sequence,
  market: Market,
  decided?: (phase: Decided) => void,
): number {
  const { streams, seconds, capacity, curve } = pool
  market.reset()
  for (const { stream, job } of order) market.set(stream, job.after)
  const target = market.fill(capacity)
  const lastPrice = market.price
  for (const { stream } of order) market.set(stream, streams[stream]!.before)
  const running: Running[] = []
  const division: Division = { quotient: 0, price: target / capacity, at: 0, served: 0, free: 0, lanes: 0 }
  let next = 0
  let value = 0
  let time = 0
  for (;;) {
    let held = 0
    let speed = 0
    for (const r of running) {
      held += r.share
      speed += trainingSpeed(r.share, curve)
    }
    let started = 0
    let taken = 0
    if (next < order.length && running.length < lanes) {
      const count = Math.min(lanes - running.length, order.length - next)
      if (divide(pool, market, target, held, speed, count, division.price, division))
        for (const share of portions(pool, division.free, division.lanes)) {
          taken += share
          started++
          const entry = order[next++]!
          running.push({
            entry,
            share,
            work: entry.job.work,
            standsUntil: standing(pool, entry, share, time),
          })
        }
    }
    // No training is left to take what is free.
    if (started === 0 && running.length > 0) grow(pool, market, target, running, time)
    let served: number
    let price: number
    if (started > 0 && division.free - taken <= guard) {
      served = division.served
      price = division.price
      if (decided !== undefined) market.at(division.at)
    } else if (running.length === 0 && next >= order.length && decided === undefined) {
      served = target
      price = lastPrice
    } else {
      held = 0
      for (const r of running) held += r.share
      served = market.fill(capacity - held)
      price = market.price
    }
    let to = seconds
    for (const r of running) {
      const done = Math.max(time, r.standsUntil) + r.work / trainingSpeed(r.share, curve)
      if (done < to) to = done
    }
    value += served * weightOf(pool, time, to)
    decided?.({ from: time, to, price, running })
    if (to >= seconds - guard) return value
    for (let k = running.length - 1; k >= 0; k--) {
      const r = running[k]!
      const begins = Math.max(time, r.standsUntil)
      if (begins + r.work / trainingSpeed(r.share, curve) <= to + guard) {
        market.set(r.entry.stream, r.entry.job.after)
        running.splice(k, 1)
      } else if (to > begins) r.work -= (to - begins) * trainingSpeed(r.share, curve)
    }
    time = to
  }
}

export function phasesOf(pool: PoolModel, sequence: Sequence, market: ExactMarket): Phase[] {
  const phases: Phase[] = []
  construct(pool, sequence, market, ({ from, price, running }) => {
    const training = pool.streams.map(() => 0)
    for (const r of running) training[r.entry.stream] = r.share
    phases.push({ from, price, inference: market.shares(), training })
  })
  return phases
}

function standing(
  { resizeSeconds, streams }: PoolModel,
  { stream }: Entry,
  share: number,
  now: number,
): number {
  const model = streams[stream]!
  const before = model.running ? (model.stream.current?.trainingShare ?? 0) : 0
  return resizeSeconds > 0 && before > 0 && before !== share ? now + resizeSeconds : now
}

/** Seconds of a phase, or the samples in it. */
function weightOf({ samples, seconds }: PoolModel, from: number, to: number): number {
  if (!samples) return to - from
  const first = Math.ceil(from - guard)
  return (to >= seconds - guard ? Math.floor(seconds + guard) + 1 : Math.ceil(to - guard)) - first
}

interface Division {
  /** What a unit of work costs. */
  quotient: number
  /** What another share would be worth, per second. */
  price: number
  /** The price at which inference was asked. */
  at: number
  served: number
  /** What inference leaves to the trainings that start. */
  free: number
  /** How many start. */
  lanes: number
}

/** The division between inference and up to `count` trainings that start; false: nothing can start. */
function divide(
  { capacity, grid, curve }: PoolModel,
  market: Market,
  target: number,
  held: number,
  speed: number,
  count: number,
  start: number,
  best: Division,
): boolean {
  let price = Math.max(start, 1e-12)
  let quotient = Number.POSITIVE_INFINITY
  let before = Number.NaN
  for (let round = 0; round < rounds; round++) {
    market.at(price)
    const room = capacity - held - market.asked
    if (room < grid.least - guard) {
      price = Math.max(price * 4, (0.01 * target) / capacity, guard)
      continue
    }
    // On a grid some may get nothing (`portions`); in a pool none less than the least share.
    const lanes =
      grid.unit > 0 || room >= count * grid.least - guard
        ? count
        : Math.max(1, Math.floor(room / grid.least + 1e-6))
    const each = Math.min(room / lanes, grid.most)
    const own = (target - market.served) / (speed + lanes * trainingSpeed(each, curve))
    if (own < quotient - 1e-12) {
      quotient = own
      best.at = price
      best.served = market.served
      best.free = room
      best.lanes = lanes
    }
    if (before === room) break
    before = room
    price = Math.max(1e-12, own * slopeAt(each, curve))
  }
  if (quotient === Number.POSITIVE_INFINITY) return false
  best.quotient = quotient
  best.price = Math.max(0, quotient) * slopeAt(Math.min(best.free / best.lanes, grid.most), curve)
  return true
}

/** What another share adds to the speed. */
function slopeAt(share: number, curve: Problem['throughputCurve']): number {
  if (curve === undefined) return 1
  const width = 0.02
  const from = Math.max(0, share - width)
  return (trainingSpeed(share + width, curve) - trainingSpeed(from, curve)) / (share + width - from)
}

function portions({ grid }: PoolModel, room: number, count: number): number[] {
  if (grid.unit === 0) return new Array(count).fill(Math.min(Math.max(grid.least, room / count), grid.most))
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
function grow(pool: PoolModel, market: Market, target: number, running: Running[], time: number): void {
  const { curve, resizeSeconds, seconds, capacity, streams } = pool
  const held = running.reduce((sum, r) => sum + r.share, 0)
  const division: Division = { quotient: 0, price: 0, at: 0, served: 0, free: 0, lanes: 0 }
  if (!divide(pool, market, target, 0, 0, running.length, 0, division)) return
  const { free, lanes } = division
  if (free <= held + guard || lanes < running.length) return
  const wanted = portions(pool, free, running.length)
  if (wanted.length < running.length) return
  running.forEach((r, k) => {
    const share = wanted[k]!
    if (share <= r.share + guard) return
    const stays = Math.max(time, r.standsUntil) + r.work / trainingSpeed(r.share, curve)
    const grown = time + resizeSeconds + r.work / trainingSpeed(share, curve)
    const end = Math.min(stays, seconds)
    if (end - grown <= resizeSeconds) return
    const others = running.reduce((sum, o) => sum + o.share, 0) - r.share
    if (others + share > free + guard) return
    // What is served until it would end as it is, in both cases.
    const before = market.fill(capacity - others - r.share)
    const meanwhile = market.fill(capacity - others - share)
    market.set(r.entry.stream, r.entry.job.after)
    const after = market.fill(capacity - others)
    market.set(r.entry.stream, streams[r.entry.stream]!.before)
    if (meanwhile * (grown - time) + after * (end - grown) <= before * (end - time)) return
    r.share = share
    r.standsUntil = time + resizeSeconds
  })
}
