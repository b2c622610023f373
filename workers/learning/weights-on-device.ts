/**
 * Many steps at a time on weights that every run takes to the device and back (many-at-once.ts), as many as fit into a moment
 * (steps-at-once.ts).
 */
import { floats, type Session, type Tensor } from '../models/session.ts'
import type { Rates, Weights } from './descent.ts'
import { type Feeds, filledUp } from './feeds.ts'
import { evaluationBatch } from './matches.ts'
import { partsOf } from './rows.ts'
import type { Slot } from './slots.ts'
import type { Evaluation, Steps, Taken } from './steps.ts'
import { stepsFor, type Timed } from './steps-at-once.ts'
import type { TrainingGraphs } from './training-graph.ts'
import { wire } from './wire.ts'

/** Of the batches of one run, which lie in memory twice while the next ones are prepared. */
const mostBytes = 64 * 2 ** 20

/** A session, and what its runs took. The first one, in which the runtime chooses its kernels, tells nothing. */
interface Opened {
  readonly session: Promise<Session>
  runs: number
  stepsAtOnce: number
  last?: Timed
}

export function onDevice(
  graphs: TrainingGraphs,
  openStep: () => Promise<Session>,
  evaluation: Session,
): { readonly steps: Steps; readonly evaluation: Evaluation } {
  const steps = stepsOnDevice(graphs, openStep)
  return { steps, evaluation: evaluationOnDevice(graphs, evaluation, steps) }
}

interface StepsOnDevice extends Steps {
  /** Does without a session for each size of batches, which takes memory. False: there is only one already. */
  giveRoom(): Promise<boolean>
}

/** @param open a session of the graphs' step; one for each size of batches, so that the runtime chooses its kernels once for each */
export function stepsOnDevice(
  graphs: TrainingGraphs,
  open: () => Promise<Session>,
  now: () => number = () => performance.now() / 1000,
): StepsOnDevice {
  /** By size, the last used one last; where there is room for one alone it is that of size 0. */
  const opened = new Map<number, Opened>()
  let alone = false
  const sizeOf = (images: number): number => (alone ? 0 : images)
  const most = (images: number): number =>
    Math.max(1, Math.floor(mostBytes / (images * imageBytesOf(graphs))))
  const keepLast = async (count: number): Promise<void> => {
    for (const [size, { session }] of [...opened].slice(0, -count)) {
      opened.delete(size)
      await (await session).release()
    }
  }
  const openedFor = async (images: number): Promise<Opened> => {
    const size = sizeOf(images)
    const known = opened.get(size) ?? { session: open(), runs: 0, stepsAtOnce: 1 }
    opened.delete(size)
    opened.set(size, known)
    await known.session.catch((error: unknown) => {
      opened.delete(size)
      throw error
    })
    await keepLast(2)
    return known
  }
  const giveRoom = async (): Promise<boolean> => {
    if (alone) return false
    alone = true
    await keepLast(1)
    const [last] = opened.values()
    opened.clear()
    if (last !== undefined) opened.set(0, last)
    return true
  }
  /** Vectors that nobody reads any more, for the next run to write. */
  let spare: Weights | undefined

  const run = async (
    weights: Weights,
    after: Weights,
    feeds: Feeds,
    rates: readonly Rates[],
  ): Promise<Pick<Taken, 'losses' | 'logits'>> => {
    const steps = rates.length
    const [first] = rates
    const known = await openedFor(feeds[wire.targets]!.dims[0]! / steps)
    const session = await known.session
    const begun = now()
    const results = await session.run(
      {
        ...asBatches(feeds, steps),
        ...packed(graphs, weights, name => name),
        [wire.many(wire.rate)]: floats(
          Float32Array.from(rates, each => each.learningRate),
          [steps],
        ),
        [wire.many(wire.keep)]: floats(
          Float32Array.from(rates, each => each.keep),
          [steps],
        ),
        [wire.momentum]: floats(Float32Array.of(first!.momentum), []),
        [wire.decay]: floats(Float32Array.of(first!.weightDecay), []),
      },
      {
        ...packed(graphs, after, wire.after),
        [wire.many(wire.loss)]: null,
        [wire.many(graphs.logits)]: null,
      },
    )
    if (known.runs++ > 0) {
      const timed = { steps, seconds: now() - begun }
      known.stepsAtOnce = stepsFor(timed, known.last)
      if (known.last?.steps !== steps) known.last = timed
    }
    const data = (name: string) => results[wire.many(name)]!.data as Float32Array
    return { losses: data(wire.loss), logits: data(graphs.logits) }
  }

  return {
    atOnce: images => Math.min(opened.get(sizeOf(images))?.stepsAtOnce ?? 1, most(images)),
    async take({ parameters, velocity, statistics }, feeds, rates) {
      const before = { parameters, velocity, statistics }
      const after = spare ?? emptyLike(before)
      spare = undefined
      const taken = await orWithMoreRoom(() => run(before, after, feeds, rates), giveRoom)
      spare = before
      return { weights: after, ...taken }
    },
    giveRoom,
    close: async () => {
      for (const { session } of opened.values()) await (await session).release()
    },
  }
}

/** What fails for want of memory, of which a share has little, may not where there is one session of the step alone. */
async function orWithMoreRoom<T>(work: () => Promise<T>, giveRoom: () => Promise<boolean>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(await giveRoom())) throw error
    return await work()
  }
}

function evaluationOnDevice(
  graphs: TrainingGraphs,
  session: Session,
  { giveRoom }: Pick<StepsOnDevice, 'giveRoom'>,
): Evaluation {
  const batches = Math.max(1, Math.floor(mostBytes / (evaluationBatch * imageBytesOf(graphs))))
  return {
    atOnce: batches * evaluationBatch,
    async logits({ parameters, statistics }, feeds, images) {
      const full = Math.ceil(images / evaluationBatch)
      const given = {
        ...asBatches(filledUp(feeds, full * evaluationBatch), full),
        ...packed(graphs, { parameters, statistics }, name => name),
      }
      const results = await orWithMoreRoom(() => session.run(given), giveRoom)
      const logits = results[wire.many(graphs.logits)]!
      return (logits.data as Float32Array).subarray(0, images * logits.dims.at(-1)!)
    },
    close: () => session.release(),
  }
}

const imageBytesOf = ({ boundary }: TrainingGraphs): number =>
  4 * boundary.reduce((sum, { dims }) => sum + dims.reduce((a, b) => a * b, 1), 0)

const emptyLike = ({ parameters, velocity, statistics }: Weights): Weights => ({
  parameters: new Float32Array(parameters.length),
  velocity: new Float32Array(velocity.length),
  statistics: new Float32Array(statistics.length),
})

/** The vectors as the graphs read and write them, without copies. */
function packed(
  graphs: TrainingGraphs,
  weights: Partial<Weights>,
  named: (name: string) => string,
): Record<string, Tensor> {
  const tensors = (vector: keyof Weights, slots: readonly Slot[]): [string, Tensor][] => {
    const values = weights[vector]
    if (values === undefined) return []
    return partsOf(slots).map(({ kind, offset, dims }) => [
      named(wire.part(vector, kind)),
      floats(values.subarray(offset, offset + dims.reduce((a, b) => a * b, 1)), dims),
    ])
  }
  return Object.fromEntries([
    ...tensors('parameters', graphs.parameters),
    ...tensors('velocity', graphs.parameters),
    ...tensors('statistics', graphs.statistics),
  ])
}

function asBatches(feeds: Feeds, batches: number): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(
      ([
        name,
        {
          data,
          dims: [images, ...dims],
        },
      ]) => [wire.many(name), floats(data as Float32Array, [batches, images! / batches, ...dims])],
    ),
  )
}
