/**
 * `ekya explain STREAM`: what was estimated, what was decided, why, and what would change it.
 *
 * Estimates come from the profile pod's result, by the same reckoning as the operator's; the pod stays until its window is over.
 */
import { findCondition } from '../../api/conditions.ts'
import type { CameraStream, RetrainingWindow } from '../../api/generated/types.ts'
import { profilePodName } from '../../api/names.ts'
import { openRetrain } from '../../api/requests.ts'
import { type Pod, podSnapshot } from '../../cluster/pod.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { siteProblem } from '../../controllers/retraining-window/site-problem.ts'
import { isNotFound } from '../../kube/errors.ts'
import { pods } from '../../kube/resources.ts'
import type { Io } from '../program.ts'
import { table } from '../table.ts'
import { type Access, type Output, print, readStream, windowOf } from './access.ts'
import { percent } from './status.ts'

export interface Estimates {
  /** Of the model in use, at full share. */
  readonly accuracyNow: number | null
  readonly options: readonly {
    readonly configuration: string
    readonly accuracyAfter: number
    readonly gpuSeconds: number
  }[]
}

export async function explain(
  access: Access,
  name: string,
  output: Output,
  now: Date,
  io: Io,
): Promise<number> {
  const stream = await readStream(access, name)
  const window = await windowOf(access, stream)
  const estimates = window === undefined ? undefined : await estimatesOf(access, stream, window, now)
  const item = window?.status?.plan?.items.find(each => each.stream === stream.metadata.name)
  const changes = whatWouldChange(stream, window, estimates, now)
  const view = {
    stream: `${access.namespace}/${stream.metadata.name}`,
    window: stream.status?.window,
    phase: window?.status?.current?.phase,
    accuracy: stream.status?.accuracy,
    estimates: estimates ?? null,
    decision: {
      state: item?.state ?? null,
      reason: stream.status?.decision ?? item?.reason ?? null,
      item: item ?? null,
    },
    whatWouldChange: changes,
  }
  print(io, output, view, () => [
    `${view.stream}: window ${view.window?.index ?? '–'} of ${view.window?.name ?? 'no RetrainingWindow'}, phase ${view.phase ?? '–'}`,
    `served ${percent(view.accuracy?.measured)} % in window ${view.accuracy?.window ?? '–'}, ${percent(view.accuracy?.withoutRetraining)} % without retraining, predicted ${percent(view.accuracy?.predicted)} %`,
    '',
    'What was estimated',
    ...(estimates === undefined
      ? [
          '  nothing: there is no profile of this window (window 0 has none, and a profile goes with its window)',
        ]
      : [
          `  the model in use: ${percent(estimates.accuracyNow ?? undefined)} % at full share on the newest labels`,
          ...table(
            ['CONFIGURATION', 'AFTER %', 'GAIN', 'GPU-S', ''],
            estimates.options.map(option => [
              option.configuration,
              percent(option.accuracyAfter),
              estimates.accuracyNow === null
                ? '–'
                : ((option.accuracyAfter - estimates.accuracyNow) * 100).toFixed(1),
              option.gpuSeconds.toFixed(1),
              option.configuration === item?.retrainingConfiguration ? 'chosen' : '',
            ]),
            [0, 4],
          ),
        ]),
    '',
    'What was decided, and why',
    `  ${item === undefined ? 'nothing: no plan has the stream' : `${item.state === 'None' ? 'no retraining' : `${item.retrainingConfiguration}: ${item.state}`}; inference ${percent(item.inferenceShare)} %, training ${percent(item.trainingShare)} % of GPU ${item.node}/${item.gpu}`}`,
    ...(view.decision.reason === null ? [] : [`  ${view.decision.reason}`]),
    '',
    'What would change it',
    ...changes.map(change => `  ${change}`),
  ])
  return 0
}

async function estimatesOf(
  { transport, namespace }: Access,
  stream: CameraStream,
  window: RetrainingWindow,
  now: Date,
): Promise<Estimates | undefined> {
  const index = window.status?.current?.index ?? 0
  const at = { namespace, name: profilePodName(stream.metadata.name, index) }
  const pod = await transport.get<Pod>(pods, at).catch(error => {
    if (isNotFound(error)) return undefined
    throw error
  })
  const profile = pod && podSnapshot(pod)
  if (profile?.result?.kind !== 'profile') return undefined
  const { plan: _, ...status } = window.status ?? {}
  const { retraining } = window.spec
  const { annotations: __, ...metadata } = stream.metadata
  // Without the plan and without a minimum, so that all that was estimated is told.
  const site: SiteSnapshot = {
    window: { ...window, spec: { ...window.spec, retraining: { ...retraining, minGain: -1 } }, status },
    gpus: [],
    training: { resizeSeconds: 0 },
    streams: [
      {
        name: stream.metadata.name,
        stream: { ...stream, metadata, spec: { ...stream.spec, suspended: false } },
        profile,
      },
    ],
    pods: [profile],
    now: now.getTime(),
  }
  const problem = siteProblem({ ...site, now: Date.parse(status.current?.startedAt ?? now.toISOString()) })
    .streams[0]
  return { accuracyNow: problem?.accuracyNow ?? null, options: problem?.retraining ?? [] }
}

/** In the order in which a person would try. Pure. */
export function whatWouldChange(
  stream: CameraStream,
  window: RetrainingWindow | undefined,
  estimates: Estimates | undefined,
  now: Date,
): readonly string[] {
  const name = stream.metadata.name
  const ready = findCondition(stream.status?.conditions, 'Ready')
  if (stream.spec.suspended) return [`the stream is paused: ekya resume ${name}`]
  if (window === undefined) return [`a RetrainingWindow whose spec.streamSelector matches its labels`]
  if (window.spec.suspended) return [`the window is paused: ekya resume rw/${window.metadata.name}`]
  const item = window.status?.plan?.items.find(each => each.stream === name)
  const { minGain } = window.spec.retraining
  const hints: string[] = []
  if (ready !== undefined && ready.status !== 'True')
    hints.push(`first of all it must serve: ${ready.message}`)
  if (openRetrain(stream) !== undefined)
    hints.push('a retraining was asked for and begins with the next plan that can hold it')
  if (item?.state === 'Training' || item?.state === 'Planned')
    return [
      ...hints,
      `nothing is needed: ${item.retrainingConfiguration} is ${item.state === 'Training' ? 'being trained' : 'planned'}`,
    ]
  if (item?.state === 'Accepted')
    return [...hints, 'nothing is needed: the new model is served; ekya rollback goes back']
  if (item?.state === 'Rejected')
    return [
      ...hints,
      `spec.retraining.minGain of ${(minGain * 100).toFixed(1)} points is more than the model gained on validation: a lower one takes it`,
    ]
  if (item?.state === 'Failed' || item?.state === 'Unfinished')
    return [
      ...hints,
      'a longer spec.duration, fewer epochs or a larger share, where it ran out of time; else the cause that is named above',
    ]
  if (estimates === undefined)
    return [
      ...hints,
      'a profile: the next window has one; a longer spec.duration or fewer configurations, where profiling is late',
    ]
  const best = estimates.options.toSorted((a, b) => b.accuracyAfter - a.accuracyAfter)[0]
  if (best === undefined)
    return [
      ...hints,
      'more labels (spec.labeling.maxSamples) or more time for profiling (spec.microProfiler.budgetFraction)',
    ]
  const gain = best.accuracyAfter - (estimates.accuracyNow ?? 0)
  if (gain < minGain)
    hints.push(
      `the best gain, ${(gain * 100).toFixed(1)} points (${best.configuration}), is below spec.retraining.minGain of ${(minGain * 100).toFixed(1)}: ${gain > 0 ? 'a lower one' : 'a scene that drifts, or other configurations'}`,
    )
  else {
    const left = (Date.parse(window.status?.current?.endsAt ?? now.toISOString()) - now.getTime()) / 1000
    hints.push(
      `${best.configuration} would gain ${(gain * 100).toFixed(1)} points for ${best.gpuSeconds.toFixed(1)} GPU-s, of which others make more: a larger spec.weight of the stream, more GPUs, or a longer spec.duration (${Math.max(0, Math.round(left))} s are left)`,
    )
  }
  return [...hints, `ekya retrain ${name} trains it all the same; the model is taken only if it is better`]
}
