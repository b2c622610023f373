/**
 * Carries out one window under a policy: plans on what the scheduler sees, runs on what comes true.
 *
 *   0 … delay     the policy's inference schedule
 *   delay         the policy is asked for a plan, and its shares are given
 *   a training completes, and the plan has no timeline: the policy hands its share on
 *   …, and the plan has a timeline: its changes are followed, as long as trainings complete when the plan expects them to; as soon
 *                 as one completes at another time, or is not complete when it should be, the policy is asked again for the rest of the
 *                 window, at most once a second. It is told how much work the trainings that run really have left, as pods report it
 *
 * The pool never gives more than it has: a plan that does is refused.
 */
import { allocationsOf } from '../scheduler/hand-on.ts'
import { assumedAccuracies } from '../scheduler/objective.ts'
import type { Plan, PolicyOptions } from '../scheduler/plan.ts'
import type { Policy } from '../scheduler/policy.ts'
import type { Problem, RetrainingOption, StreamProblem } from '../scheduler/problem.ts'
import {
  completion,
  evaluate,
  type Interval,
  type JobShares,
  type Segment,
  type StreamResult,
  type Timeline,
  workDone,
} from '../scheduler/timeline.ts'
import { PlanError } from './errors.ts'

export interface WindowRunOptions {
  readonly policyOptions: PolicyOptions
  /** Seconds until there is a plan (golden labels take that long), ≥ 0, below the window's length. */
  readonly delaySeconds: number
  /** A stopwatch for the time that the policy takes; nothing depends on it. */
  readonly monotonicMs: () => number
}

export interface WindowRunResult {
  /** The first plan. */
  readonly plan: Plan
  /** What was held, seconds from the window's begin, with the trainings as they really are. */
  readonly timeline: Timeline
  /** By stream, over the whole window. */
  readonly results: readonly StreamResult[]
  /** Of all plans. */
  readonly schedulerSeconds: number
  readonly plans: number
}

/** Completions apart by less are as expected: so long takes, at a small share, the work that the evaluator lets go. */
const timeTolerance = 1e-4
/** Least time between two plans, and what must be left of the window for one. */
const replanSeconds = 1

/** @param actual what comes true; @param seen the same window as the scheduler sees it. */
export function runWindow(
  actual: Problem,
  seen: Problem,
  policy: Policy,
  options: WindowRunOptions,
): WindowRunResult {
  return new WindowRun(actual, seen, policy, options).run()
}

class WindowRun {
  readonly #actual: Problem
  readonly #seen: Problem
  readonly #policy: Policy
  readonly #options: WindowRunOptions
  readonly #intervals: Interval[] = []
  readonly #trainings: (RetrainingOption | null)[]
  readonly #deliveries: (number | null)[]
  readonly #ended: boolean[]
  /** Of the present plan's timeline, in seconds from the window's begin: changes to come, and when each training should complete. */
  #changes: Interval[] = []
  #expected: (number | null)[] | undefined
  #plannedAt = 0
  #replanAt = Number.POSITIVE_INFINITY
  #schedulerMs = 0
  #plans = 0

  constructor(actual: Problem, seen: Problem, policy: Policy, options: WindowRunOptions) {
    this.#actual = actual
    this.#seen = seen
    this.#policy = policy
    this.#options = options
    this.#trainings = actual.streams.map(() => null)
    this.#deliveries = actual.streams.map(() => null)
    this.#ended = actual.streams.map(() => false)
  }

  run(): WindowRunResult {
    const { delaySeconds } = this.#options
    if (delaySeconds > 0) this.#serveOnly()
    const plan = this.#planAt(delaySeconds)
    while (this.#next());
    const timeline: Timeline = {
      intervals: this.#intervals,
      trainings: this.#trainings,
      deliveries: this.#deliveries,
    }
    return {
      plan,
      timeline,
      results: evaluate(this.#actual, assumedAccuracies(this.#actual.streams), timeline),
      schedulerSeconds: this.#schedulerMs / 1000,
      plans: this.#plans,
    }
  }

  #serveOnly(): void {
    const { items } = this.#policy.inferenceSchedule({ ...this.#seen, reserve: 0 })
    this.#give(
      0,
      items.map(item => ({ inference: item.inferenceShare, training: 0 })),
    )
  }

  /** The next event; false: none is left before the window's end. */
  #next(): boolean {
    const [ended, completes] = this.#nextCompletion()
    const change = this.#changes[0]?.from ?? Number.POSITIVE_INFINITY
    const expected = this.#nextExpected()
    const at = Math.min(completes, change, expected, this.#replanAt)
    if (at >= this.#actual.remainingSeconds) return false
    if (completes <= at + timeTolerance) this.#complete(ended, completes)
    else if (this.#replanAt <= at) this.#planAt(at)
    else if (expected <= at) this.#surprise(at)
    else this.#give(change, this.#changes.shift()!.shares)
    return true
  }

  /** The training that completes next on the shares that are held. */
  #nextCompletion(): [number, number] {
    let [next, at] = [-1, Number.POSITIVE_INFINITY]
    this.#trainings.forEach((training, i) => {
      if (training === null || this.#ended[i] || this.#deliveries[i] !== null) return
      const seconds = completion(this.#segments(i), training.gpuSeconds, this.#actual)
      if (seconds !== null && seconds < at) [next, at] = [i, seconds]
    })
    return [next, at]
  }

  /** When the next of the trainings that run should complete; what is yet to begin is not late. */
  #nextExpected(): number {
    const held = this.#intervals.at(-1)!.shares
    const pending = (this.#expected ?? []).filter(
      (at, i) => at !== null && !this.#ended[i] && held[i]!.training > 0,
    )
    return Math.min(Number.POSITIVE_INFINITY, ...(pending as number[]))
  }

  #complete(stream: number, at: number): void {
    this.#ended[stream] = true
    if (this.#expected === undefined) {
      const { node, gpu } = this.#actual.gpus[0]!
      const shares = this.#intervals.at(-1)!.shares
      const held = allocationsOf(this.#actual.streams, shares, () => ({ node, gpu }))
      const next = this.#policy.handOn(held, this.#actual.streams[stream]!.name, this.#actual)
      this.#give(
        at,
        next.map(a => ({ inference: a.inferenceShare, training: a.trainingShare })),
      )
      return
    }
    const expected = this.#expected[stream] ?? null
    if (expected === null || Math.abs(expected - at) > timeTolerance) this.#surprise(at)
  }

  /** What was planned to follow does not: it counted on something else. */
  #surprise(at: number): void {
    this.#changes = []
    this.#expected = this.#expected?.map((expected, i) =>
      expected !== null && expected <= at && !this.#ended[i] ? null : expected,
    )
    this.#replanAt = Math.max(at, this.#plannedAt + replanSeconds)
    if (this.#replanAt > this.#actual.remainingSeconds - replanSeconds)
      this.#replanAt = Number.POSITIVE_INFINITY
  }

  #planAt(at: number): Plan {
    const problem = this.#problemAt(at)
    const started = this.#options.monotonicMs()
    const plan = this.#policy.plan(problem, this.#options.policyOptions)
    this.#schedulerMs += this.#options.monotonicMs() - started
    this.#plans++
    this.#plannedAt = at
    this.#replanAt = Number.POSITIVE_INFINITY
    this.#take(plan, problem, at)
    return plan
  }

  #take(plan: Plan, problem: Problem, at: number): void {
    const { streams } = this.#actual
    if (
      plan.items.length !== streams.length ||
      plan.items.some((item, i) => item.stream !== streams[i]!.name)
    )
      throw new PlanError(
        `the plan of ${plan.policy} is for ${plan.items.map(i => i.stream).join(', ')}; accepted: the streams as asked, ${streams.map(s => s.name).join(', ')}`,
      )
    plan.items.forEach((item, i) => {
      if (this.#ended[i]) return
      this.#trainings[i] = this.#training(i, item.retrainingConfiguration)
      const delivery = plan.timeline?.deliveries?.[i] ?? null
      this.#deliveries[i] = delivery === null ? null : at + delivery
    })
    if (plan.timeline === undefined) {
      this.#changes = []
      this.#expected = undefined
      this.#give(
        at,
        plan.items.map(item => ({ inference: item.inferenceShare, training: item.trainingShare })),
      )
      return
    }
    const [first, ...later] = plan.timeline.intervals.map(({ from, shares }) => ({ from: at + from, shares }))
    this.#changes = later
    this.#give(at, first!.shares)
    this.#expected = evaluate(problem, assumedAccuracies(problem.streams), plan.timeline).map(
      ({ completesAt }, i) =>
        completesAt === null || this.#deliveries[i] !== null ? null : at + completesAt,
    )
  }

  /** What the plan trains, as it really is. What has begun can be given up, but not become another training. */
  #training(stream: number, configuration: string | null): RetrainingOption | null {
    const { name, retraining } = this.#actual.streams[stream]!
    const before = this.#trainings[stream]!
    const begun = before !== null && this.#work(stream, Number.POSITIVE_INFINITY) > 0
    if (configuration === null) return begun ? before : null
    const option = retraining.find(o => o.configuration === configuration)
    if (option === undefined)
      throw new PlanError(`the plan trains ${configuration} for ${name}, which is not on offer to it`)
    if (begun && before !== option)
      throw new PlanError(
        `the plan trains ${configuration} for ${name}, whose ${before.configuration} has begun`,
      )
    return option
  }

  #give(at: number, shares: readonly JobShares[]): void {
    const { gpuCapacity = 1, gpus } = this.#actual
    const held = shares.reduce((sum, { inference, training }) => sum + inference + training, 0)
    if (
      !(held <= gpuCapacity * gpus.length + 1e-9) ||
      shares.some(s => !(s.inference >= 0 && s.training >= 0))
    )
      throw new PlanError(
        `the policy gives ${held} GPUs at ${at.toFixed(3)} s; accepted: shares from 0 that add up to at most ${gpuCapacity * gpus.length}`,
      )
    this.#intervals.push({ from: at, shares })
  }

  #segments(stream: number): Segment[] {
    return this.#intervals.map(({ from, shares }) => ({ from, ...shares[stream]! }))
  }

  #work(stream: number, at: number): number {
    const until = Math.min(at, this.#intervals.at(-1)?.from ?? 0)
    const upTo = at === Number.POSITIVE_INFINITY ? until : at
    return workDone(this.#segments(stream), { ...this.#actual, remainingSeconds: upTo })
  }

  /** The rest of the window as the scheduler sees it. */
  #problemAt(at: number): Problem {
    const rest = { ...this.#seen, remainingSeconds: this.#seen.remainingSeconds - at }
    const held = this.#intervals.at(-1)
    if (held === undefined) return rest
    return { ...rest, streams: this.#seen.streams.map((stream, i) => this.#streamAt(stream, i, held, at)) }
  }

  #streamAt(stream: StreamProblem, i: number, { shares }: Interval, at: number): StreamProblem {
    const { inference: inferenceShare, training: trainingShare } = shares[i]!
    const current = { ...this.#actual.gpus[0]!, inferenceShare, trainingShare }
    const training = this.#trainings[i]
    if (training === null || training === undefined) return { ...stream, current }
    const seen = stream.retraining.find(o => o.configuration === training.configuration)!
    if (this.#ended[i])
      return {
        ...stream,
        current: { ...current, trainingShare: 0 },
        accuracyNow: seen.accuracyAfter,
        retraining: [],
        noRetrainingBecause: `no retraining: ${training.configuration} was trained in this window`,
      }
    const done = this.#work(i, at)
    if (done <= 0) return { ...stream, current }
    return {
      ...stream,
      current,
      retraining: [],
      running: { ...seen, gpuSeconds: Math.max(0, training.gpuSeconds - done) },
    }
  }
}
