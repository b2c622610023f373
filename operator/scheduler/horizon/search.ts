/**
 * Which trainings of one pool, in which order, how many at a time.
 *
 * Small pools are searched exhaustively. Larger ones start from prices: at a price per GPU-second every stream picks the training that
 * gains most after its cost, the picks are ordered by gain per GPU-second (Smith's rule), and the best of a row of prices is improved
 * by changing one stream's training, one place in the order or the number of lanes at a time.
 *
 * Where there are many streams that would take too long, for a plan takes time as well. There the streams answer the prices of the plan
 * all at once (`answers.ts`), and only changes that look best by these prices are tried one by one.
 */
import { trainingSpeed } from '../training-speed.ts'
import { answers } from './answers.ts'
import { construct, type Entry, type Sequence } from './construct.ts'
import { createExactMarket, createTabledMarket, type Market } from './market.ts'
import type { Job, PoolModel } from './model.ts'

export interface Solution extends Sequence {
  /** Σ weight × accuracy × seconds (or samples). */
  readonly value: number
}

/** What may be spent, counted in constructed plans. */
export interface Budget {
  left: number
}

const epsilon = 1e-9
const lanesTried = [1, 2, 3, 4, 6, 8, 12]
const pricesTried = 10
/** Starts that are improved, each with another number of lanes. */
const improved = 3
/** From so many streams on a table of prices is faster than asking each of them. */
const many = 24

/** @param thorough also exchange one training for another, and begin from several starts. */
export function search(pool: PoolModel, budget: Budget, thorough: boolean): Solution {
  const trying = tryingIn(pool, budget)
  const few = everySequence(trying)
  if (few !== undefined) return few
  const first = starts(trying)
  if (pool.streams.length >= many) return refine(trying, respond(trying, first[0]!))
  return bestOf(first.slice(0, thorough ? improved : 1).map(from => improve(trying, from, thorough)))
}

/**
 * What a plan of other streams of the pool comes to here, with the best of some trainings of each newcomer put in: a quick judgement.
 *
 * @param from trainings of streams of this pool, as indexes in it.
 */
export function adapted(
  pool: PoolModel,
  from: Sequence,
  newcomers: readonly { readonly stream: number; readonly jobs: readonly Job[] }[],
  budget: Budget,
): Solution {
  const trying = tryingIn(pool, budget)
  let best = valued(trying, ordered(trying, from.order), from.lanes)
  for (const { stream, jobs } of newcomers) {
    const others = best
    for (const job of jobs)
      if (others.value + atMost(pool, job) > best.value)
        best = better(best, valued(trying, inserted(trying, others.order, { stream, job }), others.lanes))
  }
  return best
}

interface Trying {
  readonly pool: PoolModel
  readonly budget: Budget
  readonly market: Market
  /** By stream: whether its training has not begun yet. */
  readonly mayWait: readonly boolean[]
}

function tryingIn(pool: PoolModel, budget: Budget): Trying {
  const market = pool.streams.length < many ? createExactMarket(pool) : createTabledMarket(pool)
  return { pool, budget, market, mayWait: pool.streams.map(s => !s.running) }
}

function valued({ pool, budget, market }: Trying, order: readonly Entry[], lanes: number): Solution {
  budget.left--
  return { order, lanes, value: construct(pool, { order, lanes }, market) }
}

/** By gain per GPU-second; trainings that run go first, for they may not wait. */
function before({ mayWait }: Trying, a: Entry, b: Entry): boolean {
  const [waitsA, waitsB] = [mayWait[a.stream]!, mayWait[b.stream]!]
  if (waitsA !== waitsB) return !waitsA
  return a.job.gain / a.job.work > b.job.gain / b.job.work + epsilon
}

function ordered(trying: Trying, entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) =>
    before(trying, a, b) ? -1 : before(trying, b, a) ? 1 : a.stream - b.stream,
  )
}

/** Lanes worth trying: one where speed is in proportion to share, unless running trainings go on side by side. */
function lanesFor({ pool, mayWait }: Trying, order: readonly Entry[]): number[] {
  const running = order.filter(e => !mayWait[e.stream]).length
  const least = Math.max(1, running)
  if (pool.curve === undefined && pool.capacity <= pool.grid.most + epsilon) return [least]
  return [...new Set([least, ...lanesTried.filter(lanes => lanes > least && lanes <= order.length)])]
}

function bestLanes(trying: Trying, order: readonly Entry[]): Solution {
  let best: Solution | undefined
  for (const lanes of lanesFor(trying, order)) {
    const own = valued(trying, order, lanes)
    if (best === undefined || own.value > best.value + epsilon) best = own
  }
  return best!
}

/** Every choice of trainings in every order, where that fits into a quarter of the budget. */
function everySequence(trying: Trying): Solution | undefined {
  const { pool, budget } = trying
  let count = 1
  for (const { jobs } of pool.streams) count *= jobs.length + 1
  const training = pool.streams.filter(s => s.jobs.length > 0).length
  for (let k = 2; k <= training; k++) count *= k
  if (count * lanesTried.filter(lanes => lanes <= Math.max(1, training)).length > budget.left / 4)
    return undefined
  let best = valued(trying, [], 1)
  const choose = (stream: number, chosen: readonly Entry[]): void => {
    if (stream === pool.streams.length) {
      permute(trying, chosen, order => {
        best = better(best, bestLanes(trying, order))
      })
      return
    }
    choose(stream + 1, chosen)
    for (const job of pool.streams[stream]!.jobs) choose(stream + 1, [...chosen, { stream, job }])
  }
  choose(0, [])
  return best
}

function permute(trying: Trying, entries: readonly Entry[], visit: (order: readonly Entry[]) => void): void {
  const extend = (order: readonly Entry[], left: readonly Entry[]): void => {
    if (left.length === 0 && order.length > 0) visit(order)
    const first = left.filter(e => !trying.mayWait[e.stream])
    for (const entry of first.length > 0 ? first : left)
      extend(
        [...order, entry],
        left.filter(e => e !== entry),
      )
  }
  extend([], entries)
}

/** Of the picks at a row of prices the best for each number of lanes, the best first. */
function starts(trying: Trying): Solution[] {
  const { pool } = trying
  const found = new Map<number, Solution>()
  const add = (own: Solution): void => {
    found.set(own.lanes, better(found.get(own.lanes) ?? own, own))
  }
  add(valued(trying, [], 1))
  let highest = 0
  for (const { jobs } of pool.streams)
    for (const { gain, work } of jobs) highest = Math.max(highest, gain / work)
  let last = ''
  for (let k = 0; k < pricesTried && trying.budget.left > 0; k++) {
    const price = highest * pool.seconds * 0.5 ** (k + 1)
    const picks = pool.streams.flatMap(({ jobs }, stream) => {
      const job = picked(jobs, price, pool.seconds)
      return job === undefined ? [] : [{ stream, job }]
    })
    const key = picks.map(({ stream, job }) => `${stream}/${job.work}`).join()
    if (key === last) continue
    const order = ordered(trying, picks)
    const lanes = lanesFor(trying, order)
    // The best number of lanes changes little from one price to the next.
    if (last === '' || k % 3 === 0) for (const count of lanes) add(valued(trying, order, count))
    else add(valued(trying, order, Math.max(lanes[0]!, bestOf([...found.values()]).lanes)))
    last = key
  }
  return [...found.values()].sort((x, y) => y.value - x.value)
}

const bestOf = (solutions: readonly Solution[]): Solution => solutions.reduce(better)

function picked(jobs: readonly Job[], price: number, seconds: number): Job | undefined {
  let best: Job | undefined
  let most = 0
  for (const job of jobs) {
    const net = job.gain * seconds - price * job.work
    if (net > most) {
      most = net
      best = job
    }
  }
  return best
}

function improve(trying: Trying, from: Solution, thorough: boolean): Solution {
  let best = from
  for (;;) {
    best = changeTrainings(trying, best)
    const round = best
    best = changeOrder(trying, best)
    best = changeLanes(trying, best)
    if (thorough && best.value <= round.value + 1e-7) best = exchange(trying, best)
    if (best.value <= round.value + 1e-7 || trying.budget.left <= 0) return best
  }
}

/** One stream trains less, or nothing, and another more: the first that gains. */
function exchange(trying: Trying, from: Solution): Solution {
  const { streams } = trying.pool
  for (const given of from.order) {
    const others = from.order.filter(e => e !== given)
    const { jobs } = streams[given.stream]!
    const less = jobs[jobs.indexOf(given.job) - 1]
    for (const rest of less === undefined
      ? [others]
      : [inserted(trying, others, { stream: given.stream, job: less }), others])
      for (let stream = 0; stream < streams.length; stream++) {
        if (stream === given.stream) continue
        const present = rest.find(e => e.stream === stream)
        const own = streams[stream]!.jobs
        const at = present === undefined ? -1 : own.indexOf(present.job)
        const without = present === undefined ? rest : rest.filter(e => e !== present)
        for (const job of present === undefined ? own : own.slice(at + 1, at + 2)) {
          if (trying.budget.left <= 0) return from
          const found = valued(trying, inserted(trying, without, { stream, job }), from.lanes)
          if (found.value > from.value + 1e-7) return found
        }
      }
  }
  return from
}

/** One stream at a time, until none of them changes: another training, none, or one where there was none. */
function changeTrainings(trying: Trying, from: Solution): Solution {
  const { pool, budget } = trying
  let best = from
  for (let stream = 0, same = 0; same < pool.streams.length && budget.left > 0; same++) {
    const before = best.value
    const present = best.order.find(e => e.stream === stream)?.job
    const others = present === undefined ? best.order : best.order.filter(e => e.stream !== stream)
    let without = best.value
    if (present !== undefined) {
      const none = valued(trying, others, best.lanes)
      without = none.value
      best = better(best, none)
    }
    for (const job of pool.streams[stream]!.jobs)
      if (job !== present && without + atMost(pool, job) > best.value)
        best = better(best, valued(trying, inserted(trying, others, { stream, job }), best.lanes))
    if (best.value > before + 1e-7) same = 0
    stream = (stream + 1) % pool.streams.length
  }
  return best
}

/** What a training can add: it takes from the others, and serves when it is done. */
function atMost({ seconds, capacity, curve, samples }: PoolModel, { work, gain }: Job): number {
  return gain * Math.max(0, seconds + (samples ? 1 : 0) - work / trainingSpeed(capacity, curve))
}

const better = (a: Solution, b: Solution): Solution => (b.value > a.value + epsilon ? b : a)

/** Before the first that Smith's rule puts behind it. */
function inserted(trying: Trying, order: readonly Entry[], entry: Entry): Entry[] {
  let k = order.findIndex(other => before(trying, entry, other))
  if (k < 0) k = order.length
  return order.toSpliced(k, 0, entry)
}

function changeOrder(trying: Trying, from: Solution): Solution {
  let best = from
  for (let k = 0; k + 1 < best.order.length; k++) {
    const [a, b] = [best.order[k]!, best.order[k + 1]!]
    if (trying.budget.left <= 0) break
    if (trying.mayWait[a.stream] !== trying.mayWait[b.stream]) continue
    best = better(best, valued(trying, best.order.with(k, b).with(k + 1, a), best.lanes))
  }
  return best
}

function changeLanes(trying: Trying, from: Solution): Solution {
  let best = from
  if (lanesFor(trying, from.order).length <= 1) return best
  for (const lanes of [from.lanes - 1, from.lanes + 1]) {
    if (lanes < 1 || lanes > from.order.length) continue
    best = better(best, valued(trying, from.order, lanes))
  }
  return best
}

/** Rounds in which all streams answer. */
const mostRounds = 12

/** All streams answer the prices of the plan; of their answers as many, the best first, as make a better plan. */
function respond(trying: Trying, from: Solution): Solution {
  let best = from
  for (let round = 0; round < mostRounds && trying.budget.left > 0; round++) {
    const given = answers(trying.pool, best, trying.market).filter(({ gain }) => gain > epsilon)
    const last = best
    for (let count = given.length; count >= 1 && best === last; count = Math.floor(count / 2)) {
      const changed = new Map(given.slice(0, count).map(({ stream, job }) => [stream, job]))
      const kept = last.order.filter(({ stream }) => !changed.has(stream))
      const added = [...changed].flatMap(([stream, job]) => (job === undefined ? [] : [{ stream, job }]))
      best = better(best, valued(trying, ordered(trying, [...kept, ...added]), last.lanes))
    }
    if (best.value <= last.value * (1 + 1e-7)) return best
  }
  return best
}

/** Changes of one stream and of neighbours in the order, by what the prices promise, as long as the budget lasts. */
function refine(trying: Trying, from: Solution): Solution {
  let best = from
  for (;;) {
    const round = best
    best = changeLanes(trying, best)
    let misses = 0
    for (const { stream, job } of answers(trying.pool, best, trying.market)) {
      if (trying.budget.left <= 0 || misses >= mostMisses) break
      const others = best.order.filter(e => e.stream !== stream)
      const order = job === undefined ? others : inserted(trying, others, { stream, job })
      const own = valued(trying, order, best.lanes)
      misses = own.value > best.value + epsilon ? 0 : misses + 1
      best = better(best, own)
    }
    if (best.value <= round.value * (1 + 1e-7) || trying.budget.left <= 0) return best
  }
}

/** Promises in a row that may prove empty. */
const mostMisses = 12
