/**
 * The trainings of a window that runs: which have begun, which ended and what becomes of their models, which will be late, and which the
 * end of the window cuts off. Pure; each answers with the status to write, or nothing.
 */
import type { CameraStream } from '../../api/generated/types.ts'
import { cutOffNode, type LostNode } from '../../cluster/lost-nodes.ts'
import {
  type PodSnapshot,
  type SiteSnapshot,
  trainingResult,
  wasInterrupted,
} from '../../cluster/snapshot.ts'
import { completionSeconds } from '../../scheduler/training-speed.ts'
import {
  beginsAgain,
  hasEndedWell,
  type PlanItem,
  rolledBackSince,
  startedFromSpec,
  trains,
} from '../plan-status.ts'
import { gate } from './gate.ts'
import { expectedAfter } from './site-problem.ts'
import { type Context, iso, type Step, step, time } from './step.ts'
import { stuckFor } from './stuck-training.ts'

/** A training that will end this much of the window later than planned makes the rest be planned again. */
const divergence = 0.15
export const replanEveryMs = 10_000

/** The first training that ended, is lost or stands still without its outcome being written: gate it and hand its share on. */
export function endings(context: Context): Step | undefined {
  const { site, status, planner } = context
  const plan = status.plan!
  for (const item of plan.items) {
    if (!trains(item)) continue
    const stream = site.streams.find(s => s.name === item.stream)
    const pod = stream?.training
    const again = item.state === 'Training' && (item.faults ?? 0) > 0 && !hasEndedWell(pod)
    const fault = again ? faultOf(site, item) : undefined
    const node = pod === undefined || pod.finished ? undefined : cutOffNode(site, pod)
    const lost =
      fault !== undefined || (item.state === 'Training' && (pod === undefined || node !== undefined))
    const stuck =
      item.state === 'Training' && pod?.finished === false
        ? stuckFor(item, pod, site.training.throughputCurve)
        : undefined
    const hasEnded = pod?.finished === true && !wasInterrupted(pod) && !beginsAgain(item, pod)
    if (!lost && stuck === undefined && !hasEnded) continue
    const replaced = stream === undefined ? undefined : replacement(item, stream.stream)
    const result =
      stream === undefined || replaced !== undefined || fault !== undefined
        ? undefined
        : trainingResult(stream)
    const outcome = gate(item, result, {
      minGain: site.window.spec.retraining.minGain,
      failure:
        replaced ??
        (fault && `its GPU has a fault again: ${fault}`) ??
        (lost ? whyLost(node) : (stuck ?? pod?.failure)),
      gpuSeconds: pod?.status?.gpuSeconds,
    })
    const closed: PlanItem = { ...item, ...outcome, trainingShare: 0, completesAt: iso(site.now) }
    const items = plan.items.map(i => (i === item ? closed : i))
    const handed = planner.handOn(site, { ...plan, items }, item.stream)
    return step({ ...status, plan: handed }, [
      {
        type: outcome.state === 'Failed' ? 'Warning' : 'Normal',
        reason:
          outcome.state === 'Accepted'
            ? 'ModelAccepted'
            : outcome.state === 'Rejected'
              ? 'ModelRejected'
              : 'RetrainingFailed',
        message: outcome.reason,
        stream: item.stream,
      },
    ])
  }
  return undefined
}

const whyLost = (node: LostNode | undefined): string =>
  node === undefined
    ? 'the training pod is gone'
    : `the training pod is lost with its node ${node.node}: ${node.problem}`

/** Why a GPU's clients have to go; undefined: it serves. */
const faultOf = ({ gpus }: SiteSnapshot, { node, gpu }: PlanItem): string | undefined =>
  gpus.find(each => each.node === node && each.gpu === gpu)?.fault

/**
 * Trainings that a fault of their GPU takes down wait for it to serve, and begin again from their checkpoint. Once: one of them may be what
 * faults. Until that is written nothing ends them, so that an operator that is killed meanwhile does not take them for lost.
 */
export function faulted({ site, status }: Context): Step | undefined {
  const plan = status.plan!
  const again = new Map(
    plan.items.flatMap(item => {
      const fault = faultOf(site, item)
      const pod = site.streams.find(s => s.name === item.stream)?.training
      const once = item.state === 'Training' && (item.faults ?? 0) === 0
      return once && fault !== undefined && !hasEndedWell(pod) ? [[item, fault] as const] : []
    }),
  )
  if (again.size === 0) return undefined
  const items = plan.items.map(item =>
    again.has(item) ? { ...item, state: 'Planned' as const, faults: 1 } : item,
  )
  return step(
    { ...status, plan: { ...plan, items } },
    [...again].map(([{ stream, retrainingConfiguration, node, gpu }, fault]) => ({
      type: 'Warning',
      reason: 'GpuFault',
      message: `${retrainingConfiguration} begins again from its checkpoint when GPU ${node}/${gpu} serves: ${fault}`,
      stream,
    })),
  )
}

/** Why a training's model is not the successor of the one to be served; undefined: it is. */
function replacement(item: PlanItem, stream: CameraStream): string | undefined {
  if (!startedFromSpec(item, stream)) return 'spec.model.uri names another model since'
  return rolledBackSince(item, stream) ? 'the stream was rolled back to an earlier model since' : undefined
}

export function markStarted(context: Context): Step | undefined {
  const { site, status } = context
  const began = status.plan!.items.filter(
    i =>
      i.state === 'Planned' &&
      trains(i) &&
      (i.trainingShare ?? 0) > 0 &&
      faultOf(site, i) === undefined &&
      site.streams.some(s => s.name === i.stream && s.training !== undefined && !beginsAgain(i, s.training)),
  )
  if (began.length === 0) return undefined
  const items = status.plan!.items.map(i =>
    began.includes(i) ? { ...i, state: 'Training' as const, startsAt: iso(site.now) } : i,
  )
  return step(
    { ...status, plan: { ...status.plan!, items } },
    began.map(i => ({
      type: 'Normal' as const,
      reason: 'RetrainingStarted',
      message: i.reason ?? '',
      stream: i.stream,
    })),
  )
}

/**
 * Says which training will miss its planned end by far, when there is still something to be decided about it. One that tells nothing of
 * itself is given until that end, and then taken to have all before it.
 */
export function lateTraining(context: Context): string | undefined {
  const { site, status } = context
  const plan = status.plan!
  if (plan.decidedAt !== undefined && site.now - time(plan.decidedAt) < replanEveryMs) return undefined
  const endsAt = time(status.current!.endsAt)
  for (const item of plan.items) {
    const answer = site.streams.find(s => s.name === item.stream)?.training?.status
    const share = item.trainingShare ?? 0
    if (!trains(item) || share <= 0 || item.completesAt === undefined) continue
    const silent = site.now > time(item.completesAt) ? item.gpuSeconds : undefined
    const remaining = answer?.remainingGpuSeconds ?? silent
    if (remaining === undefined) continue
    const expected = site.now + completionSeconds(remaining, share, site.training.throughputCurve) * 1000
    const slip = expected - time(item.completesAt)
    if (slip > divergence * context.durationMs && time(item.completesAt) <= endsAt)
      return `window ${status.current!.index}: ${item.retrainingConfiguration} of ${item.stream} will end ${Math.round(slip / 1000)} s later than planned`
  }
  return undefined
}

/**
 * Says whose first epochs show that it will come to another accuracy than the plan reckons with, by more than `replanThreshold`. The plan
 * that follows reckons with what they show, so that the same news does not make another one.
 */
export function surprisingTraining({ site, status }: Context): string | undefined {
  const plan = status.plan!
  if (site.now - time(plan.decidedAt) < replanEveryMs) return undefined
  const { replanThreshold } = site.window.spec.microProfiler
  for (const item of plan.items) {
    const stream = site.streams.find(s => s.name === item.stream)
    const reckoned = item.expectedAfter ?? item.estimate?.accuracyAfter
    if (stream === undefined || reckoned === undefined) continue
    if (item.state !== 'Training' || (item.trainingShare ?? 0) <= 0) continue
    const expected = expectedAfter(site, stream, item)
    if (expected !== undefined && Math.abs(expected - reckoned) > replanThreshold)
      return `window ${status.current!.index}: ${item.retrainingConfiguration} of ${item.stream} is expected to reach ${percent(expected)} %, not ${percent(reckoned)} %`
  }
  return undefined
}

const percent = (ratio: number): string => (100 * ratio).toFixed(1)

/** Trainings that the end of the window cuts off; undefined: none. */
export function cutOff({ site, status }: Context): Step | undefined {
  const plan = status.plan!
  if (!plan.items.some(trains)) return undefined
  const items = plan.items.map((item): PlanItem => {
    if (!trains(item)) return item
    const training = site.streams.find(s => s.name === item.stream)?.training
    if (training === undefined && item.state === 'Planned' && (item.faults ?? 0) === 0)
      return neverBegan(item)
    const progress = training?.status?.progress
    const spent = { trainingShare: 0, gpuSeconds: training === undefined ? 0 : spentBy(training) }
    const reason = `${item.retrainingConfiguration} was not done when the window ended${progress === undefined ? '' : ` (${Math.round(progress * 100)} %)`}; the model in use stays`
    return { ...item, ...spent, state: 'Unfinished', reason }
  })
  const cut = items.filter((item, i) => item !== plan.items[i] && item.state === 'Unfinished')
  return step(
    { ...status, plan: { ...plan, items } },
    cut.map(({ stream, reason = '' }) => ({
      type: 'Warning',
      reason: 'RetrainingFailed',
      message: reason,
      stream,
    })),
  )
}

/** By its own account, also where it had just ended for another pod to go on. */
function spentBy({ status, result }: PodSnapshot): number {
  if (status?.role === 'training') return status.gpuSeconds
  return result?.kind === 'training' ? result.gpuSeconds : 0
}

/** It waited for its turn, or its pod could not be made: nothing was trained. */
function neverBegan({ retrainingConfiguration, estimate: _, ...item }: PlanItem): PlanItem {
  return {
    ...item,
    trainingShare: 0,
    gpuSeconds: 0,
    state: 'None',
    reason: `no retraining: the window ended before ${retrainingConfiguration} could begin`,
  }
}
