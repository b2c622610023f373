/** Fills the view of `/status.json` from the resources' status, as the stores have them. */
import { findCondition } from '../api/conditions.ts'
import type { CameraStream, RetrainingWindow, WindowPlanItem } from '../api/generated/types.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { GpuView, StatusView, StreamView, WindowView } from './status-view.ts'

export interface Leadership {
  readonly leads: boolean
  readonly leader?: string
}

export function clusterView(
  cluster: Pick<Cluster, 'windows' | 'streams' | 'membership' | 'gpus'>,
  leadership: Leadership,
  version: string,
): StatusView {
  const windows = [...cluster.windows.list()].sort(byName)
  const plans = new Map<RetrainingWindow | undefined, ReadonlyMap<string, WindowPlanItem>>(
    windows.map(window => [
      window,
      new Map((window.status?.plan?.items ?? []).map(item => [item.stream, item])),
    ]),
  )
  return {
    version,
    leader: leadership.leads,
    leaderIdentity: leadership.leader ?? null,
    windows: windows.map(windowView),
    streams: [...cluster.streams.list()].sort(byName).map(stream => {
      const { window } = cluster.membership(stream)
      return streamView(stream, window, plans.get(window)?.get(stream.metadata.name))
    }),
    gpus: windows.flatMap(window => gpuViews(window, cluster)),
  }
}

function windowView(window: RetrainingWindow): WindowView {
  const { current, plan, history = [], conditions } = window.status ?? {}
  return {
    namespace: window.metadata.namespace ?? '',
    name: window.metadata.name,
    policy: window.spec.scheduler.policy,
    phase: current?.phase ?? 'Pending',
    index: current?.index ?? null,
    startedAt: current?.startedAt ?? null,
    endsAt: current?.endsAt ?? null,
    predictedAccuracy: plan?.predictedAccuracy ?? null,
    problem: problemOf(conditions),
    warnings: plan?.warnings ?? [],
    plan: (plan?.items ?? []).map(item => ({
      stream: item.stream,
      inferenceShare: item.inferenceShare,
      trainingShare: item.trainingShare,
      configuration: item.retrainingConfiguration ?? null,
      predictedBefore: item.predictedBefore ?? null,
      predictedAfter: item.predictedAfter ?? null,
      state: item.state,
      reason: item.reason ?? '',
    })),
    history: history.map(entry => ({
      index: entry.index,
      predicted: entry.predicted ?? null,
      realised: entry.realised ?? null,
      withoutRetraining: entry.withoutRetraining ?? null,
      retrained: entry.retrained ?? 0,
      gpuSecondsTrained: entry.gpuSecondsTrained ?? 0,
    })),
  }
}

function streamView(
  stream: CameraStream,
  window: RetrainingWindow | undefined,
  item: WindowPlanItem | undefined,
): StreamView {
  const { status = {} } = stream
  const ready = findCondition(status.conditions, 'Ready')
  return {
    namespace: stream.metadata.namespace ?? '',
    name: stream.metadata.name,
    window: window?.metadata.name ?? null,
    ready: ready === undefined ? null : ready.status === 'True',
    problem: problemOf(status.conditions),
    modelDigest: status.model?.digest ?? null,
    trainedInWindow: status.model?.trainedInWindow ?? null,
    accuracyMeasured: status.accuracy?.measured ?? null,
    accuracyPredicted: status.accuracy?.predicted ?? null,
    accuracyWithoutRetraining: status.accuracy?.withoutRetraining ?? null,
    node: status.allocation?.node ?? null,
    gpu: status.allocation?.gpu ?? null,
    inferenceShare: status.allocation?.share ?? null,
    trainingShare: item?.trainingShare ?? null,
    retraining: status.retraining?.configuration ?? null,
    retrainingProgress: status.retraining?.progress ?? null,
    frames: status.frames ?? null,
    decision: status.decision ?? null,
  }
}

function gpuViews(window: RetrainingWindow, cluster: Pick<Cluster, 'gpus'>): GpuView[] {
  const items = window.status?.plan?.items ?? []
  return cluster.gpus(window).map(({ node, gpu }) => ({
    node,
    gpu,
    allocated: items
      .filter(item => item.node === node && item.gpu === gpu)
      .reduce((sum, item) => sum + item.inferenceShare + item.trainingShare, 0),
  }))
}

function problemOf(conditions: Parameters<typeof findCondition>[0]): string | null {
  const ready = findCondition(conditions, 'Ready')
  return ready === undefined || ready.status === 'True' ? null : `${ready.reason}: ${ready.message}`
}

const byName = (a: CameraStream | RetrainingWindow, b: CameraStream | RetrainingWindow): number =>
  `${a.metadata.namespace}/${a.metadata.name}` < `${b.metadata.namespace}/${b.metadata.name}` ? -1 : 1
