/** Problem → policy → plan as it stands in status. Pure. */
import { activeStreams, type SiteSnapshot, stepOf } from '../../cluster/snapshot.ts'
import type { PredictPresent } from '../../profiler/pooled/present-windows.ts'
import { windowPromise } from '../../profiler/window-promise.ts'
import { SchedulerError } from '../../scheduler/errors.ts'
import { bestInference, demandShare } from '../../scheduler/inference/inference-quality.ts'
import { type QuickProblem, quickSchedule } from '../../scheduler/inference/quick-schedule.ts'
import { checkConfigurations, type OptionRules } from '../../scheduler/option-rules.ts'
import type { Plan } from '../../scheduler/plan.ts'
import { policies } from '../../scheduler/policies/registry.ts'
import { defaultDecisions, type Policy } from '../../scheduler/policy.ts'
import type { Problem } from '../../scheduler/problem.ts'
import { trainingSpeed } from '../../scheduler/training-speed.ts'
import { type PlanItem, type PlanStatus, trains } from '../plan-status.ts'
import type { PlanRequest } from '../planning/request.ts'
import { holding, placeableGpus, worthwhileNodes } from './gpu-places.ts'
import { isAskedFor, underRequests } from './requests.ts'
import { accuracyNow, inferenceOptions, siteProblem } from './site-problem.ts'
import { iso, type Planner } from './step.ts'

/**
 * How a plan is come by: the question, and what the policy says.
 *
 * @param prepare makes the question, which takes long for a large site; not called where the answer is known already. It is given the
 *   pooled model, for estimates.
 */
export type Ask = (prepare: (predict: PredictPresent) => PlanRequest) => {
  readonly request: PlanRequest
  readonly plan: Plan
}

/** @throws whatever `ask` does. */
export function createPlanner(ask: Ask): Planner {
  const solve = (site: SiteSnapshot): PlanStatus => {
    const { policy, options } = site.window.spec.scheduler
    const known = site.window.spec.retraining.configurations.map(({ name }) => name)
    checkConfigurations(policy, options, optionRules(policy), known)
    const { request, plan } = ask(predict => ({ policy, problem: siteProblem(site, predict), options }))
    return planStatus(site, request.problem, plan)
  }
  const planner: Planner = {
    quick,
    plan: solve,
    replan: site => merged(site, solve(site)),
    patch: patched,
    handOn: (site, plan, ended) => {
      // Who waits for this end has its place in the rest of the plan, and that is best made of what is known by now.
      const { status } = site.window
      const isOver = site.now >= Date.parse(status?.current?.endsAt ?? '')
      if (isOver || !plan.items.some(waits)) return handedOn(site, plan, ended)
      const now = { ...site, window: { ...site.window, status: { ...status, plan } } }
      try {
        return merged(now, solve(now))
      } catch (error) {
        // An ending must be written whatever becomes of the policy.
        if (!(error instanceof SchedulerError)) throw error
        return handedOn(site, plan, ended)
      }
    },
  }
  return {
    quick: (site, labeling) => holdable(site, planner.quick(site, labeling)),
    plan: site => holdable(site, planner.plan(site)),
    replan: site => holdable(site, planner.replan(site)),
    patch: site => holdable(site, planner.patch(site)),
    handOn: (site, plan, ended) => holdable(site, planner.handOn(site, plan, ended)),
  }
}

/** Policies know that more than a pod can hold is worth nothing, and may give it all the same where nobody else needs it. */
function holdable({ gpus }: SiteSnapshot, plan: PlanStatus): PlanStatus {
  if (gpus.every(({ largestShare }) => largestShare === undefined)) return plan
  const items = plan.items.map((item): PlanItem => {
    const { largestShare = 1 } = gpus.find(({ node, gpu }) => node === item.node && gpu === item.gpu) ?? {}
    const { inferenceShare, trainingShare, plannedTrainingShare } = item
    return {
      ...item,
      inferenceShare: Math.min(inferenceShare, largestShare),
      trainingShare: Math.min(trainingShare, largestShare),
      ...(plannedTrainingShare === undefined
        ? {}
        : { plannedTrainingShare: Math.min(plannedTrainingShare, largestShare) }),
    }
  })
  return { ...plan, items }
}

const optionRules = (policy: string): OptionRules =>
  Object.hasOwn(policies, policy) ? policies[policy]!.options : {}

/** Serving and handing on must not wait for a policy that is known. */
function decisions(site: SiteSnapshot): Pick<Policy, 'inferenceSchedule' | 'handOn'> {
  const { policy } = site.window.spec.scheduler
  return Object.hasOwn(policies, policy) ? policies[policy]! : defaultDecisions
}

/** A training that a policy plans to begin later in the window. */
const waits = (item: PlanItem): boolean => item.state === 'Planned' && (item.trainingShare ?? 0) <= 0

function quickProblem(site: SiteSnapshot): QuickProblem {
  const previous = site.window.status?.plan
  return {
    step: stepOf(site),
    gpus: placeableGpus(site),
    streams: activeStreams(site).map(stream => {
      const current = holding(
        site,
        previous?.items.find(i => i.stream === stream.name),
      )
      const inference = inferenceOptions(site, stream, current)
      return {
        name: stream.name,
        weight: stream.stream.spec.weight,
        inference,
        nodes: worthwhileNodes(site, stream, inference, current),
        current,
      }
    }),
    reserve: 0,
  }
}

function quick(site: SiteSnapshot, labeling: boolean): PlanStatus {
  const schedule = decisions(site).inferenceSchedule({
    ...quickProblem(site),
    reserve: labeling ? site.window.spec.labeling.share : 0,
  })
  return {
    window: site.window.status?.current?.index ?? 0,
    decidedAt: iso(site.now),
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

function patched(site: SiteSnapshot): PlanStatus {
  const before = site.window.status?.plan ?? quick(site, false)
  const { items, warnings } = quickSchedule({ ...quickProblem(site), keepsTrainings: true })
  return {
    ...before,
    warnings: [...new Set([...(before.warnings ?? []), ...warnings])],
    items: items.map(({ trainingShare, ...given }): PlanItem => {
      const was = before.items.find(i => i.stream === given.stream)
      if (was === undefined)
        return {
          ...given,
          trainingShare: 0,
          state: 'None',
          reason: 'no retraining: the stream came in the middle of the window',
        }
      const held = was.trainingShare ?? 0
      if (!trains(was) || held <= 0) return { ...was, ...given }
      if (trainingShare > 0)
        return defined({
          ...{ ...was, ...given, trainingShare },
          completesAt:
            was.completesAt && rescaled(was.completesAt, slowdown(site, held, trainingShare), site.now),
        })
      return {
        ...{ ...was, ...given, trainingShare: 0 },
        gpuSeconds: spent(site, was.stream),
        state: 'Unfinished',
        reason: `${was.retrainingConfiguration} was given up: there is no share left for it; the model in use stays`,
      }
    }),
  }
}

/** Scenes change, and so do the reasons for which windows come to less than planned. */
const windowsLookedBackOn = 8

/** What the window will come to: as the policy computes it, and by what this site's windows have taught of such promises. */
function promisedOf(site: SiteSnapshot, problem: Problem, plan: Plan) {
  const past = (site.window.status?.history ?? [])
    .slice(0, windowsLookedBackOn)
    .flatMap(({ streams = [] }) =>
      streams.flatMap(({ predicted, realised }) =>
        predicted === undefined || realised === undefined ? [] : [{ predicted, realised }],
      ),
    )
  const streams = new Map(
    plan.items.flatMap(({ stream, predictedWindow }) => {
      const asked = site.streams.some(s => s.name === stream && isAskedFor(s.stream))
      if (predictedWindow === null || asked) return []
      return [[stream, windowPromise(predictedWindow, past)] as const]
    }),
  )
  const weights = problem.streams.filter(({ name }) => streams.has(name))
  const total = weights.reduce((sum, { weight }) => sum + weight, 0)
  const whole = weights.reduce((sum, { name, weight }) => sum + weight * streams.get(name)!, 0)
  return { streams, mean: total > 0 ? whole / total : null }
}

function planStatus(site: SiteSnapshot, problem: Problem, plan: Plan): PlanStatus {
  const promised = promisedOf(site, problem, plan)
  const warnings = [...plan.warnings, ...unequalGpus(site)]
  const at = (seconds: number | null) => (seconds === null ? undefined : iso(site.now + seconds * 1000))
  return {
    window: site.window.status?.current?.index ?? 0,
    decidedAt: iso(site.now),
    policy: plan.policy,
    ...(promised.mean === null ? {} : { predictedAccuracy: round(promised.mean) }),
    ...(warnings.length === 0 ? {} : { warnings }),
    items: plan.items.map(item =>
      asAsked(site, problem, {
        stream: item.stream,
        node: item.node,
        gpu: item.gpu,
        inferenceShare: item.inferenceShare,
        inferenceConfiguration: item.inferenceConfiguration,
        trainingShare: item.trainingShare,
        plannedTrainingShare: item.trainingShare,
        retrainingConfiguration: item.retrainingConfiguration ?? undefined,
        initialUri: site.streams.find(s => s.name === item.stream)?.stream.spec.model.uri,
        predictedBefore: rounded(item.predictedBefore),
        predictedAfter: rounded(item.predictedAfter),
        predictedWindow: rounded(promised.streams.get(item.stream) ?? null),
        gpuSeconds: Number(item.gpuSeconds.toFixed(2)),
        estimate: estimateOf(problem, item),
        startsAt: at(item.startsAtSeconds),
        completesAt: at(item.completesAtSeconds),
        state:
          item.retrainingConfiguration !== null && (item.trainingShare > 0 || (item.startsAtSeconds ?? 0) > 0)
            ? ('Planned' as const)
            : ('None' as const),
        reason: item.reason,
      }),
    ),
  }
}

/** What no plan reckons with. */
function unequalGpus({ gpus }: SiteSnapshot): readonly string[] {
  const kinds = [...new Set(gpus.flatMap(({ facts }) => facts?.model ?? []))].sort()
  return kinds.length < 2
    ? []
    : [
        `GPUs of several kinds (${kinds.join(', ')}) are planned as equally fast; a RetrainingWindow for each kind, by spec.gpus.nodeSelector, is planned by its own speed`,
      ]
}

/** With what people ask of the stream, and with the truth where the policy was told something else on their behalf. */
function asAsked(site: SiteSnapshot, problem: Problem, given: PlanItem): PlanItem {
  const item = defined(given)
  const stream = site.streams.find(s => s.name === item.stream)
  if (stream === undefined) return item
  const before = site.window.status?.plan?.items.find(i => i.stream === item.stream)
  const reckoned = problem.streams.find(s => s.name === item.stream)?.accuracyNow ?? null
  return underRequests(item, stream.stream, accuracyNow(stream, before), reckoned)
}

/** As it was told to the policy, which may believe something else. */
function estimateOf(
  { streams }: Problem,
  { stream, retrainingConfiguration }: Plan['items'][number],
): PlanItem['estimate'] {
  const { retraining = [], running } = streams.find(s => s.name === stream) ?? {}
  const option = [...retraining, ...(running ? [running] : [])].find(
    o => o.configuration === retrainingConfiguration,
  )
  return (
    option && { accuracyAfter: round(option.accuracyAfter), gpuSeconds: Number(option.gpuSeconds.toFixed(2)) }
  )
}

/** GPU-seconds that a training has used so far, by its own account. */
const spent = (site: SiteSnapshot, stream: string): number =>
  site.streams.find(s => s.name === stream)?.training?.status?.gpuSeconds ?? 0

/** A later plan for the rest of the window: trainings and outcomes that are there stay, and so does what was promised at first. */
function merged(site: SiteSnapshot, next: PlanStatus): PlanStatus {
  const before = site.window.status?.plan
  if (before === undefined) return next
  const items = next.items.map((item): PlanItem => {
    const was = before.items.find(i => i.stream === item.stream)
    if (was === undefined) return item
    const promised = { predictedWindow: was.predictedWindow ?? item.predictedWindow, faults: was.faults }
    if (was.state === 'None' || was.state === 'Planned') return defined({ ...item, ...promised })
    const shares = {
      node: item.node,
      gpu: item.gpu,
      inferenceShare: item.inferenceShare,
      inferenceConfiguration: item.inferenceConfiguration,
    }
    if (was.state !== 'Training') return { ...was, ...shares, trainingShare: 0 }
    if (item.retrainingConfiguration === undefined || item.trainingShare <= 0)
      return {
        ...was,
        ...shares,
        trainingShare: 0,
        gpuSeconds: spent(site, was.stream),
        state: 'Unfinished',
        reason: item.reason,
      }
    return defined({
      ...was,
      ...shares,
      ...promised,
      // What this plan was told of it, which its first epochs may have changed.
      expectedAfter: item.estimate?.accuracyAfter,
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
      inferenceDemand: stream === undefined ? 0 : demandShare(inferenceOptions(site, stream, item)),
    }
  })
  const next = decisions(site).handOn(allocations, ended, { step: stepOf(site) })
  return {
    ...plan,
    items: plan.items.map((item, i) => {
      const { inferenceShare, trainingShare } = next[i]!
      const was = item.trainingShare ?? 0
      const stream = site.streams.find(s => s.name === item.stream)
      const inferenceConfiguration =
        stream === undefined
          ? item.inferenceConfiguration
          : bestInference(inferenceOptions(site, stream, item), inferenceShare).configuration
      return {
        ...item,
        inferenceShare,
        trainingShare,
        inferenceConfiguration,
        ...(trainingShare > was && was > 0 && item.completesAt !== undefined
          ? { completesAt: rescaled(item.completesAt, slowdown(site, was, trainingShare), site.now) }
          : {}),
      }
    }),
  }
}

/** How many seconds on the next share do the work of one on the last. */
const slowdown = ({ training: { throughputCurve } }: SiteSnapshot, was: number, next: number): number =>
  trainingSpeed(was, throughputCurve) / trainingSpeed(next, throughputCurve)

/** The end of a training of which each second that is left takes so many. */
function rescaled(completesAt: string, factor: number, now: number): string {
  const left = Date.parse(completesAt) - now
  return left <= 0 ? completesAt : iso(now + left * factor)
}

function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}

const round = (value: number): number => Number(value.toFixed(4))
const rounded = (value: number | null): number | undefined => (value === null ? undefined : round(value))
