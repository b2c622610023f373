/**
 * What the operator knows of the cluster: stores of the two kinds, of its own pods and of the nodes, kept in step by reflectors,
 * and the snapshot of one site put together from them.
 *
 * Followers keep it warm, too. Nothing here writes; a snapshot shares the stores' frozen objects.
 */
import type { CameraStream, RetrainingWindow } from '../api/generated/types.ts'
import { managedByLabel, managedByValue, retrainingWindowLabel } from '../api/names.ts'
import { type Clock, systemClock } from '../kube/clock.ts'
import type { Log } from '../kube/log.ts'
import { mergedStore } from '../kube/merged-store.ts'
import type { KubeObject } from '../kube/objects.ts'
import { createReflector, type Reflector, type ReflectorHooks } from '../kube/reflector.ts'
import { nodes, pods, type Resource } from '../kube/resources.ts'
import type { StoreView } from '../kube/store.ts'
import type { Transport } from '../kube/transport.ts'
import type { RawNode, SiteGpu } from '../sharing/backend.ts'
import type { BackendSet } from '../sharing/backends/registry.ts'
import { siteTraining } from '../sharing/site-training.ts'
import { LastingFaults } from './lasting-faults.ts'
import { type LostNode, NodeHealth, withoutLost } from './lost-nodes.ts'
import { type Observation, type Pod, podSnapshot } from './pod.ts'
import { cameraStreams, retrainingWindows } from './resources.ts'
import { type Membership, membership } from './selection.ts'
import { newest, onDuty, type PodSnapshot, type SiteSnapshot, type StreamSnapshot } from './snapshot.ts'

export type Node = KubeObject & RawNode

export interface Cluster {
  readonly streams: StoreView<CameraStream>
  readonly windows: StoreView<RetrainingWindow>
  readonly pods: StoreView<Pod>
  readonly nodes: StoreView<Node>
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  whenSynced(signal?: AbortSignal): Promise<void>
  /** What has not been listed yet. */
  awaited(): readonly string[]
  /** By plural, how long the API server has said nothing of a resource, milliseconds. */
  silence(): ReadonlyMap<string, number>
  membership(stream: CameraStream): Membership
  /** GPUs that a window governs: its node selector, without lost nodes, then the maximum, in the order of node names. */
  gpus(window: RetrainingWindow): readonly SiteGpu[]
  /** Why GPUs of its nodes are left out, a sentence each. */
  refusals(window: RetrainingWindow): readonly string[]
  /** Nodes with GPUs of the site that cannot be reached. */
  lostNodes(window: RetrainingWindow): readonly LostNode[]
  site(window: RetrainingWindow, observe: (uid: string) => Observation | undefined, now: number): SiteSnapshot
}

export interface ClusterOptions {
  readonly transport: Pick<Transport, 'list' | 'watch'>
  readonly backends: BackendSet
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[]
  readonly fieldManagers: readonly string[]
  /** How long nodes have been unready and GPUs have had a fault is told by it. */
  readonly clock?: Pick<Clock, 'monotonicMs'>
  readonly log?: Log
  readonly hooks?: ReflectorHooks
}

export function createCluster(options: ClusterOptions): Cluster {
  const { transport, backends, namespaces, log, hooks, fieldManagers, clock = systemClock } = options
  const reflectors: Reflector[] = []
  const reflect = <T extends KubeObject>(resource: Resource, labelSelector?: string): StoreView<T> => {
    const scopes = resource.namespaced && namespaces.length > 0 ? namespaces : [undefined]
    const own = scopes.map(namespace =>
      createReflector<T>({
        transport,
        resource,
        log,
        hooks,
        keepFieldManagers: fieldManagers,
        ...(namespace === undefined ? {} : { namespace }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
      }),
    )
    reflectors.push(...(own as unknown as Reflector[]))
    return mergedStore(own.map(reflector => reflector.store))
  }
  const streams = reflect<CameraStream>(cameraStreams)
  const windows = reflect<RetrainingWindow>(retrainingWindows)
  const workers = reflect<Pod>(pods, `${managedByLabel}=${managedByValue}`)
  const machines = reflect<Node>(nodes)
  const health = new NodeHealth(clock)
  const faults = new LastingFaults(clock)
  machines.subscribe({
    onChange: change => {
      health.observe(change)
      faults.observe(change.key, change.new === undefined ? [] : backends.discover(change.new))
    },
  })

  const memberOf = (stream: CameraStream): Membership =>
    membership(stream, windows.inNamespace(stream.metadata.namespace ?? ''))

  const nodesOf = ({ spec: { gpus } }: RetrainingWindow): readonly Node[] =>
    machines
      .list()
      .filter(node =>
        Object.entries(gpus.nodeSelector).every(([key, value]) => node.metadata.labels?.[key] === value),
      )
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const lookAt = (window: RetrainingWindow) => {
    const looked = nodesOf(window).map(node => {
      const problem = health.problem(node)
      return {
        node: node.metadata.name,
        gpus: backends.discover(node).map(gpu => faults.judged(gpu)),
        ...(problem === undefined ? {} : { problem }),
      }
    })
    const { gpus, lost } = withoutLost(looked)
    return { gpus: gpus.slice(0, window.spec.gpus.maximum), lost }
  }
  const gpusOf = (window: RetrainingWindow): readonly SiteGpu[] => lookAt(window).gpus
  const refusalsOf = (window: RetrainingWindow, lost: readonly LostNode[]): readonly string[] => [
    ...nodesOf(window).flatMap(node => backends.refusals(node)),
    ...lost.flatMap(({ node, problem, leftOut, offersNothing }) =>
      leftOut && offersNothing !== true ? [`node ${node}: ${problem}`] : [],
    ),
  ]

  return {
    streams,
    windows,
    pods: workers,
    nodes: machines,
    membership: memberOf,
    gpus: gpusOf,
    lostNodes: window => lookAt(window).lost,
    refusals: window => refusalsOf(window, lookAt(window).lost),
    async run(signal) {
      await Promise.all(reflectors.map(reflector => reflector.run(signal)))
    },
    async whenSynced(signal) {
      await Promise.all(reflectors.map(reflector => reflector.whenSynced(signal)))
    },
    awaited: () =>
      reflectors.filter(reflector => !reflector.hasSynced()).map(reflector => reflector.resource.plural),
    silence() {
      const silence = new Map<string, number>()
      for (const { resource, silentMs } of reflectors)
        silence.set(resource.plural, Math.max(silence.get(resource.plural) ?? 0, silentMs()))
      return silence
    },
    site(window, observe, now) {
      const { name, namespace: where = '' } = window.metadata
      const members = streams
        .inNamespace(where)
        .filter(
          s =>
            s.metadata.deletionTimestamp === undefined &&
            memberOf(s).window?.metadata.uid === window.metadata.uid,
        )
        .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      const memberNames = new Set(members.map(s => s.metadata.name))
      const all = workers
        .inNamespace(where)
        .map(pod => podSnapshot(pod, observe(pod.metadata.uid ?? '')))
        .filter(pod => pod !== undefined)
        // Pods follow their stream: what another window made for it before is this window's to settle.
        .filter(
          pod => memberNames.has(pod.stream) || pod.pod.metadata.labels?.[retrainingWindowLabel] === name,
        )
      const index = window.status?.current?.index
      const { gpus, lost } = lookAt(window)
      return {
        window,
        gpus,
        refusedGpus: refusalsOf(window, lost),
        lostNodes: lost,
        training: siteTraining(gpus.map(gpu => gpu.training ?? backends.of(gpu).training)),
        streams: members.map(stream => streamSnapshot(stream, all, index)),
        pods: all,
        now,
      }
    },
  }
}

function streamSnapshot(
  stream: CameraStream,
  pods: readonly PodSnapshot[],
  index: number | undefined,
): StreamSnapshot {
  const name = stream.metadata.name
  const own = pods.filter(pod => pod.stream === name)
  const find = (role: string) => newest(own.filter(pod => pod.role === role && pod.index === index))
  return {
    name,
    stream,
    inference: onDuty(own.filter(pod => pod.role === 'inference')) as StreamSnapshot['inference'],
    profile: find('profile'),
    training: find('training') as StreamSnapshot['training'],
  }
}
