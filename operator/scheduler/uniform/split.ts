/** Even splits of each GPU among the streams on it, for the policies that do not optimise. */
import type { StreamShares } from '../pick-configurations.ts'
import type { Problem } from '../problem.ts'
import { splitEvenly, stepsPerEntry } from '../share-grid.ts'

/** Steps of `total` that serve, where so many streams are and so many of them train; whole or not. */
export type InferencePart = (total: number, streams: number, trainings: number) => number

/** All jobs hold the same. */
export const equalJobs: InferencePart = (total, streams, trainings) =>
  (total * streams) / (streams + trainings)

/**
 * Inference jobs share their part of a GPU evenly, trainings the rest; where none trains, inference gets all. In whole steps, of which
 * each stream's inference has one before any training has; of a pool in exactly equal parts.
 */
export function splitGpus(
  problem: Problem,
  gpus: readonly number[],
  inferencePart: InferencePart,
  trains: (stream: number) => boolean,
): StreamShares[] {
  const pooled = problem.gpuCapacity !== undefined
  const total = pooled ? problem.gpuCapacity! / problem.step : stepsPerEntry(problem)
  const split = pooled ? exactly : splitEvenly
  const shares: StreamShares[] = problem.streams.map(() => ({ inference: 0, training: 0 }))
  problem.gpus.forEach((_, g) => {
    const here = problem.streams
      .map((_, i) => i)
      .filter(i => gpus[i] === g)
      .sort((a, b) => problem.streams[b]!.weight - problem.streams[a]!.weight || a - b)
    const training = here.filter(trains)
    const part = inferencePart(total, here.length, training.length)
    const whole = pooled ? part : Math.min(total, Math.max(Math.round(part), here.length))
    const forInference = training.length === 0 ? total : whole
    const inference = split(forInference, here.length)
    const rest = split(total - forInference, training.length)
    here.forEach((i, k) => {
      const own = training.indexOf(i)
      shares[i] = { inference: inference[k]!, training: own === -1 ? 0 : rest[own]! }
    })
  })
  return shares
}

const exactly = (steps: number, parts: number): number[] => Array.from({ length: parts }, () => steps / parts)
