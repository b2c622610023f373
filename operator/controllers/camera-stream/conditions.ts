/**
 * The conditions of a CameraStream. Pure: one chain of small judgements, of which the first that applies makes Ready and its reason.
 */
import { type ConditionInput, type Reason, reasons, streamConditions } from '../../api/conditions.ts'
import type { CameraStream, RetrainingWindow } from '../../api/generated/types.ts'
import { sourceProblem } from '../../api/sources.ts'
import type { InferenceStatus } from '../../api/worker.ts'
import { skewedClocks } from '../../cluster/clock-skew.ts'
import type { LostNode } from '../../cluster/lost-nodes.ts'
import { nodeOf, startProblem } from '../../cluster/pod.ts'
import { allowedNodes, mostStreams, type PodSnapshot } from '../../cluster/snapshot.ts'
import type { ShareReading, SiteGpu } from '../../sharing/backend.ts'
import type { SwapView } from './swap-view.ts'

export interface StreamView {
  readonly stream: CameraStream
  readonly window?: RetrainingWindow
  /** Younger windows that select the stream, too. */
  readonly refused: readonly string[]
  /** Of the window's site. */
  readonly gpus: readonly SiteGpu[]
  /** Nodes of the site that cannot be reached. */
  readonly lostNodes?: readonly LostNode[]
  readonly pod?: PodSnapshot<InferenceStatus>
  readonly reading?: ShareReading
  readonly swap?: SwapView
  /** The last call to the worker was refused by it. */
  readonly refusal?: { readonly code: string; readonly message: string }
}

type Judgement = Pick<ConditionInput, 'status' | 'reason' | 'message'>

export function streamConditionInputs(view: StreamView): readonly ConditionInput[] {
  const observedGeneration = view.stream.metadata.generation
  const suspended = view.stream.spec.suspended === true
  const inputs: ConditionInput[] = [
    { type: streamConditions.Ready, ...ready(view) },
    { type: streamConditions.Serving, ...serving(view) },
    { type: streamConditions.Resizing, ...resizing(view) },
    {
      type: streamConditions.Suspended,
      status: suspended,
      reason: suspended ? 'SuspendedByUser' : 'Active',
      message: suspended ? 'spec.suspended is true' : 'not suspended',
    },
    ...labeled(view),
    ...drifting(view),
  ]
  return inputs.map(input => ({ ...input, observedGeneration }))
}

const not = (reason: Reason, message: string): Judgement => ({ status: false, reason, message })

const judgements: readonly ((view: StreamView) => Judgement | undefined)[] = [
  ({ stream }) =>
    stream.spec.suspended === true ? not('SuspendedByUser', 'spec.suspended is true') : undefined,
  ({ stream }) => {
    const problem = sourceProblem(stream.spec.source)
    return problem === undefined ? undefined : not('SourceInvalid', problem)
  },
  ({ window }) =>
    window === undefined
      ? not(
          'NoWindow',
          'no RetrainingWindow in the namespace selects the stream: spec.streamSelector of one must match its labels',
        )
      : undefined,
  ({ pod, lostNodes = [] }) => {
    const on = pod === undefined ? undefined : nodeOf(pod)
    const lost = lostNodes.find(({ node }) => node === on)
    return lost === undefined
      ? undefined
      : not(
          'NodeNotReady',
          `pod ${pod!.name} is on node ${lost.node}: ${lost.problem}; it may serve on there`,
        )
  },
  ({ window, gpus }) =>
    gpus.length === 0
      ? not('NoGpu', `RetrainingWindow ${window?.metadata.name}: no node of the site offers a GPU`)
      : undefined,
  ({ window, stream, gpus }) =>
    allowedNodes(gpus, stream).length === 0
      ? not(
          'NoGpu',
          `spec.nodeSelector ${JSON.stringify(stream.spec.nodeSelector)} matches none of the nodes with a GPU of RetrainingWindow ${window?.metadata.name}: ${[...new Set(gpus.map(gpu => gpu.node))].join(', ')}`,
        )
      : undefined,
  ({ window, stream }) => {
    const item = window?.status?.plan?.items.find(i => i.stream === stream.metadata.name)
    return item !== undefined && item.inferenceShare <= 0
      ? not(
          'InsufficientGpu',
          `RetrainingWindow ${window?.metadata.name}: more streams than steps of GPU share; use a smaller spec.scheduler.step, more GPUs or fewer streams`,
        )
      : undefined
  },
  ({ window, stream }) => {
    const items = window?.status?.plan?.items ?? []
    return items.length >= mostStreams && !items.some(i => i.stream === stream.metadata.name)
      ? not(
          'TooManyStreams',
          `RetrainingWindow ${window?.metadata.name} has ${mostStreams} older streams, the most that take part; select the stream by another one`,
        )
      : undefined
  },
  view => faulted(view),
  ({ pod }) => (pod === undefined ? not('Starting', 'the inference pod is not there yet') : undefined),
  ({ pod }) => (pod?.error === undefined ? undefined : not(known(pod.error.code), pod.error.message)),
  ({ refusal }) => (refusal === undefined ? undefined : not(known(refusal.code), refusal.message)),
  ({ pod }) => {
    const problem = startProblem(pod!.pod)
    if (problem === undefined) return undefined
    return not(
      problem.startsWith('not scheduled') ? 'PodUnschedulable' : 'PodFailed',
      `pod ${pod!.name}: ${problem}`,
    )
  },
  ({ pod }) => (pod!.ready ? undefined : not('Starting', `the inference pod ${pod!.name} starts`)),
]

function ready(view: StreamView): Judgement {
  for (const judge of judgements) {
    const judgement = judge(view)
    if (judgement !== undefined) return judgement
  }
  const also =
    view.refused.length === 0
      ? ''
      : `; RetrainingWindow ${view.refused.join(', ')} selects it, too, and is younger: it gets nothing`
  return {
    status: true,
    reason: view.refused.length === 0 ? 'Serving' : 'WindowConflict',
    message: `served in RetrainingWindow ${view.window?.metadata.name}${also}`,
  }
}

/** Whatever the pod says: its GPU does nothing for it. */
function faulted({ window, stream, gpus }: StreamView): Judgement | undefined {
  const item = window?.status?.plan?.items.find(i => i.stream === stream.metadata.name)
  const gpu = gpus.find(each => each.node === item?.node && each.gpu === item.gpu)
  return gpu?.fault === undefined
    ? undefined
    : not(
        'GpuFault',
        `GPU ${gpu.node}/${gpu.gpu}: ${gpu.fault}; its pods are ended, and made again when it serves`,
      )
}

function serving(view: StreamView): Judgement {
  const { pod } = view
  const fault = faulted(view)
  if (fault !== undefined) return fault
  if (pod?.ready === true) return { status: true, reason: 'Serving', message: `pod ${pod.name} answers` }
  return not('Starting', pod === undefined ? 'there is no inference pod' : `pod ${pod.name} does not serve`)
}

function resizing({ reading, swap, pod }: StreamView): Judgement {
  if (swap?.underWay !== undefined)
    return {
      status: true,
      reason: 'Swapping',
      message: [
        `pod ${swap.underWay.to} takes over from ${swap.underWay.from}`,
        ...(pod === undefined ? [] : skewedClocks([pod])),
      ].join('; '),
    }
  if (swap?.failed !== undefined) return { status: false, reason: 'ResizeFailed', message: swap.failed }
  if (reading?.problem !== undefined)
    return { status: true, reason: 'ResizeDeferred', message: reading.problem }
  if (reading?.resizing === true)
    return {
      status: true,
      reason: 'ResizePending',
      message: `share ${reading.actual.toFixed(3)} → ${reading.desired.toFixed(3)}`,
    }
  return { status: false, reason: 'AsPlanned', message: 'the pod holds the share that the plan gives it' }
}

/** Whether the newest closed window has golden labels; nothing is said before one has closed. */
function labeled({ stream, window }: StreamView): ConditionInput[] {
  const latest = window?.status?.history?.[0]
  const record = latest?.streams?.find(s => s.name === stream.metadata.name)
  if (latest === undefined || record === undefined) return []
  const phase = window?.status?.current?.phase
  if (record.realised === undefined && (phase === 'Labeling' || phase === 'Profiling')) return []
  return [
    record.realised === undefined
      ? {
          type: streamConditions.Labeled,
          ...not('TooFewSamples', `window ${latest.index} has no golden labels`),
        }
      : {
          type: streamConditions.Labeled,
          status: true,
          reason: 'Labeled',
          message: `window ${latest.index} is labelled`,
        },
  ]
}

/** How far the accuracy measured in the last window must lie below the best one of the windows before to be called drift. */
const driftThreshold = 0.1

function drifting({ stream, window }: StreamView): ConditionInput[] {
  const measured = (window?.status?.history ?? []).flatMap(entry => {
    const realised = entry.streams?.find(s => s.name === stream.metadata.name)?.realised
    return realised === undefined ? [] : [{ index: entry.index, realised }]
  })
  const [latest, ...before] = measured
  if (latest === undefined || before.length === 0) return []
  const best = before.reduce((a, b) => (b.realised > a.realised ? b : a))
  const percent = (x: number) => (x * 100).toFixed(1)
  const fell = best.realised - latest.realised > driftThreshold
  return [
    {
      type: streamConditions.Drifting,
      status: fell,
      reason: fell ? 'Drifted' : 'Stable',
      message: `${percent(latest.realised)} % in window ${latest.index}, ${percent(best.realised)} % at best before (window ${best.index})`,
    },
  ]
}

function known(code: string): Reason {
  return Object.hasOwn(reasons, code) ? (code as Reason) : 'Internal'
}
