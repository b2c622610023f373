/** Turns what a reconcile saw of a site into metrics: gauges follow the snapshot, histograms and counters the transitions. */
import type { RetrainingWindowStatus } from '../api/generated/types.ts'
import { isOn } from '../cluster/pod.ts'
import type { SiteSnapshot } from '../cluster/snapshot.ts'
import type { ShareReading } from '../sharing/backend.ts'
import type { Metrics } from './registry.ts'

export type Phase = NonNullable<RetrainingWindowStatus['current']>['phase']

const phases: readonly Phase[] = [
  'Pending',
  'Labeling',
  'Profiling',
  'Planning',
  'Retraining',
  'Closing',
  'Suspended',
  'Completed',
]

export function observeSite(
  metrics: Metrics,
  site: SiteSnapshot,
  readings: ReadonlyMap<string, ShareReading>,
): void {
  const { namespace = '', name } = site.window.metadata
  const { current, history = [] } = site.window.status ?? {}
  const measured = history.find(entry => entry.realised !== undefined)
  metrics.observeWindow({
    namespace,
    name,
    phase: current?.phase ?? 'Pending',
    phases,
    accuracyGain:
      measured?.realised === undefined || measured.withoutRetraining === undefined
        ? null
        : measured.realised - measured.withoutRetraining,
    profileError: measured?.profilerError ?? null,
  })
  for (const stream of site.streams) observeStream(metrics, site, stream.name, readings)
  metrics.observeGpus(
    site.gpus.map(({ node, gpu }) => ({
      node,
      gpu,
      allocated: site.pods
        .filter(pod => isOn(pod, { node, gpu }))
        .reduce((sum, pod) => sum + (readings.get(pod.name)?.actual ?? 0), 0),
    })),
  )
}

function observeStream(
  metrics: Metrics,
  site: SiteSnapshot,
  name: string,
  readings: ReadonlyMap<string, ShareReading>,
): void {
  const { namespace = '' } = site.window.metadata
  const stream = site.streams.find(s => s.name === name)!
  const item = site.window.status?.plan?.items.find(i => i.stream === name)
  const answer = stream.inference?.status
  const { accuracy } = stream.stream.status ?? {}
  metrics.observeStream({
    namespace,
    stream: name,
    accuracy: { measured: accuracy?.measured ?? null, predicted: accuracy?.predicted ?? null },
    shares:
      item === undefined
        ? []
        : site.pods
            .filter(pod => pod.stream === name && readings.has(pod.name))
            .map(pod => ({
              role: pod.role,
              node: item.node,
              gpu: item.gpu,
              share: readings.get(pod.name)!.actual,
            })),
    latencySeconds: answer?.latencySeconds ?? null,
  })
  for (const pod of site.pods) {
    if (pod.stream !== name || pod.role !== 'inference') continue
    const { result, status } = pod
    const frames =
      result?.kind === 'inference' ? result.frames : status?.role === 'inference' ? status.frames : undefined
    const restarts = pod.pod.status?.containerStatuses?.[0]?.restartCount ?? 0
    if (frames !== undefined) metrics.observeFrames(namespace, name, `${pod.uid}/${restarts}`, frames)
  }
}
