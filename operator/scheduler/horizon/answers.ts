/**
 * What each stream would rather train at the prices of a plan, and what that promises.
 *
 * At a price p per share and second a stream whose model is worth `scale` keeps U(scale, p) = max over shares of scale × factor − p × share.
 * Let D be what it keeps more with a retrained model than without. A training of work w that starts at time t, where work costs q and
 * progresses at S, promises
 *
 *   Σ over the time from t on of D  −  w × q  −  (w / S) × D at t,
 *
 * for it serves only when it is done. To the first order that is what the plan gains, as for the plan's own order the value is
 * V' × seconds − Σ work × quotient (`construct.ts`). Prices are taken at a few dozen times.
 */
import { trainingSpeed } from '../training-speed.ts'
import { construct, type Sequence } from './construct.ts'
import type { Market } from './market.ts'
import type { Job, PoolModel } from './model.ts'
import { cornerAt, type Serving } from './serving.ts'

export interface Answer {
  readonly stream: number
  /** undefined: nothing. */
  readonly job: Job | undefined
  /** What the change promises over the present training, which may be less than 0. */
  readonly gain: number
}

const mostTimes = 40

/** The best change of each stream, the most promising first. */
export function answers(pool: PoolModel, sequence: Sequence, market: Market): Answer[] {
  const times = timesOf(pool, sequence, market)
  const present = new Map(sequence.order.map(({ stream, job }) => [stream, job]))
  const without = new Float64Array(times.length)
  return pool.streams
    .flatMap((model, stream): Answer[] => {
      if (model.jobs.length === 0) return []
      for (const [k, { price }] of times.entries()) without[k] = kept(model.before, price)
      const own = present.get(stream)
      let [worth, best, job] = [
        0,
        own === undefined ? Number.NEGATIVE_INFINITY : 0,
        undefined as Job | undefined,
      ]
      for (const other of model.jobs) {
        const promised = promise(other, without, times, model.running)
        if (other === own) worth = promised
        else if (promised > best) [best, job] = [promised, other]
      }
      return job === undefined && own === undefined ? [] : [{ stream, job, gain: best - worth }]
    })
    .sort((a, b) => b.gain - a.gain || a.stream - b.stream)
}

interface Time {
  readonly seconds: number
  readonly price: number
  /** Of a unit of work, and its speed; 0: nothing can be trained. */
  readonly quotient: number
  readonly speed: number
}

function timesOf(pool: PoolModel, sequence: Sequence, market: Market): Time[] {
  const phases: Time[] = []
  construct(pool, sequence, market, ({ from, to, price, running }) => {
    let speed = 0
    let slope = 1
    for (const { share } of running) {
      speed += trainingSpeed(share, pool.curve)
      slope = trainingSpeed(share, pool.curve) / share
    }
    // Where nothing trains, something could with what inference holds.
    phases.push({ seconds: to - from, price, quotient: price / slope, speed: speed || pool.capacity / 2 })
  })
  const joined: Time[] = []
  const least = pool.seconds / mostTimes
  for (const phase of phases) {
    const last = joined.at(-1)
    if (last === undefined || last.seconds + phase.seconds > least) joined.push(phase)
    else joined[joined.length - 1] = mixed(last, phase)
  }
  return joined
}

function mixed(a: Time, b: Time): Time {
  const seconds = a.seconds + b.seconds
  const mean = (x: number, y: number): number =>
    seconds > 0 ? (x * a.seconds + y * b.seconds) / seconds : (x + y) / 2
  return {
    seconds,
    price: mean(a.price, b.price),
    quotient: mean(a.quotient, b.quotient),
    speed: mean(a.speed, b.speed),
  }
}

function kept({ scale, envelope }: Serving, price: number): number {
  const j = scale > 0 ? cornerAt(envelope, price / scale) : 0
  return scale * envelope.factors[j]! - price * envelope.shares[j]!
}

/** The best of all times to start. */
function promise(
  { after, work }: Job,
  without: Float64Array,
  times: readonly Time[],
  running: boolean,
): number {
  let best = Number.NEGATIVE_INFINITY
  let served = 0
  for (let k = times.length - 1; k >= 0; k--) {
    const { seconds, price, quotient, speed } = times[k]!
    const more = kept(after, price) - without[k]!
    served += seconds * more
    const own = served - work * quotient - (work / speed) * more
    // A training that runs may not wait.
    if (own > best && (!running || k === 0)) best = own
  }
  return best
}
