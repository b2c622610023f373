/**
 * The best of all plans on one GPU whose shares change at completions only, found by trying them all: every choice of trainings, and in
 * every phase every division of the GPU's steps. Shares no code with the planner. For two or three streams on a coarse grid.
 */
import { bestInference } from '../inference/inference-quality.ts'
import type { Problem, RetrainingOption } from '../problem.ts'
import { trainingSpeed } from '../training-speed.ts'

interface State {
  readonly time: number
  /** By stream: GPU-seconds left, 0: trained or never. */
  readonly left: readonly number[]
  readonly held: readonly number[]
  readonly accuracy: readonly number[]
}

/** Weighted mean accuracy over time. @param leastInference steps that every stream's inference holds at least. */
export function bestByTrial(problem: Problem, leastInference: number): number {
  const { streams, step } = problem
  const steps = Math.floor(1 / step + 1e-9)
  const weights = streams.reduce((sum, s) => sum + s.weight, 0)
  const factor = streams.map(s =>
    Array.from({ length: steps + 1 }, (_, k) => bestInference(s.inference, k * step).factor),
  )
  const speed = Array.from({ length: steps + 1 }, (_, k) => trainingSpeed(k * step, problem.throughputCurve))
  let best = 0
  const choose = (i: number, chosen: readonly (RetrainingOption | null)[]): void => {
    if (i < streams.length) {
      for (const option of [null, ...streams[i]!.retraining]) choose(i + 1, [...chosen, option])
      return
    }
    const start: State = {
      time: 0,
      left: chosen.map(option => option?.gpuSeconds ?? 0),
      held: streams.map(() => 0),
      accuracy: streams.map(s => s.accuracyNow!),
    }
    best = Math.max(best, run(start, chosen))
  }

  const run = (state: State, chosen: readonly (RetrainingOption | null)[]): number => {
    let most = 0
    const training = streams.map((_, i) => state.left[i]! > 1e-9)
    const inference: number[] = []
    const shares: number[] = []
    const served = (): number =>
      streams.reduce((sum, s, i) => sum + s.weight * state.accuracy[i]! * factor[i]![inference[i]!]!, 0)
    const divide = (i: number, free: number): void => {
      if (i === streams.length) {
        most = Math.max(most, phase(state, chosen, shares, served()))
        return
      }
      for (let own = leastInference; own <= free; own++) {
        inference[i] = own
        for (let x = 0; x <= (training[i] ? free - own : 0); x++) {
          shares[i] = x
          divide(i + 1, free - own - x)
        }
      }
    }
    divide(0, steps)
    return most
  }

  const phase = (
    state: State,
    chosen: readonly (RetrainingOption | null)[],
    shares: readonly number[],
    served: number,
  ): number => {
    const { time, left, held } = state
    const begins = shares.map((x, i) =>
      held[i]! > 0 && x > 0 && x !== held[i] ? time + (problem.resizeSeconds ?? 0) : time,
    )
    const ends = shares.map((x, i) => (x > 0 ? begins[i]! + left[i]! / speed[x]! : Number.POSITIVE_INFINITY))
    const end = Math.min(problem.remainingSeconds, ...ends)
    const value = served * (end - time)
    if (end >= problem.remainingSeconds - 1e-9) return value
    const done = ends.map(e => e <= end + 1e-9)
    return (
      value +
      run(
        {
          time: end,
          left: left.map((l, i) => (done[i] ? 0 : l - Math.max(0, end - begins[i]!) * speed[shares[i]!]!)),
          held: shares,
          accuracy: state.accuracy.map((a, i) => (done[i] ? chosen[i]!.accuracyAfter : a)),
        },
        chosen,
      )
    )
  }

  choose(0, [])
  return best / problem.remainingSeconds / weights
}
