/**
 * One window of a trace as a scheduling problem. All GPUs are one pool, as in Ekya's simulator: a job may hold any part of it. Accuracy
 * is averaged over samples at each whole second.
 */
import { microProfileError } from '../scheduler/horizon/belief.ts'
import type {
  InferenceOption,
  Problem,
  RetrainingOption,
  StreamProblem,
  TrainingOutcome,
} from '../scheduler/problem.ts'
import type { Trace, TraceRetraining, TraceStream } from './trace.ts'

/** Which values the scheduler is told: those that come true, or the micro-profiler's predictions (the true ones where there are none). */
export type Sees = 'actual' | 'estimate'

export interface Site {
  /** In the pool, > 0. */
  readonly gpus: number
  readonly windowSeconds: number
  /** Δ, a fraction of one GPU. */
  readonly step: number
  /** How long a training stands still when its share changes, default 0. */
  readonly resizeSeconds?: number
  /** Standard deviation of the error of estimated accuracies; default: that of micro-profiles as Ekya's authors logged them. */
  readonly estimateError?: number
}

/** Without a profile any share serves at full accuracy. */
const withoutProfile: InferenceOption = { configuration: 'default', profile: [[1e-6, 1]] }

/** The streams that the window has, in the trace's order. @param index of the window, from 0. */
export function traceProblem(trace: Trace, index: number, sees: Sees, site: Site): Problem {
  const inference = inferenceOf(trace)
  return {
    windowIndex: index,
    remainingSeconds: site.windowSeconds,
    windowSeconds: site.windowSeconds,
    step: site.step,
    gpus: [{ node: 'trace', gpu: 'pool' }],
    gpuCapacity: site.gpus,
    averaging: 'samples',
    ...(trace.throughputCurve === undefined ? {} : { throughputCurve: trace.throughputCurve }),
    ...(site.resizeSeconds === undefined ? {} : { resizeSeconds: site.resizeSeconds }),
    streams: trace.streams.flatMap(
      stream =>
        streamProblem(stream, index, option => seen(option, sees, site.estimateError), inference) ?? [],
    ),
  }
}

function inferenceOf({ inferenceProfile }: Trace): InferenceOption {
  if (inferenceProfile === undefined) return withoutProfile
  const { maxShare, subsampling, accuracyFactor } = inferenceProfile
  return {
    configuration: 'default',
    maxShare,
    subsampled: subsampling.map((every, i) => [every, accuracyFactor[i]!] as const),
  }
}

function streamProblem(
  { name, weight = 1, minAccuracy = 0, windows }: TraceStream,
  index: number,
  seen: (option: TraceRetraining) => RetrainingOption,
  inference: InferenceOption,
): StreamProblem | undefined {
  const window = windows[index]
  if (window === undefined) return undefined
  return {
    name,
    weight,
    minAccuracy,
    accuracyNow: window.accuracyBefore,
    accuracySoFar: null,
    inference: [inference],
    retraining: window.retraining.map(seen),
  }
}

/** An estimate says how far it may be off, as micro-profiles are. */
function seen(
  { configuration, accuracyAfter, gpuSeconds, estimate }: TraceRetraining,
  sees: Sees,
  accuracyError = microProfileError,
): RetrainingOption {
  return sees === 'actual' || estimate === undefined
    ? { configuration, accuracyAfter, gpuSeconds }
    : { configuration, ...estimate, accuracyError }
}

/** What all retrainings of some streams came to, as a site remembers that has trained them before. */
export function recordOf(streams: readonly TraceStream[]): TrainingOutcome[] {
  return streams.flatMap(({ windows }) =>
    windows.flatMap(({ retraining }) =>
      retraining.map(({ configuration, accuracyAfter, gpuSeconds }) => ({
        configuration,
        accuracy: accuracyAfter,
        gpuSeconds,
      })),
    ),
  )
}
