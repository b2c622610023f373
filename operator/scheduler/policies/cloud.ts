/**
 * Cloud (Ekya §6.4, Table 3): all GPUs serve, and what promises the highest accuracy is retrained in the cloud, however costly. All
 * models are back when the samples of all streams have gone up and all models have come down; training in the cloud takes no time.
 *
 * Per stream the paper sends 10 % of a 720p video of 4 Mbit/s up and a ResNet18 of 398 Mbit down: 8 streams and a window of 400 s
 * take 432 s over a cellular link of 5.1 Mbit/s up and 17.5 Mbit/s down.
 */
import { toPlan } from '../draft.ts'
import { amount, points } from '../explain.ts'
import { assumedAccuracies, promising } from '../objective.ts'
import { fixedChoice } from '../pick-configurations.ts'
import { definePolicy } from '../policy.ts'
import type { Problem, RetrainingOption, StreamProblem } from '../problem.ts'
import { mostAccurate } from '../uniform/most-accurate.ts'

const mbitPerSecond = { type: 'number', minimum: 1e-6, maximum: 1e9 } as const

/** The paper's cellular link. */
const cellular = { uplinkMbps: 5.1, downlinkMbps: 17.5 }
const paper = { videoMbps: 4, sampleFraction: 0.1, modelMbit: 398 }

/**
 * Options: `delaySeconds`, when all models are back; or else of what that is made: `uplinkMbps`, `downlinkMbps` (default the paper's
 * cellular link), `videoMbps`, `sampleFraction`, `modelMbit` (default as in the paper).
 */
export const cloud = definePolicy({
  name: 'cloud',
  poolOnly: true,
  options: {
    delaySeconds: { type: 'number', minimum: 0, maximum: 1e9 },
    uplinkMbps: mbitPerSecond,
    downlinkMbps: mbitPerSecond,
    videoMbps: mbitPerSecond,
    sampleFraction: { type: 'number', minimum: 0, maximum: 1 },
    modelMbit: { type: 'number', minimum: 0, maximum: 1e9 },
  },
  plan: (problem, options) => {
    const capacity = problem.gpuCapacity!
    const delay = options.delaySeconds ?? transferSeconds(problem, { ...cellular, ...paper, ...options })
    const accuracies = assumedAccuracies(problem.streams)
    const share = capacity / problem.streams.length
    const trainings = problem.streams.map((stream, i) => {
      const option = mostAccurate(promising(stream, accuracies[i]!))
      // It costs the site nothing.
      return option === undefined ? null : { ...option, gpuSeconds: 0 }
    })
    return toPlan(problem, {
      policy: 'cloud',
      gpus: problem.streams.map(() => 0),
      shares: problem.streams.map(() => ({ inference: share / problem.step, training: 0 })),
      choices: problem.streams.map((stream, i) => ({
        ...fixedChoice(problem, stream, accuracies[i]!, { inference: share, training: 0 }, undefined),
        retraining: trainings[i]!,
      })),
      reasons: problem.streams.map((stream, i) => because(stream, accuracies[i]!, trainings[i]!, delay)),
      warnings: [],
      timeline: {
        intervals: [{ from: 0, shares: problem.streams.map(() => ({ inference: share, training: 0 })) }],
        trainings,
        deliveries: trainings.map(option => (option === null ? null : delay)),
      },
    })
  },
})

function transferSeconds({ streams, windowSeconds }: Problem, link: typeof cellular & typeof paper): number {
  const up = (link.videoMbps * link.sampleFraction * windowSeconds) / link.uplinkMbps
  return streams.length * (up + link.modelMbit / link.downlinkMbps)
}

function because(
  stream: StreamProblem,
  accuracy: number,
  option: RetrainingOption | null,
  delay: number,
): string | undefined {
  if (option === null) return undefined
  const { configuration, accuracyAfter } = option
  return `retrain ${configuration} in the cloud: ${stream.accuracyNow === null ? 'unknown' : points(accuracy)} → ${points(accuracyAfter)} %, back after ${amount(delay)} s`
}
