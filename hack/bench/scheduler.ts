/**
 * How long the policies take: node hack/bench/scheduler.ts [--json]
 *
 * The paper's case: 10 streams, 8 GPUs, 18 retraining configurations, Δ = 0.1 (Ekya: 9.4 s). And a larger and a finer one.
 */
import { pathToFileURL } from 'node:url'
import { policies } from '../../operator/scheduler/policies/registry.ts'
import type { Problem } from '../../operator/scheduler/problem.ts'

export interface Timing {
  readonly policy: string
  readonly streams: number
  readonly gpus: number
  readonly configurations: number
  readonly step: number
  readonly milliseconds: { readonly median: number; readonly worst: number }
  readonly predictedAccuracy: number
}

const cases = [
  { streams: 10, gpus: 8, configurations: 18, step: 0.1 },
  { streams: 10, gpus: 2, configurations: 18, step: 0.05 },
  { streams: 100, gpus: 16, configurations: 18, step: 0.1 },
]
const rounds = 7

const planning = Object.entries(policies).filter(([, { poolOnly }]) => !poolOnly)

export function benchScheduler(): Timing[] {
  return cases.flatMap(size =>
    planning.map(([policy, { plan }]) => {
      const problems = Array.from({ length: rounds }, (_, seed) => makeProblem(size, seed + 1))
      let accuracy = 0
      const times = problems.map(problem => {
        const started = performance.now()
        accuracy += plan(problem, {}).predictedAccuracy ?? 0
        return performance.now() - started
      })
      times.sort((a, b) => a - b)
      return {
        policy,
        ...size,
        milliseconds: { median: times[Math.floor(rounds / 2)]!, worst: times.at(-1)! },
        predictedAccuracy: accuracy / rounds,
      }
    }),
  )
}

/** Drifted streams of random depth; costlier configurations gain more. Deterministic by seed. */
function makeProblem(size: (typeof cases)[number], seed: number): Problem {
  const random = generator(seed)
  return {
    remainingSeconds: 200,
    windowSeconds: 200,
    step: size.step,
    gpus: Array.from({ length: size.gpus }, (_, i) => ({ node: 'node', gpu: `${i}` })),
    streams: Array.from({ length: size.streams }, (_, s) => {
      const accuracyNow = 0.4 + 0.5 * random()
      const demand = 0.1 + 0.3 * random()
      return {
        name: `cam-${s}`,
        weight: 1,
        minAccuracy: 0.3,
        accuracyNow,
        accuracySoFar: null,
        inference: [1, 2, 4].map(interval => ({
          configuration: `every-${interval}`,
          profile: Array.from(
            { length: 10 },
            (_, i) => [((i + 1) * demand) / 10 / interval, ((i + 1) / 10) ** 0.5 * interval ** -0.1] as const,
          ),
        })),
        retraining: Array.from({ length: size.configurations }, (_, c) => ({
          configuration: `configuration-${c}`,
          accuracyAfter:
            accuracyNow +
            (0.95 - accuracyNow) * (((c + 1) / size.configurations) ** 0.3 * (0.6 + 0.4 * random())),
          gpuSeconds: 4 * 1.25 ** c * (0.8 + 0.4 * random()),
        })),
      }
    }),
  }
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const timings = benchScheduler()
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(timings, null, 2)}\n`)
  else
    console.table(
      timings.map(({ milliseconds, predictedAccuracy, ...rest }) => ({
        ...rest,
        'median ms': Number(milliseconds.median.toFixed(1)),
        'worst ms': Number(milliseconds.worst.toFixed(1)),
        'predicted accuracy': Number(predictedAccuracy.toFixed(4)),
      })),
    )
}
