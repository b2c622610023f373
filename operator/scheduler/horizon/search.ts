/**
 * Which trainings of one pool, in which order, how many at a time.
 *
 * Small pools are searched exhaustively. Larger ones start from prices: at a price per GPU-second every stream picks the training that
 * gains most after its cost, the picks are ordered by gain per GPU-second (Smith's rule), and the best of a row of prices is improved
 * by changing one stream's training, one place in the order or the number of lanes at a time.
 */
import { construct, type Entry, type Sequence } from './construct.ts'
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

export function search(pool: PoolModel, budget: Budget): Solution {
  const trying: Trying = { pool, budget, mayWait: pool.streams.map(s => !s.running) }
  const few = everySequence(trying)
  if (few !== undefined) return few
  return improve(trying, start(trying))
}

/**
 * What a plan of other streams of the pool comes to here, with each newcomer's best training put in: a quick judgement.
 *
 * @param from trainings of streams of this pool, as indexes in it.
 */
export function adapted(
  pool: PoolModel,
  from: Sequence,
  newcomers: readonly number[],
  budget: Budget,
): Solution {
  const trying: Trying = { pool, budget, mayWait: pool.streams.map(s => !s.running) }
  let best = valued(trying, { order: ordered(trying, from.order), lanes: from.lanes })
  for (const stream of newcomers) {
    const others = best
    for (const job of pool.streams[stream]!.jobs) {
      const order = inserted(trying, others.order, { stream, job })
      best = better(best, valued(trying, { order, lanes: others.lanes }))
    }
  }
  return best
}

interface Trying {
  readonly pool: PoolModel
  readonly budget: Budget
  readonly mayWait: readonly boolean[]
}

function valued({ pool, budget }: Trying, sequence: Sequence): Solution {
  budget.left--
  return { ...sequence, value: construct(pool, sequence) }
}

/** By gain per GPU-second; trainings that run go first, for they may not wait. */
function before(trying: Trying, a: Entry, b: Entry): boolean {
  const [waitsA, waitsB] = [trying.mayWait[a.stream]!, trying.mayWait[b.stream]!]
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
    const own = valued(trying, { order, lanes })
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
  let best = valued(trying, { order: [], lanes: 1 })
  const choose = (stream: number, chosen: readonly Entry[]): void => {
    if (stream === pool.streams.length) {
      permute(trying, chosen, order => {
        const own = bestLanes(trying, order)
        if (own.value > best.value + epsilon) best = own
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

/** The best of the picks at a row of prices. */
function start(trying: Trying): Solution {
  const { pool } = trying
  let best = valued(trying, { order: [], lanes: 1 })
  let highest = 0
  for (const { jobs } of pool.streams)
    for (const { gain, work } of jobs) highest = Math.max(highest, gain / work)
  const lanes = new Map<number, number>()
  for (let k = 0; k < pricesTried; k++) {
    const price = highest * pool.seconds * 0.5 ** (k + 1)
    const picks = pool.streams.flatMap(({ jobs }, stream) => {
      const job = picked(jobs, price, pool.seconds)
      return job === undefined ? [] : [{ stream, job }]
    })
    if (picks.length === 0) continue
    const order = ordered(trying, picks)
    const own =
      k % 3 === 0 || lanes.size === 0
        ? bestLanes(trying, order)
        : valued(trying, { order, lanes: Math.max(best.lanes, lanesFor(trying, order)[0]!) })
    lanes.set(k, own.lanes)
    if (own.value > best.value + epsilon) best = own
    if (trying.budget.left <= 0) break
  }
  return best
}

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

function improve(trying: Trying, from: Solution): Solution {
  let best = from
  for (;;) {
    const round = best
    best = changeTrainings(trying, best)
    best = changeOrder(trying, best)
    best = changeLanes(trying, best)
    if (best.value <= round.value + 1e-7 || trying.budget.left <= 0) return best
  }
}

/** One stream at a time: another training, none, or one where there was none. */
function changeTrainings(trying: Trying, from: Solution): Solution {
  let best = from
  for (let stream = 0; stream < trying.pool.streams.length; stream++) {
    if (trying.budget.left <= 0) break
    const place = best.order.findIndex(e => e.stream === stream)
    const others = best.order.filter(e => e.stream !== stream)
    const lanes = Math.max(best.lanes, 1)
    if (place >= 0) best = better(best, valued(trying, { order: others, lanes }))
    for (const job of trying.pool.streams[stream]!.jobs) {
      if (job === best.order.find(e => e.stream === stream)?.job) continue
      best = better(best, valued(trying, { order: inserted(trying, others, { stream, job }), lanes }))
    }
  }
  return best
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
    best = better(best, valued(trying, { order: best.order.with(k, b).with(k + 1, a), lanes: best.lanes }))
  }
  return best
}

function changeLanes(trying: Trying, from: Solution): Solution {
  let best = from
  if (lanesFor(trying, from.order).length <= 1) return best
  for (const lanes of [from.lanes - 1, from.lanes + 1]) {
    if (lanes < 1 || lanes > from.order.length) continue
    best = better(best, valued(trying, { order: from.order, lanes }))
  }
  return best
}
