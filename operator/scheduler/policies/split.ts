/** Even splits of each GPU among the streams on it, for the policies that do not optimise. */
import type { StreamShares } from '../pick-configurations.ts'
import type { Problem } from '../problem.ts'
import { splitEvenly, stepsPerGpu } from '../share-grid.ts'

/**
 * Inference jobs share `inferenceSteps` of a GPU evenly, trainings the rest; where none trains, inference gets all.
 * Each stream's inference has a step before any training has one.
 */
export function splitGpus(
  problem: Problem,
  gpus: readonly number[],
  inferenceSteps: (perGpu: number) => number,
  trains: (stream: number) => boolean,
): StreamShares[] {
  const perGpu = stepsPerGpu(problem.step)
  const shares: StreamShares[] = problem.streams.map(() => ({ inference: 0, training: 0 }))
  problem.gpus.forEach((_, g) => {
    const here = problem.streams
      .map((_, i) => i)
      .filter(i => gpus[i] === g)
      .sort((a, b) => problem.streams[b]!.weight - problem.streams[a]!.weight || a - b)
    const training = here.filter(trains)
    const forInference =
      training.length === 0 ? perGpu : Math.min(perGpu, Math.max(inferenceSteps(perGpu), here.length))
    const inference = splitEvenly(forInference, here.length)
    const rest = splitEvenly(perGpu - forInference, training.length)
    here.forEach((i, k) => {
      const own = training.indexOf(i)
      shares[i] = { inference: inference[k]!, training: own === -1 ? 0 : rest[own]! }
    })
  })
  return shares
}
