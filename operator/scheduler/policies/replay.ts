/**
 * Replay: follows a schedule that was made beforehand, in the form of Ekya's schedule files. Of one window:
 *
 *     {"<seconds>": {"<stream>_<number>_inference" | "<stream>_<number>_train_<configuration>": share}}
 *
 * The first event is at 0; an event changes the jobs that it names, and a share of 0 ends one. A file has windows by number, from 1,
 * or by a key before that.
 */
import { toPlan } from '../draft.ts'
import { SchedulerError } from '../errors.ts'
import { assumedAccuracies } from '../objective.ts'
import { fixedChoice } from '../pick-configurations.ts'
import type { Plan } from '../plan.ts'
import { definePolicy } from '../policy.ts'
import type { Problem, RetrainingOption, StreamProblem } from '../problem.ts'
import type { Interval, JobShares, Timeline } from '../timeline.ts'

/** Options: `schedule`, the content of the file; `key`, which of its schedules, where it has several. */
export const replay = definePolicy({
  name: 'replay',
  poolOnly: true,
  options: {
    schedule: { type: 'file', content: 'a schedule file, {window: {seconds: {job: share}}}' },
    key: { type: 'string' },
  },
  plan: (problem, { schedule, key }) => {
    if (schedule === undefined) throw bad('schedule is missing, accepted is the content of a schedule file')
    return planOf(problem, timelineOf(problem, eventsOf(problem, schedule, key)))
  },
})

const bad = (message: string): SchedulerError =>
  new SchedulerError('bad-options', `policy replay: ${message}`)

interface Event {
  /** From the window's begin. */
  readonly at: number
  readonly jobs: readonly (readonly [job: string, share: number])[]
}

function eventsOf(problem: Problem, schedule: object, key: string | undefined): Event[] {
  const windows = key === undefined ? schedule : entry(schedule, key, 'the schedule')
  if (problem.windowIndex === undefined)
    throw new SchedulerError('bad-problem', 'policy replay: the problem does not say which window it is')
  const number = `${problem.windowIndex + 1}`
  const events = Object.entries(entry(windows, number, 'the schedule')).map(([time, jobs]): Event => {
    const at = Number(time)
    const where = `schedule[${JSON.stringify(number)}][${JSON.stringify(time)}]`
    if (!(at >= 0) || at === Number.POSITIVE_INFINITY)
      throw bad(`${where}: ${JSON.stringify(time)} is no time, accepted are seconds from 0`)
    if (!isObject(jobs)) throw bad(`${where} is ${JSON.stringify(jobs)}, accepted is {job: share}`)
    return {
      at,
      jobs: Object.entries(jobs).map(([job, share]) => {
        if (typeof share !== 'number' || !(share >= 0))
          throw bad(
            `${where}[${JSON.stringify(job)}] is ${JSON.stringify(share)}, accepted is a number from 0`,
          )
        return [job, share]
      }),
    }
  })
  events.sort((a, b) => a.at - b.at)
  if (events[0]?.at !== 0) throw bad(`window ${number} of the schedule has no event at "0"`)
  return events
}

function entry(object: object, key: string, what: string): object {
  const found: unknown = Object.hasOwn(object, key) ? object[key as keyof object] : undefined
  if (isObject(found)) return found
  const keys = Object.keys(object)
  const some = keys.length > 20 ? `${keys.slice(0, 20).join(', ')}, …` : keys.join(', ')
  throw bad(`${what} has nothing under ${JSON.stringify(key)}, accepted: ${some}`)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface Job {
  readonly stream: number
  /** null: inference. */
  readonly training: string | null
}

function jobOf(streams: readonly StreamProblem[], name: string): Job {
  const [, subject, training] = /^(.+?)_(?:inference|train_(.+))$/.exec(name) ?? []
  const stream = streams.findIndex(s => s.name === subject || s.name === subject?.replace(/_\d+$/, ''))
  if (stream >= 0) return { stream, training: training ?? null }
  throw bad(
    `job ${JSON.stringify(name)} of the schedule is none of these streams': ${streams.map(s => s.name).join(', ')}; accepted are NAME_NUMBER_inference and NAME_NUMBER_train_CONFIGURATION`,
  )
}

/** What is left of the schedule at the moment of planning. */
function timelineOf(problem: Problem, events: readonly Event[]): Timeline {
  const { streams, windowSeconds, remainingSeconds } = problem
  const elapsed = Math.max(0, windowSeconds - remainingSeconds)
  const trainings: (RetrainingOption | null)[] = streams.map(() => null)
  let shares: JobShares[] = streams.map(() => ({ inference: 0, training: 0 }))
  const intervals: Interval[] = []
  for (const { at, jobs } of events) {
    shares = [...shares]
    for (const [name, share] of jobs) {
      const { stream, training } = jobOf(streams, name)
      const own = shares[stream]!
      if (training === null) {
        shares[stream] = { ...own, inference: share }
        continue
      }
      if (share > 0) trainings[stream] = optionOf(streams[stream]!, training, trainings[stream]!)
      shares[stream] = { ...own, training: trainings[stream] === null ? 0 : share }
    }
    const from = Math.max(0, at - elapsed)
    if (intervals.at(-1)?.from === from) intervals.pop()
    if (from < remainingSeconds || intervals.length === 0) intervals.push({ from, shares })
  }
  return { intervals, trainings }
}

function optionOf(
  stream: StreamProblem,
  configuration: string,
  already: RetrainingOption | null,
): RetrainingOption | null {
  if (already !== null && already.configuration !== configuration)
    throw bad(
      `the schedule trains ${already.configuration} and ${configuration} for ${stream.name} in one window, accepted is one`,
    )
  if (stream.noRetrainingBecause !== undefined) return null
  if (stream.running !== undefined) return stream.running
  const option = stream.retraining.find(o => o.configuration === configuration)
  if (option !== undefined) return option
  throw bad(
    `the schedule trains ${configuration} for ${stream.name}, on offer: ${stream.retraining.map(o => o.configuration).join(', ')}`,
  )
}

function planOf(problem: Problem, timeline: Timeline): Plan {
  const accuracies = assumedAccuracies(problem.streams)
  const [first] = timeline.intervals
  return toPlan(problem, {
    policy: 'replay',
    gpus: problem.streams.map(() => 0),
    shares: first!.shares.map(({ inference, training }) => ({
      inference: inference / problem.step,
      training: training / problem.step,
    })),
    choices: problem.streams.map((stream, i) => {
      const held = first!.shares[i]!
      const option = timeline.trainings[i] ?? undefined
      return { ...fixedChoice(problem, stream, accuracies[i]!, held, option), retraining: option ?? null }
    }),
    reasons: problem.streams.map((stream, i) =>
      timeline.trainings[i] === null && stream.noRetrainingBecause === undefined
        ? 'no retraining: the schedule has none'
        : undefined,
    ),
    warnings: [],
    timeline,
  })
}
