/** What comes of shares when every training that completes is handed on: the timeline that a policy expects of its plan. */
import type { Problem, RetrainingOption } from './problem.ts'
import { completion, type Interval, type JobShares, type Timeline } from './timeline.ts'

/** Shares after the training of stream `ended` (an index) has ended. */
export type HandOnShares = (shares: readonly JobShares[], ended: number) => readonly JobShares[]

export function expectedTimeline(
  problem: Pick<Problem, 'remainingSeconds' | 'throughputCurve' | 'resizeSeconds'>,
  start: readonly JobShares[],
  trainings: readonly (RetrainingOption | null)[],
  handOn: HandOnShares,
): Timeline {
  const intervals: Interval[] = [{ from: 0, shares: start }]
  const segments = start.map(shares => [{ from: 0, ...shares }])
  const runs = trainings.map((training, i) => training !== null && start[i]!.training > 0)
  for (;;) {
    let [ended, at] = [-1, Number.POSITIVE_INFINITY]
    runs.forEach((running, i) => {
      const seconds = running ? completion(segments[i]!, trainings[i]!.gpuSeconds, problem) : null
      if (seconds !== null && seconds < at) [ended, at] = [i, seconds]
    })
    if (ended < 0) return { intervals, trainings }
    runs[ended] = false
    const shares = handOn(intervals.at(-1)!.shares, ended)
    intervals.push({ from: at, shares })
    shares.forEach((own, i) => {
      segments[i]!.push({ from: at, ...own })
    })
  }
}
