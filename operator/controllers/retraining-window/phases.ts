/**
 * The life of a RetrainingWindow as a state machine over what is persisted in its status.
 *
 *   Pending ──streams serve──▶ Labeling ──labels done──▶ Profiling ──results in──▶ Planning ──▶ Retraining ──window over──▶ Closing ──▶ Labeling (next index)
 *   Labeling ──nothing to learn from (window 0)──▶ Planning         Labeling ──window over──▶ Closing
 *   Profiling ──deadline──▶ Planning (with the results there are)   Profiling ──repeat: Once, learned and measured──▶ Completed
 *   any ──spec.suspended──▶ Suspended ──resumed──▶ Pending (next index)
 *
 * `advance` is pure: it looks at one snapshot and answers with the status that should be written. The controller writes it first and acts
 * only on what is written, so that an operator killed at any moment goes on from the API. Time comes in with the snapshot.
 */
import { parseDuration } from '../../api/duration.ts'
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import {
  activeStreams,
  allowedNodes,
  profileResult,
  type SiteSnapshot,
  type StreamSnapshot,
} from '../../cluster/snapshot.ts'
import { SchedulerError } from '../../scheduler/errors.ts'
import { type PlanStatus, trains } from '../plan-status.ts'
import { isToMove } from './gpu-places.ts'
import { closedWindow, withMeasurements } from './history.ts'
import { profilingDeadline } from './profiling-time.ts'
import { askedSince } from './requests.ts'
import { type Context, iso, type Note, over, type Planner, type Step, step, time } from './step.ts'
import {
  cutOff,
  endings,
  faulted,
  lateTraining,
  markStarted,
  replanEveryMs,
  surprisingTraining,
} from './trainings.ts'

export type Phase = NonNullable<RetrainingWindowStatus['current']>['phase']

/** How long Pending waits for streams that do not come up before the window begins with those that serve. */
export const pendingGraceMs = 30_000

/** What status should be written next, seen from one snapshot. */
export function advance(site: SiteSnapshot, planner: Planner): Step {
  const status = site.window.status ?? {}
  const context: Context = {
    site,
    planner,
    status,
    durationMs: parseDuration(site.window.spec.duration) * 1000,
  }
  const phase = status.current?.phase
  if (site.window.spec.suspended === true) return phase === 'Suspended' ? resting(context) : suspend(context)
  if (phase === undefined || phase === 'Suspended') return pend(context)
  return handlers[phase](context)
}

const handlers: Record<Phase, (context: Context) => Step> = {
  Pending: pending,
  Labeling: labeling,
  Profiling: profiling,
  Planning: planning,
  Retraining: retraining,
  Closing: closing,
  Suspended: resting,
  Completed: resting,
}

// ── rests ────────────────────────────────────────────────────────────────────

function suspend(context: Context): Step {
  const { status, site } = context
  const { index = 0, phase } = status.current ?? {}
  // A window that has begun is over by it: what it trained belongs to its record, and the next one has the next index.
  const begun = phase !== undefined && phase !== 'Pending' && phase !== 'Completed'
  return step(
    {
      ...status,
      ...(begun ? { history: closedWindow(status, site) } : {}),
      current: { index, phase: 'Suspended' },
      plan: context.planner.quick(site, false),
    },
    [
      {
        type: 'Normal',
        reason: 'Suspended',
        message: `window ${index} is suspended: inference goes on, nothing is retrained`,
      },
    ],
  )
}

function resting(context: Context): Step {
  return keepShares(context)
}

/** In phases that only serve: streams that came or went get their shares at once; else nothing changes. */
function keepShares(context: Context, labeling = false): Step {
  if (!streamsChanged(context)) return step(context.status)
  return step({ ...context.status, plan: context.planner.quick(context.site, labeling) })
}

// ── Pending ──────────────────────────────────────────────────────────────────

function pend(context: Context): Step {
  const { site, status } = context
  const last = status.history?.[0]?.index
  return step({
    ...status,
    current: {
      index: last === undefined ? (status.current?.index ?? 0) : last + 1,
      phase: 'Pending',
      startedAt: iso(site.now),
    },
    plan: context.planner.quick(site, false),
  })
}

function pending(context: Context): Step {
  const { site, status } = context
  const current = status.current!
  if (streamsChanged(context)) return step({ ...status, plan: context.planner.quick(site, false) }, [], 1000)
  const active = activeStreams(site)
  const waited = site.now - time(current.startedAt ?? iso(site.now))
  const serving = active.filter(s => s.inference?.ready === true)
  const settled = active.every(s => s.inference?.ready === true || s.inference?.error !== undefined)
  if (site.gpus.length === 0 || serving.length === 0 || (!settled && waited < pendingGraceMs))
    return step(status, [], 1000)
  return begin(context, status, current.index, site.now)
}

function begin(context: Context, status: RetrainingWindowStatus, index: number, startMs: number): Step {
  const learns = index > 0
  const current = {
    index,
    phase: 'Labeling' as const,
    startedAt: iso(startMs),
    endsAt: iso(startMs + context.durationMs),
  }
  const window = { ...context.site.window, status: { ...status, current } }
  return step(
    { ...status, current, plan: context.planner.quick({ ...context.site, window }, learns) },
    [{ type: 'Normal', reason: 'WindowStarted', message: `window ${index} began` }],
    1000,
  )
}

// ── Labeling, Profiling ──────────────────────────────────────────────────────

function labeling(context: Context): Step {
  const { site, status } = context
  const current = status.current!
  if (current.index === 0) return step({ ...status, current: { ...current, phase: 'Planning' } })
  if (over(context)) return step({ ...status, current: { ...current, phase: 'Closing' } })
  const labelled = activeStreams(site).every(s => {
    const answer = s.profile?.status
    return (
      s.profile?.finished === true ||
      (answer?.role === 'profile' && ['profiling', 'done', 'failed'].includes(answer.phase))
    )
  })
  if (labelled || pastProfilingDeadline(context))
    return step({ ...status, current: { ...current, phase: 'Profiling' } })
  return { ...keepShares(context, true), wakeAfterMs: 1000 }
}

function profiling(context: Context): Step {
  const { site, status } = context
  const current = status.current!
  const unfinished = activeStreams(site).filter(s => s.profile?.finished !== true)
  if (unfinished.length > 0 && !pastProfilingDeadline(context))
    return { ...keepShares(context, true), wakeAfterMs: 1000 }
  const history = withMeasurements(status.history ?? [], current.index - 1, site)
  const notes: Note[] = [
    ...unfinished.map(s => ({
      type: 'Warning' as const,
      reason: 'ProfilingLate',
      message: `profiling of window ${current.index} did not end in ${Math.round(profilingDeadline * 100)} % of the window: no retraining in it`,
      stream: s.name,
    })),
    ...site.streams.flatMap(s => profilingFailure(s, current.index)),
  ]
  const done = site.window.spec.repeat === 'Once' && current.index >= 2
  if (done)
    return step(
      {
        ...status,
        history,
        current: { index: current.index, phase: 'Completed' },
        plan: context.planner.quick(site, false),
      },
      [...notes, { type: 'Normal', reason: 'Completed', message: 'the one retraining window is over' }],
    )
  return step({ ...status, history, current: { ...current, phase: 'Planning' } }, notes)
}

function profilingFailure(stream: StreamSnapshot, index: number): Note[] {
  const why = stream.profile?.failure ?? profileResult(stream)?.error?.message
  return why === undefined
    ? []
    : [
        {
          type: 'Warning',
          reason: 'ProfilingFailed',
          message: `window ${index}: ${why}`,
          stream: stream.name,
        },
      ]
}

function pastProfilingDeadline(context: Context): boolean {
  return context.site.now - time(context.status.current?.startedAt) > profilingDeadline * context.durationMs
}

// ── Planning, Retraining ─────────────────────────────────────────────────────

function planning(context: Context): Step {
  const { status, site } = context
  const { plan, failed } = attempt(context, () => context.planner.plan(site))
  if (plan === undefined)
    return step(
      {
        ...status,
        plan: { ...context.planner.quick(site, false), warnings: [failed.message] },
        current: { ...status.current!, phase: 'Retraining' },
      },
      [failed],
      1000,
    )
  const note: Note = {
    type: 'Normal',
    reason: 'Planned',
    message: `window ${plan.window}: ${plan.items.filter(trains).length} of ${plan.items.length} streams retrain (${plan.policy})`,
  }
  const warnings = (plan.warnings ?? []).map(message => ({
    type: 'Warning' as const,
    reason: 'PlanWarning',
    message,
  }))
  return step(
    { ...status, plan, current: { ...status.current!, phase: 'Retraining' } },
    [note, ...warnings],
    1000,
  )
}

function retraining(context: Context): Step {
  const { status, site } = context
  const current = status.current!
  if (status.plan === undefined) return step({ ...status, current: { ...current, phase: 'Closing' } })
  const lost = faulted(context)
  if (lost !== undefined) return lost
  // First of all: what has a pod is under way, whatever is planned again because of another one's end.
  const started = markStarted(context)
  if (started !== undefined) return started
  // Also what ended at the last moment, or while no operator looked, is taken.
  const ended = endings(context)
  if (ended !== undefined) return ended
  if (over(context)) return cutOff(context) ?? step({ ...status, current: { ...current, phase: 'Closing' } })
  const changed = streamsChanged(context)
  const why = changed
    ? `window ${current.index}: the streams or GPUs of the site changed`
    : (askedSince(context) ?? lateTraining(context) ?? surprisingTraining(context))
  if (why !== undefined) {
    const { plan, failed } = attempt(context, () => context.planner.replan(site))
    if (plan === undefined && !changed) return step(status, [failed], replanEveryMs)
    if (plan === undefined) {
      // Whoever came is served all the same.
      const patch = context.planner.patch(site)
      const warnings = [failed.message, ...(patch.warnings ?? [])]
      return step({ ...status, plan: { ...patch, warnings } }, [failed], 1000)
    }
    return step({ ...status, plan }, [{ type: 'Normal', reason: 'Replanned', message: why }])
  }
  return step(status, [], Math.max(50, Math.min(1000, time(current.endsAt) - site.now)))
}

type Attempt =
  | { readonly plan: PlanStatus; readonly failed?: undefined }
  | { readonly plan?: undefined; readonly failed: Note }

/** A policy that refuses what it is asked is reported; the window goes on without it. */
function attempt({ site, status }: Context, plan: () => PlanStatus): Attempt {
  try {
    return { plan: plan() }
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error
    const { policy } = site.window.spec.scheduler
    const message = `window ${status.current?.index}: policy ${policy} made no plan: ${error.message}`
    return { failed: { type: 'Warning', reason: 'PlanFailed', message } }
  }
}

// ── Closing ──────────────────────────────────────────────────────────────────

function closing(context: Context): Step {
  const { site, status } = context
  const current = status.current!
  const history = closedWindow(status, site)
  const end = time(current.endsAt)
  const start = site.now - end < context.durationMs ? end : site.now
  return begin(context, { ...status, history }, current.index + 1, start)
}

function streamsChanged({ site, status }: Context): boolean {
  if (isToMove(site)) return true
  const planned = new Map((status.plan?.items ?? []).map(i => [i.stream, i]))
  const active = site.gpus.length === 0 ? [] : activeStreams(site)
  return (
    planned.size !== active.length ||
    active.some(s => !planned.has(s.name)) ||
    active.some(s => {
      const item = planned.get(s.name)!
      return (
        !site.gpus.some(g => g.node === item.node && g.gpu === item.gpu) ||
        !allowedNodes(site.gpus, s.stream).includes(item.node)
      )
    })
  )
}
