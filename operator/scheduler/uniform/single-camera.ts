/** Ekya's single-camera optimiser: the configuration that is best for one stream by itself. */
import type { Problem, RetrainingOption, StreamProblem } from '../problem.ts'
import { evaluate, type JobShares } from '../timeline.ts'
import { completionSeconds } from '../training-speed.ts'

/**
 * Of some configurations the one with the highest mean accuracy over the rest of the window, the first of equals, when the stream
 * holds these shares and its inference gets what its training held when that ends.
 *
 * @param accuracy of the model in use.
 */
export function singleCameraOptimum(
  problem: Problem,
  stream: StreamProblem,
  accuracy: number,
  options: readonly RetrainingOption[],
  shares: JobShares,
): RetrainingOption | undefined {
  let [best, highest] = [undefined as RetrainingOption | undefined, Number.NEGATIVE_INFINITY]
  for (const option of options) {
    const end = completionSeconds(option.gpuSeconds, shares.training, problem.throughputCurve)
    const intervals = [
      { from: 0, shares: [shares] },
      ...(end < problem.remainingSeconds
        ? [{ from: end, shares: [{ inference: shares.inference + shares.training, training: 0 }] }]
        : []),
    ]
    const [result] = evaluate({ ...problem, streams: [stream] }, [accuracy], {
      intervals,
      trainings: [option],
    })
    if (result!.mean > highest + 1e-12) [best, highest] = [option, result!.mean]
  }
  return best
}
