/** `ekya status`: retraining windows and streams in two tables. */
import { findCondition } from '../../api/conditions.ts'
import type { CameraStream, RetrainingWindow } from '../../api/generated/types.ts'
import { cameraStreams, retrainingWindows } from '../../cluster/resources.ts'
import type { KubeObject } from '../../kube/objects.ts'
import type { Io } from '../program.ts'
import { table } from '../table.ts'
import { type Access, type Output, print } from './access.ts'

export async function status(
  { transport, namespace }: Access,
  { all, output }: { readonly all: boolean; readonly output: Output },
  io: Io,
): Promise<number> {
  const where = all ? {} : { namespace }
  const windows = (await transport.list<RetrainingWindow & KubeObject>(retrainingWindows, where)).items
  const streams = (await transport.list<CameraStream & KubeObject>(cameraStreams, where)).items
  const view = { windows: windows.map(windowRow), streams: streams.map(streamRow) }
  print(io, output, view, () =>
    windows.length + streams.length === 0
      ? [`no RetrainingWindow and no CameraStream in ${all ? 'any namespace' : `namespace ${namespace}`}`]
      : [
          ...table(
            [
              'WINDOW',
              'PHASE',
              'INDEX',
              'ENDS',
              'RETRAINING',
              'SERVED %',
              'WITHOUT %',
              'PREDICTED %',
              'PROBLEM',
            ],
            view.windows.map(w => [
              all ? `${w.namespace}/${w.name}` : w.name,
              w.phase,
              String(w.index ?? '–'),
              w.endsAt?.slice(11, 19) ?? '–',
              `${w.retraining} of ${w.planned}`,
              percent(w.served),
              percent(w.withoutRetraining),
              percent(w.predicted),
              w.problem ?? '',
            ]),
            [0, 1, 8],
          ),
          '',
          ...table(
            [
              'STREAM',
              'WINDOW',
              'READY',
              'MODEL',
              'SERVED %',
              'WITHOUT %',
              'PREDICTED %',
              'SHARE %',
              'RETRAINING',
              'DECISION',
            ],
            view.streams.map(s => [
              all ? `${s.namespace}/${s.name}` : s.name,
              s.window ?? '–',
              s.ready === 'True' ? 'yes' : (s.problem ?? 'no'),
              s.model ?? '–',
              percent(s.served),
              percent(s.withoutRetraining),
              percent(s.predicted),
              percent(s.share),
              s.retraining ?? '–',
              s.decision ?? '',
            ]),
            [0, 1, 2, 3, 8, 9],
          ),
        ],
  )
  return 0
}

function windowRow({ metadata, status = {} }: RetrainingWindow) {
  const { current, plan, history = [], conditions } = status
  const measured = history.find(entry => entry.realised !== undefined)
  const ready = findCondition(conditions, 'Ready')
  const items = plan?.items ?? []
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    phase: current?.phase ?? 'Pending',
    index: current?.index,
    endsAt: current?.endsAt,
    planned: items.length,
    retraining: items.filter(({ state }) => state === 'Planned' || state === 'Training').length,
    served: measured?.realised,
    withoutRetraining: measured?.withoutRetraining,
    predicted: plan?.predictedAccuracy,
    problem: ready !== undefined && ready.status !== 'True' ? `${ready.reason}: ${ready.message}` : undefined,
  }
}

function streamRow({ metadata, status = {} }: CameraStream) {
  const { window, model, accuracy, allocation, retraining, decision, conditions } = status
  const ready = findCondition(conditions, 'Ready')
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    window: window?.name,
    ready: ready?.status,
    problem: ready?.status === 'True' ? undefined : ready?.reason,
    model: model?.version,
    served: accuracy?.measured,
    withoutRetraining: accuracy?.withoutRetraining,
    predicted: accuracy?.predicted,
    share: allocation?.share,
    retraining: retraining?.configuration,
    decision,
  }
}

export const percent = (value: number | undefined): string =>
  value === undefined ? '–' : (value * 100).toFixed(1)
