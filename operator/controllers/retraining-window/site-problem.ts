/**
 * Snapshot → scheduling problem: what each stream could gain and cost, as far as it is known. Pure.
 *
 * What is known of a stream comes from its profile pod's result and from the record of past windows; before there is one (window 0, a
 * stream that just came) only its cost per frame is known, from its inference pod, and nothing is retrained.
 */
import { parseDuration } from '../../api/duration.ts'
import type { InferenceStatus, ProfileResult } from '../../api/worker.ts'
import type { SiteSnapshot, StreamSnapshot } from '../../cluster/snapshot.ts'
import { activeStreams, allowedNodes, profileResult, stepOf } from '../../cluster/snapshot.ts'
import { accuracyCap, estimate, expectedCost, mapScale, type PastTraining } from '../../profiler/estimator.ts'
import type { WindowRecord } from '../../profiler/pooled/outcome-model.ts'
import { type PredictPresent, predictPresent } from '../../profiler/pooled/present-windows.ts'
import {
  type FreshAccuracy,
  freshWeight,
  type MeasuredAccuracy,
  presentAccuracy,
} from '../../profiler/present-accuracy.ts'
import { revisedAccuracy } from '../../profiler/revision.ts'
import { cappedInference, inferenceOption } from '../../scheduler/inference/inference-profile.ts'
import { bestInference } from '../../scheduler/inference/inference-quality.ts'
import { currentGpu } from '../../scheduler/placement.ts'
import type {
  Gpu,
  InferenceOption,
  Problem,
  RetrainingOption,
  StreamProblem,
  TrainingOutcome,
} from '../../scheduler/problem.ts'
import { worthTraining } from '../../scheduler/skip-reasons.ts'
import type { PlanItem } from '../plan-status.ts'
import { holding, placeableGpus, worthwhileNodes } from './gpu-places.ts'
import { profilingDeadline } from './profiling-time.ts'
import { isAskedFor, pressed } from './requests.ts'
import { lastKnownCosts, windowRecords } from './site-record.ts'

/** A stream that moves is served by nobody until its new pod is ready. */
const moveSeconds = 5

/** Fewer golden labels than this are not trained on. */
const minimumLabels = 20

/** The whole site as a scheduling problem. @param predict the pooled model, which others may run elsewhere. */
export function siteProblem(site: SiteSnapshot, predict: PredictPresent = predictPresent): Problem {
  const { current, plan } = site.window.status ?? {}
  const windowSeconds = parseDuration(site.window.spec.duration)
  const end = current?.endsAt === undefined ? site.now + windowSeconds * 1000 : Date.parse(current.endsAt)
  const remainingSeconds = Math.min(windowSeconds, Math.max(1, (end - site.now) / 1000))
  const estimator = estimatorOf(site, predict)
  return {
    remainingSeconds,
    windowSeconds,
    step: stepOf(site),
    gpus: placeableGpus(site),
    outcomes: outcomes(site),
    moveSeconds,
    ...site.training,
    streams: activeStreams(site).map(stream =>
      streamProblem(
        site,
        stream,
        estimator,
        plan?.items.find(i => i.stream === stream.name),
        remainingSeconds,
      ),
    ),
  }
}

function streamProblem(
  site: SiteSnapshot,
  stream: StreamSnapshot,
  estimator: Estimator,
  item: PlanItem | undefined,
  remainingSeconds: number,
): StreamProblem {
  const { spec } = stream.stream
  const result = profileResult(stream)
  const accuracyNow = accuracyNowOf(result, item)
  const share = item?.inferenceShare ?? 0
  const current = holding(site, item)
  const inference = inferenceOptions(site, stream, current)
  const base = {
    name: stream.name,
    weight: spec.weight,
    minAccuracy: spec.minAccuracy,
    accuracyNow,
    accuracySoFar:
      result?.soFar?.measured ??
      (accuracyNow === null ? null : accuracyNow * bestInference(inference, share).factor),
    inference,
    nodes: worthwhileNodes(site, stream, inference, current),
    ...(current === undefined ? {} : { current }),
  }
  // A pod that is there is under way, whether or not that is written yet; and what a fault of its GPU took down is to begin again.
  const begun =
    item?.state === 'Training' ||
    (item?.state === 'Planned' && (stream.training !== undefined || (item.faults ?? 0) > 0))
  if (item !== undefined && begun) return { ...base, retraining: [], running: running(site, stream, item) }
  const asked = isAskedFor(stream.stream)
  const worth = worthTraining({
    suspended: false,
    ...trained(item, stream),
    ...failure(stream, result),
    labelled: result?.labelled ?? null,
    unprofiled: unprofiled(site, stream),
    minimumLabels,
    accuracyNow,
    options: estimator(stream),
    minGain: asked ? -1 : site.window.spec.retraining.minGain,
    remainingSeconds,
  })
  return {
    ...base,
    ...(asked && accuracyNow !== null && worth.options.length > 0 ? pressed(accuracyNow, worth.options) : {}),
    retraining: worth.options,
    ...(worth.skip === undefined ? {} : { noRetrainingBecause: worth.skip.reason }),
  }
}

/** Why a stream without a profile has none. */
function unprofiled(site: SiteSnapshot, { profile }: StreamSnapshot): string {
  if ((site.window.status?.current?.index ?? 0) === 0) return 'window 0 has no window before it to learn from'
  return profile === undefined
    ? 'the stream came too late to be labelled and profiled in this window'
    : `labelling and profiling took longer than ${Math.round(profilingDeadline * 100)} % of the window`
}

/** A stream trains once a window, also where its item went with it for a while and only the pod is left. */
function trained(item: PlanItem | undefined, { training }: StreamSnapshot): { trained?: string } {
  if (item !== undefined && item.state !== 'None' && item.state !== 'Planned')
    return { trained: item.reason ?? item.state }
  return training === undefined ? {} : { trained: 'no retraining: it has trained in this window already' }
}

function failure(stream: StreamSnapshot, result: ProfileResult | undefined): { profilingFailure?: string } {
  const why = stream.profile?.failure ?? result?.error?.message
  return why === undefined ? {} : { profilingFailure: why }
}

/** As profiled, and after a training whose model was taken in this window as much better as validation found it. */
function accuracyNowOf(result: ProfileResult | undefined, item: PlanItem | undefined): number | null {
  const profiled = result === undefined ? null : accuracyOf(result)
  const { state, accuracyBefore, accuracyAfter } = item ?? {}
  return profiled === null ||
    state !== 'Accepted' ||
    accuracyBefore === undefined ||
    accuracyAfter === undefined
    ? profiled
    : mapScale(accuracyAfter, accuracyBefore, profiled)
}

/** Of the model in use at full share, as far as it is known. */
export const accuracyNow = (stream: StreamSnapshot, item: PlanItem | undefined): number | null =>
  accuracyNowOf(profileResult(stream), item)

/** Of the model in use when the window was profiled, at full share. */
function accuracyOf(result: ProfileResult): number | null {
  const last = lastMeasured(result)
  return last === undefined ? null : presentAccuracy(last, freshlyMeasured(result))
}

const lastMeasured = ({ accuracy, labelled }: ProfileResult): MeasuredAccuracy | undefined =>
  accuracy && { accuracy: accuracy.current, labelled: accuracy.independent ?? labelled }

const freshlyMeasured = ({ soFar }: ProfileResult): FreshAccuracy | undefined =>
  soFar && {
    accuracy: soFar.current,
    labelled: soFar.independent ?? soFar.labelled,
    expected: soFar.expected,
  }

/** What each retraining of a stream is estimated to give and cost; none where the stream has not been measured. */
type Estimator = (stream: StreamSnapshot) => readonly RetrainingOption[]

const estimatorOf = (site: SiteSnapshot, predict: PredictPresent): Estimator =>
  site.window.spec.microProfiler.estimator === 'pooled'
    ? pooledEstimates(site, predict)
    : stream => byMicroProfile(site, stream, pastTrainings(site))

/** By the stream's own micro-profiles and what past estimates were off by. */
function byMicroProfile(
  site: SiteSnapshot,
  stream: StreamSnapshot,
  history: readonly PastTraining[],
): readonly RetrainingOption[] {
  const result = profileResult(stream)
  const last = result && lastMeasured(result)
  if (result?.accuracy === undefined || last === undefined) return []
  const fresh = freshlyMeasured(result)
  return estimate({
    profiles: result.profiles,
    configurations: site.window.spec.retraining.configurations,
    accuracy: {
      current: presentAccuracy(last, fresh),
      validation: result.accuracy.validation,
      ...(fresh && { soFar: { current: fresh.accuracy, weight: freshWeight(last, fresh) } }),
    },
    history,
  })
}

/** What a stream's profile pod has found, without anything learned before. */
export function profiledNow(
  site: SiteSnapshot,
  stream: StreamSnapshot,
): { readonly accuracyBefore: number; readonly options: readonly RetrainingOption[] } | undefined {
  const result = profileResult(stream)
  const accuracyBefore = result === undefined ? null : accuracyOf(result)
  return accuracyBefore === null ? undefined : { accuracyBefore, options: byMicroProfile(site, stream, []) }
}

/** By the model that all windows of all streams fit, which tells of configurations that were not micro-profiled as well. */
function pooledEstimates(site: SiteSnapshot, predict: PredictPresent): Estimator {
  const { history = [] } = site.window.status ?? {}
  const { configurations } = site.window.spec.retraining
  const lastCost = lastKnownCosts(history)
  const measured = activeStreams(site).flatMap(stream => {
    const now = profiledNow(site, stream)
    if (now === undefined) return []
    const trainings = configurations.flatMap(({ name: configuration }) => {
      const option = now.options.find(each => each.configuration === configuration)
      const gpuSeconds = option?.gpuSeconds ?? lastCost(stream.name, configuration)
      if (gpuSeconds === undefined) return []
      return [{ configuration, gpuSeconds, ...(option && { estimate: option.accuracyAfter }) }]
    })
    const window: WindowRecord = { accuracyBefore: now.accuracyBefore, trainings }
    return [{ name: stream.name, window, records: [...windowRecords(history, stream.name), window] }]
  })
  const predictions = measured.length === 0 ? [] : predict(measured.map(({ records }) => records))
  const past = pastTrainings(site)
  return ({ name }) => {
    const at = measured.findIndex(each => each.name === name)
    if (at < 0) return []
    const { window } = measured[at]!
    return window.trainings.map(({ configuration, gpuSeconds }, i) => ({
      configuration,
      accuracyAfter: Math.min(Math.max(accuracyCap, window.accuracyBefore ?? 0), predictions[at]![i]!.mean),
      gpuSeconds: expectedCost(gpuSeconds, past, configuration),
    }))
  }
}

/** What the models that were taken came to. */
function outcomes(site: SiteSnapshot): readonly TrainingOutcome[] {
  return (site.window.status?.history ?? []).flatMap(({ streams = [] }) =>
    streams.flatMap(({ configuration, outcome }) =>
      configuration === undefined || outcome?.accuracyAfter === undefined || outcome.gpuSeconds === undefined
        ? []
        : [{ configuration, accuracy: outcome.accuracyAfter, gpuSeconds: outcome.gpuSeconds }],
    ),
  )
}

/** The site's trainings that ran to their end, newest first. */
function pastTrainings(site: SiteSnapshot): readonly PastTraining[] {
  return (site.window.status?.history ?? []).flatMap(({ streams = [] }) =>
    streams.flatMap(({ configuration, estimate, outcome }) =>
      configuration === undefined || estimate === undefined || outcome === undefined
        ? []
        : [{ configuration, estimated: estimate, realised: outcome }],
    ),
  )
}

/** The training that runs, with what it still needs by its own account and what was estimated of it at full share. */
function running(site: SiteSnapshot, stream: StreamSnapshot, item: PlanItem): RetrainingOption {
  return {
    configuration: item.retrainingConfiguration!,
    accuracyAfter: expectedAfter(site, stream, item) ?? 0,
    gpuSeconds: stream.training?.status?.remainingGpuSeconds ?? item.gpuSeconds ?? 0,
  }
}

/** Accuracy that a planned training is expected to come to by what it has shown so far; undefined: nothing was estimated of it. */
export function expectedAfter(
  site: SiteSnapshot,
  stream: StreamSnapshot,
  { retrainingConfiguration: name, estimate: planned }: PlanItem,
): number | undefined {
  const estimated = planned?.accuracyAfter
  const { points } = stream.training?.status ?? {}
  const configuration = site.window.spec.retraining.configurations.find(each => each.name === name)
  const result = profileResult(stream)
  const current = result === undefined ? null : accuracyOf(result)
  if (estimated === undefined || points === undefined || configuration === undefined) return estimated
  if (result?.accuracy === undefined || current === null) return estimated
  const profile = result.profiles.find(each => each.configuration === name)
  return revisedAccuracy({
    estimated,
    configuration,
    accuracy: { validation: result.accuracy.validation, current },
    points,
    ...(profile === undefined ? {} : { profile }),
  })
}

/**
 * As far as a pod's share can go, on the GPU that a stream is on, or on all that it may be on: no plan promises what only more would give.
 *
 * @param on absent: it may come to be on any.
 */
export function inferenceOptions(
  { gpus }: Pick<SiteSnapshot, 'gpus'>,
  stream: StreamSnapshot,
  on?: Gpu,
): readonly InferenceOption[] {
  const { spec } = stream.stream
  const nodes = allowedNodes(gpus, stream.stream)
  const all = gpus.filter(({ node }) => nodes.includes(node))
  const own = all[currentGpu(all, on)]
  const possible = own === undefined ? all : [own]
  const largest = Math.min(1, ...possible.map(({ largestShare = 1 }) => largestShare))
  const result = profileResult(stream)
  const live = (stream.inference?.status as InferenceStatus | undefined)?.gpuSecondsPerFrame ?? null
  return spec.inference.configurations.map(configuration =>
    cappedInference(
      inferenceOption({
        configuration,
        frameRate: spec.frameRate,
        gpuSecondsPerFrame: live ?? result?.gpuSecondsPerFrame ?? null,
        ...(result?.coherence === undefined ? {} : { coherence: result.coherence }),
        accuracy: result === undefined ? null : accuracyOf(result),
        classes: spec.classes.length,
      }),
      largest,
    ),
  )
}
