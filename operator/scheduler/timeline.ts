/**
 * What every job of a site holds over a window, and what that is worth: the one exact evaluator, by which policies predict, the
 * simulator replays and bounds are tested.
 *
 * A stream trains at most once in a window. Its training gathers work at the speed of its share, stands still for `resizeSeconds` after
 * its share changed while it runs, and its model serves from the moment at which the work is done. Inference at share r serves the
 * model's accuracy × factor(r), and loses nothing in a resize: the old pod serves until the new one takes over.
 */
import { bestInference } from './inference/inference-quality.ts'
import type { Problem, RetrainingOption, StreamProblem } from './problem.ts'
import { trainingSpeed } from './training-speed.ts'

/** Fractions of one GPU, 0: none. */
export interface JobShares {
  readonly inference: number
  readonly training: number
}

export interface Interval {
  /** Seconds from the moment of planning; it lasts to the next one's begin, the last to the window's end. */
  readonly from: number
  /** By stream, in the problem's order. */
  readonly shares: readonly JobShares[]
}

export interface Timeline {
  /** In order of time, the first from 0. */
  readonly intervals: readonly Interval[]
  /** What each stream trains, null: nothing. */
  readonly trainings: readonly (RetrainingOption | null)[]
  /** By stream: seconds at which its retrained model arrives from elsewhere, whatever is trained here; absent or null: it does not. */
  readonly deliveries?: readonly (number | null)[]
}

export interface StreamResult {
  /** Accuracy averaged over the rest of the window. */
  readonly mean: number
  /** Seconds from the moment of planning, null: nothing is completed by the window's end. */
  readonly completesAt: number | null
}

type Rules = Pick<Problem, 'remainingSeconds' | 'throughputCurve' | 'resizeSeconds' | 'averaging'>

/** Work short of this many GPU-seconds counts as done, and seconds apart by less as the same. */
const workGuard = 1e-6
const timeGuard = 1e-9

/** @param accuracies of the models in use at full share, by stream. */
export function evaluate(
  problem: Rules & { readonly streams: readonly Pick<StreamProblem, 'inference' | 'running' | 'current'>[] },
  accuracies: readonly number[],
  timeline: Timeline,
): StreamResult[] {
  return problem.streams.map((stream, i) => {
    const training = timeline.trainings[i] ?? null
    const segments = segmentsOf(timeline, i)
    const completesAt =
      training === null
        ? null
        : ready(segments, training, timeline.deliveries?.[i], problem, shareHeld(stream, training))
    const served = (share: number, at: 'before' | 'after'): number =>
      bestInference(stream.inference, share).factor *
      (at === 'after' ? training!.accuracyAfter : accuracies[i]!)
    const mean = problem.averaging === 'samples' ? sampledMean : timeMean
    return { mean: mean(segments, completesAt, problem.remainingSeconds, served), completesAt }
  })
}

export type Segment = JobShares & { readonly from: number }

/** The intervals of one stream, those joined in which nothing changes for it. */
function segmentsOf({ intervals }: Timeline, stream: number): Segment[] {
  const segments: Segment[] = []
  let last: JobShares | undefined
  for (const { from, shares } of intervals) {
    const own = shares[stream]!
    if (last === undefined || own.inference !== last.inference || own.training !== last.training)
      segments.push({ from, inference: own.inference, training: own.training })
    last = own
  }
  return segments
}

type Served = (share: number, at: 'before' | 'after') => number

/** What a training holds already that goes on, 0: it is yet to begin. */
function shareHeld(
  { running, current }: Pick<StreamProblem, 'running' | 'current'>,
  training: RetrainingOption,
): number {
  const goesOn = running !== undefined && running.configuration === training.configuration
  return goesOn ? (current?.trainingShare ?? 0) : 0
}

function ready(
  segments: readonly Segment[],
  training: RetrainingOption,
  delivery: number | null | undefined,
  rules: Rules,
  before: number,
): number | null {
  if (delivery === undefined || delivery === null)
    return completion(segments, training.gpuSeconds, rules, before)
  return delivery <= rules.remainingSeconds ? delivery : null
}

/**
 * When work of so many GPU-seconds is done; null: not before the end.
 *
 * @param before share held until the first segment: another one there is a resize.
 */
export function completion(
  segments: readonly Segment[],
  gpuSeconds: number,
  rules: Rules,
  before = 0,
): number | null {
  return progress(segments, gpuSeconds, rules, before).completesAt
}

/** GPU-seconds of work that are done by the end. */
export function workDone(segments: readonly Segment[], rules: Rules): number {
  return progress(segments, Number.POSITIVE_INFINITY, rules, 0).done
}

function progress(
  segments: readonly Segment[],
  gpuSeconds: number,
  { remainingSeconds, throughputCurve, resizeSeconds = 0 }: Rules,
  before: number,
): { readonly done: number; readonly completesAt: number | null } {
  let done = 0
  let held = before
  let standsUntil = 0
  for (const [k, { from, training }] of segments.entries()) {
    const to = Math.min(remainingSeconds, segments[k + 1]?.from ?? remainingSeconds)
    if (held > 0 && training > 0 && training !== held) standsUntil = from + resizeSeconds
    held = training
    const speed = trainingSpeed(training, throughputCurve)
    const begins = Math.max(from, standsUntil)
    if (speed <= 0 || from > remainingSeconds) continue
    const seconds = Math.max(0, to - begins)
    // Work of no length is done in an interval of no length.
    if (done + speed * seconds >= gpuSeconds - workGuard)
      return { done: gpuSeconds, completesAt: Math.min(to, begins + Math.max(0, gpuSeconds - done) / speed) }
    done += speed * seconds
  }
  return { done, completesAt: null }
}

function timeMean(
  segments: readonly Segment[],
  completesAt: number | null,
  seconds: number,
  served: Served,
): number {
  let sum = 0
  for (const [k, { from, inference }] of segments.entries()) {
    const to = Math.min(seconds, segments[k + 1]?.from ?? seconds)
    if (to <= from) continue
    const change = Math.min(to, Math.max(from, completesAt ?? to))
    sum += served(inference, 'before') * (change - from)
    if (to > change) sum += served(inference, 'after') * (to - change)
  }
  return sum / seconds
}

/** At t = 0, 1, … up to the end, as Ekya's simulator averages. */
function sampledMean(
  segments: readonly Segment[],
  completesAt: number | null,
  seconds: number,
  served: Served,
): number {
  const last = Math.floor(seconds + timeGuard)
  let sum = 0
  for (const [k, { from, inference }] of segments.entries()) {
    const next = segments[k + 1]?.from
    const first = Math.ceil(from - timeGuard)
    const end = next === undefined ? last : Math.min(last, Math.ceil(next - timeGuard) - 1)
    if (end < first) continue
    const change = Math.min(
      end + 1,
      Math.max(first, completesAt === null ? end + 1 : Math.ceil(completesAt - timeGuard)),
    )
    if (change > first) sum += served(inference, 'before') * (change - first)
    if (end >= change) sum += served(inference, 'after') * (end + 1 - change)
  }
  return sum / (last + 1)
}
