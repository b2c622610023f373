/**
 * Snapshot → problem → policy → plan as it stands in status. Pure but for the injected stopwatch.
 *
 * What is known of a stream comes from its profile pod's result; before there is one (window 0, a stream that just came) only its cost
 * per frame is known, from its inference pod, and nothing is retrained.
 */
import { parseDuration } from '../../api/duration.ts'
import type { InferenceStatus, ProfileResult } from '../../api/worker.ts'
import type { SiteSnapshot, StreamSnapshot } from '../../cluster/snapshot.ts'
import { profileResult } from '../../cluster/snapshot.ts'
import { estimate } from '../../profiler/estimator.ts'
import { handOn } from '../../scheduler/hand-on.ts'
import { inferenceOption } from '../../scheduler/inference-profile.ts'
import { bestInference, demandShare } from '../../scheduler/inference-quality.ts'
import type { Plan } from '../../scheduler/plan.ts'
import { policy as policyNamed } from '../../scheduler/policies/registry.ts'
import type { InferenceOption, Problem, RetrainingOption, StreamProblem } from '../../scheduler/problem.ts'
import { quickSchedule } from '../../scheduler/quick-schedule.ts'
import { worthTraining } from '../../scheduler/skip-reasons.ts'
import type { PlanItem, PlanStatus } from '../plan-status.ts'
import { activeStreams, type Planner, trains } from './phases.ts'

/** Fewer golden labels than this are not trained on. */
const minimumLabels = 20

export interface PlannerHooks {
  /** How long a policy took. */
  onScheduled?(policy: string, seconds: number): void
}

/** @param monotonicMs a stopwatch for the duration metric alone; no decision depends on it. */
export function createPlanner(monotonicMs: () => number, hooks: PlannerHooks = {}): Planner {
  const solve = (site: SiteSnapshot): Plan => {
    const { policy, options } = site.window.spec.scheduler
    const started = monotonicMs()
    const plan = policyNamed(policy)(siteProblem(site), options)
    hooks.onScheduled?.(policy, (monotonicMs() - started) / 1000)
    return plan
  }
  return {
    quick,
    plan: site => planStatus(site, solve(site)),
    replan: site => merged(site, planStatus(site, solve(site))),
    handOn: handedOn,
  }
}

function quick(site: SiteSnapshot, labeling: boolean): PlanStatus {
  const { scheduler, labeling: asked } = site.window.spec
  const previous = site.window.status?.plan
  const schedule = quickSchedule({
    step: scheduler.step,
    gpus: site.gpus,
    streams: activeStreams(site).map(stream => ({
      name: stream.name,
      weight: stream.stream.spec.weight,
      inference: inferenceOptions(stream),
      current: place(previous?.items.find(i => i.stream === stream.name)),
    })),
    reserve: labeling ? asked.share : 0,
  })
  return {
    window: site.window.status?.current?.index ?? 0,
    decidedAt: stamp(site.now),
    policy: 'quick',
    items: schedule.items.map(item => ({
      stream: item.stream,
      node: item.node,
      gpu: item.gpu,
      inferenceShare: item.inferenceShare,
      inferenceConfiguration: item.inferenceConfiguration,
      trainingShare: 0,
      state: 'None',
      reason: labeling ? 'quick schedule while the last window is labelled and profiled' : 'quick schedule',
    })),
    ...(schedule.warnings.length === 0 ? {} : { warnings: schedule.warnings }),
  }
}

/** The whole site as a scheduling problem. */
export function siteProblem(site: SiteSnapshot): Problem {
  const { current, plan } = site.window.status ?? {}
  const windowSeconds = parseDuration(site.window.spec.duration)
  const end = current?.endsAt === undefined ? site.now + windowSeconds * 1000 : Date.parse(current.endsAt)
  const remainingSeconds = Math.min(windowSeconds, Math.max(1, (end - site.now) / 1000))
  return {
    remainingSeconds,
    windowSeconds: Math.max(windowSeconds, remainingSeconds),
    step: site.window.spec.scheduler.step,
    gpus: site.gpus.map(({ node, gpu }) => ({ node, gpu })),
    streams: activeStreams(site).map(stream =>
      streamProblem(
        site,
        stream,
        plan?.items.find(i => i.stream === stream.name),
        remainingSeconds,
      ),
    ),
  }
}

function streamProblem(
  site: SiteSnapshot,
  stream: StreamSnapshot,
  item: PlanItem | undefined,
  remainingSeconds: number,
): StreamProblem {
  const { spec } = stream.stream
  const result = profileResult(stream)
  const accuracyNow = result?.accuracy?.current ?? null
  const inference = inferenceOptions(stream)
  const share = item?.inferenceShare ?? 0
  const base = {
    name: stream.name,
    weight: spec.weight,
    minAccuracy: spec.minAccuracy,
    accuracyNow,
    accuracySoFar: accuracyNow === null ? null : accuracyNow * bestInference(inference, share).factor,
    inference,
    ...(item === undefined ? {} : { current: place(item) }),
  }
  if (item !== undefined && item.state === 'Training')
    return { ...base, retraining: [], running: running(site, stream, item) }
  const worth = worthTraining({
    suspended: false,
    ...(item === undefined || item.state === 'None' || item.state === 'Planned'
      ? {}
      : { trained: item.reason ?? item.state }),
    ...failure(stream, result),
    labelled: result?.labelled ?? null,
    minimumLabels,
    accuracyNow,
    options: result === undefined ? [] : estimates(site, result),
    minGain: site.window.spec.retraining.minGain,
    remainingSeconds,
  })
  return {
    ...base,
    retraining: worth.options,
    ...(worth.skip === undefined ? {} : { noRetrainingBecause: worth.skip.reason }),
  }
}

function failure(stream: StreamSnapshot, result: ProfileResult | undefined): { profilingFailure?: string } {
  const why = stream.profile?.failure ?? result?.error?.message
  return why === undefined ? {} : { profilingFailure: why }
}

function estimates(site: SiteSnapshot, result: ProfileResult): readonly RetrainingOption[] {
  if (result.accuracy === undefined) return []
  return estimate({
    profiles: result.profiles,
    configurations: site.window.spec.retraining.configurations,
    accuracy: result.accuracy,
  })
}

/** The training that runs, with what it still needs by its own account and what was estimated of it at full share. */
function running(site: SiteSnapshot, stream: StreamSnapshot, item: PlanItem): RetrainingOption {
  const configuration = item.retrainingConfiguration!
  const result = profileResult(stream)
  const estimated =
    result === undefined
      ? undefined
      : estimates(site, result).find(option => option.configuration === configuration)
  return {
    configuration,
    accuracyAfter: estimated?.accuracyAfter ?? item.predictedAfter ?? 0,
    gpuSeconds: stream.training?.status?.remainingGpuSeconds ?? item.gpuSeconds ?? 0,
  }
}

function inferenceOptions(stream: StreamSnapshot): readonly InferenceOption[] {
  const { spec } = stream.stream
  const result = profileResult(stream)
  const live = (stream.inference?.status as InferenceStatus | undefined)?.gpuSecondsPerFrame ?? null
  return spec.inference.configurations.map(configuration =>
    inferenceOption({
      configuration,
      frameRate: spec.frameRate,
      gpuSecondsPerFrame: live ?? result?.gpuSecondsPerFrame ?? null,
      ...(result?.coherence === undefined ? {} : { coherence: result.coherence }),
      accuracy: result?.accuracy?.current ?? null,
      classes: spec.classes.length,
    }),
  )
}

function place(item: PlanItem | undefined): StreamProblem['current'] {
  if (item === undefined) return undefined
  const { node, gpu, inferenceShare, trainingShare } = item
  return { node, gpu, inferenceShare, trainingShare }
}

// ── plan → status ────────────────────────────────────────────────────────────

function planStatus(site: SiteSnapshot, plan: Plan): PlanStatus {
  const at = (seconds: number | null) => (seconds === null ? undefined : stamp(site.now + seconds * 1000))
  return {
    window: site.window.status?.current?.index ?? 0,
    decidedAt: stamp(site.now),
    policy: plan.policy,
    ...(plan.predictedAccuracy === null ? {} : { predictedAccuracy: round(plan.predictedAccuracy) }),
    ...(plan.warnings.length === 0 ? {} : { warnings: plan.warnings }),
    items: plan.items.map(item =>
      defined({
        stream: item.stream,
        node: item.node,
        gpu: item.gpu,
        inferenceShare: item.inferenceShare,
        inferenceConfiguration: item.inferenceConfiguration,
        trainingShare: item.trainingShare,
        plannedTrainingShare: item.trainingShare,
        retrainingConfiguration: item.retrainingConfiguration ?? undefined,
        predictedBefore: rounded(item.predictedBefore),
        predictedAfter: rounded(item.predictedAfter),
        predictedWindow: rounded(item.predictedWindow),
        gpuSeconds: Number(item.gpuSeconds.toFixed(2)),
        startsAt: at(item.startsAtSeconds),
        completesAt: at(item.completesAtSeconds),
        state:
          item.retrainingConfiguration === null || item.trainingShare <= 0
            ? ('None' as const)
            : ('Planned' as const),
        reason: item.reason,
      }),
    ),
  }
}

/** A later plan for the rest of the window: trainings and outcomes that are there stay, and so does what was promised at first. */
function merged(site: SiteSnapshot, next: PlanStatus): PlanStatus {
  const before = site.window.status?.plan
  if (before === undefined) return next
  const items = next.items.map((item): PlanItem => {
    const was = before.items.find(i => i.stream === item.stream)
    if (was === undefined) return item
    const promised = { predictedWindow: was.predictedWindow ?? item.predictedWindow }
    if (was.state === 'None' || was.state === 'Planned') return defined({ ...item, ...promised })
    const shares = {
      node: item.node,
      gpu: item.gpu,
      inferenceShare: item.inferenceShare,
      inferenceConfiguration: item.inferenceConfiguration,
    }
    if (was.state !== 'Training') return { ...was, ...shares, trainingShare: 0 }
    if (item.retrainingConfiguration === undefined || item.trainingShare <= 0)
      return { ...was, ...shares, trainingShare: 0, state: 'Unfinished', reason: item.reason }
    return defined({
      ...was,
      ...shares,
      ...promised,
      trainingShare: item.trainingShare,
      completesAt: item.completesAt,
    })
  })
  return {
    ...next,
    items,
    ...(before.predictedAccuracy === undefined ? {} : { predictedAccuracy: before.predictedAccuracy }),
  }
}

function handedOn(site: SiteSnapshot, plan: PlanStatus, ended: string): PlanStatus {
  const allocations = plan.items.map(item => {
    const stream = site.streams.find(s => s.name === item.stream)
    return {
      stream: item.stream,
      node: item.node,
      gpu: item.gpu,
      inferenceShare: item.inferenceShare,
      trainingShare: trains(item) ? item.trainingShare : 0,
      inferenceDemand: stream === undefined ? 0 : demandShare(inferenceOptions(stream)),
    }
  })
  const next = handOn(allocations, ended, site.window.spec.scheduler.step)
  return {
    ...plan,
    items: plan.items.map((item, i) => {
      const { inferenceShare, trainingShare } = next[i]!
      const stream = site.streams.find(s => s.name === item.stream)
      const inferenceConfiguration =
        stream === undefined
          ? item.inferenceConfiguration
          : bestInference(inferenceOptions(stream), inferenceShare).configuration
      return { ...item, inferenceShare, trainingShare, inferenceConfiguration }
    }),
  }
}

function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}

const stamp = (ms: number): string => new Date(ms).toISOString()
const round = (value: number): number => Number(value.toFixed(4))
const rounded = (value: number | null): number | undefined => (value === null ? undefined : round(value))
