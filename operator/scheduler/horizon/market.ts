/**
 * What the inference of a pool asks for and serves, at a price per share.
 *
 * At a price every stream picks the corner of its envelope beyond which a share is worth less than it costs (`serving.ts`). Two ways to
 * sum that up over the streams:
 *   - `createExactMarket` asks each stream: exact, and the time is that of all streams, at every price;
 *   - `createTabledMarket` keeps the sums for a row of prices 2 % apart, so that a look at a price costs the same however many streams
 *     there are, and another model in service only moves its own corners. Between two of those prices it is at one of them, which is a
 *     division like any other, only not always the best. For searching in large pools.
 */
import type { PoolModel } from './model.ts'
import { cornerAt, factorBetween, type Serving } from './serving.ts'

export interface Market {
  /** Sum of the shares asked for, and what is served for them per second, at the price of the last `at`. */
  asked: number
  served: number
  /** At which the last `fill` ended: what another share would be worth per second. */
  price: number
  /** All streams serve with the models in use. */
  reset(): void
  set(stream: number, serving: Serving): void
  at(price: number): void
  /** Inference alone within a budget; what is served per second. */
  fill(budget: number): number
}

export interface ExactMarket extends Market {
  /** By stream, after the last `at` or `fill`. */
  shares(): number[]
}

const guard = 1e-9
const halvings = 20
const dearest = 1e12
const cheapest = 1e-9

type Streams = Pick<PoolModel, 'grid' | 'streams'>

export function createExactMarket({ grid, streams }: Streams): ExactMarket {
  const serving = streams.map(s => s.before)
  const corners = new Int32Array(streams.length)
  /** Who holds what no further corner fits into, and how much. */
  let [rest, more] = [-1, 0]
  /** Where the search for a price begins: the last one that was found. */
  let hint = 1

  const market: ExactMarket = { asked: 0, served: 0, price: 0, reset, set, at, fill, shares }
  return market

  function reset(): void {
    for (let i = 0; i < serving.length; i++) serving[i] = streams[i]!.before
  }

  function set(stream: number, own: Serving): void {
    serving[stream] = own
  }

  function at(price: number): void {
    let [asked, served] = [0, 0]
    rest = -1
    for (let i = 0; i < serving.length; i++) {
      const { envelope, scale } = serving[i]!
      const j = scale > 0 ? cornerAt(envelope, price / scale) : 0
      corners[i] = j
      asked += envelope.shares[j]!
      served += scale * envelope.factors[j]!
    }
    market.asked = asked
    market.served = served
  }

  /** By falling slope, and what no step fits into to whom it helps most. */
  function fill(budget: number): number {
    at(0)
    market.price = 0
    if (market.asked <= budget + guard) return market.served
    const price = priceFor(budget)
    at(price)
    hint = market.price = price
    climb(budget - market.asked)
    return market.served
  }

  /** The lowest price, or nearly, at which no more is asked for. */
  function priceFor(budget: number): number {
    const fits = (price: number): boolean => {
      at(price)
      return market.asked <= budget + guard
    }
    let [low, high] = [0, hint]
    if (fits(high)) {
      for (let next = high / 4; next > cheapest && low === 0; next /= 4)
        if (fits(next)) high = next
        else low = next
    } else
      do {
        low = high
        high *= 4
      } while (high < dearest && !fits(high))
    const enough = grid.unit > 0 ? grid.unit - guard : 1e-4
    for (let k = 0; k < halvings && high - low > 1e-6 * high; k++) {
      const middle = (low + high) / 2
      if (!fits(middle)) low = middle
      else {
        high = middle
        if (budget - market.asked < enough) break
      }
    }
    return high
  }

  function climb(free: number): void {
    let left = free
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
      const { envelope, scale } = serving[best]!
      const j = corners[best]!++
      left -= envelope.shares[j + 1]! - envelope.shares[j]!
      market.asked += envelope.shares[j + 1]! - envelope.shares[j]!
      market.served += scale * (envelope.factors[j + 1]! - envelope.factors[j]!)
    }
    if (left > 1e-6) giveRest(left)
  }

  function giveRest(left: number): void {
    let gain = 1e-9
    for (let i = 0; i < serving.length; i++) {
      const { envelope, scale } = serving[i]!
      const j = corners[i]!
      const share = envelope.shares[j]! + left
      if (j >= envelope.slopes.length || share < grid.least - guard) continue
      const own = scale * (factorBetween(streams[i]!.points, share) - envelope.factors[j]!)
      if (own > gain) {
        gain = own
        rest = i
        more = left
      }
    }
    if (rest < 0) return
    market.asked += left
    market.served += gain
  }

  function shares(): number[] {
    return serving.map(({ envelope }, i) => {
      const share = envelope.shares[corners[i]!]!
      if (i !== rest) return share
      return grid.unit > 0 ? grid.shares[Math.round((share + more) / grid.unit)]! : share + more
    })
  }
}

/** Prices of the table, from the highest at which anybody asks for anything down to that over e^12; the last one is 0. */
const rows = 600
const range = 12

export function createTabledMarket({ streams }: Streams): Market {
  let highest = 0
  for (const { before, jobs } of streams)
    for (const { scale, envelope } of [before, ...jobs.map(j => j.after)])
      highest = Math.max(highest, scale * (envelope.slopes[0] ?? 0))
  const ratio = range / (rows - 2)
  const known = new Map<Serving, Int16Array>()
  /** What comes on at each price, from the dearest on, and the sums of it. */
  const [shares, factors] = [new Float64Array(rows), new Float64Array(rows)]
  const [asked, served] = [new Float64Array(rows), new Float64Array(rows)]
  const serving = streams.map(s => s.before)
  let stale = true
  for (const { before } of streams) add(before, 1)
  const [sharesBefore, factorsBefore] = [shares.slice(), factors.slice()]

  const market: Market = { asked: 0, served: 0, price: 0, reset, set, at, fill }
  return market

  /** First row whose price is below the worth of each further corner. */
  function rowsOf(own: Serving): Int16Array {
    const found = known.get(own)
    if (found !== undefined) return found
    const made = Int16Array.from(own.envelope.slopes, slope => rowOf(own.scale * slope) + 1)
    known.set(own, made)
    return made
  }

  function rowOf(price: number): number {
    if (!(price > 0)) return rows - 1
    return Math.max(0, Math.min(rows - 2, Math.floor(Math.log(highest / price) / ratio)))
  }

  function add(own: Serving, sign: number): void {
    const { scale, envelope } = own
    shares[0]! += sign * envelope.shares[0]!
    factors[0]! += sign * scale * envelope.factors[0]!
    if (!(scale > 0)) return
    const row = rowsOf(own)
    for (let j = 0; j < row.length; j++) {
      shares[row[j]!]! += sign * (envelope.shares[j + 1]! - envelope.shares[j]!)
      factors[row[j]!]! += sign * scale * (envelope.factors[j + 1]! - envelope.factors[j]!)
    }
    stale = true
  }

  function reset(): void {
    shares.set(sharesBefore)
    factors.set(factorsBefore)
    for (let i = 0; i < serving.length; i++) serving[i] = streams[i]!.before
    stale = true
  }

  function set(stream: number, own: Serving): void {
    add(serving[stream]!, -1)
    add(own, 1)
    serving[stream] = own
  }

  function sum(): void {
    let [share, factor] = [0, 0]
    for (let k = 0; k < rows; k++) {
      share += shares[k]!
      factor += factors[k]!
      asked[k] = share
      served[k] = factor
    }
    stale = false
  }

  function at(price: number): void {
    if (stale) sum()
    const row = rowOf(price)
    market.asked = asked[row]!
    market.served = served[row]!
  }

  function fill(budget: number): number {
    if (stale) sum()
    let [low, high] = [0, rows - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (asked[middle]! <= budget + guard) low = middle
      else high = middle - 1
    }
    market.price = low === rows - 1 ? 0 : highest * Math.exp(-low * ratio)
    market.asked = asked[low]!
    market.served = served[low]!
    // What is left goes to the corners that come next, which are worth about the price.
    if (low < rows - 1) market.served += Math.max(0, budget - asked[low]!) * market.price
    return market.served
  }
}
