/**
 * Streams on one GPU whose shares a test moves at will: it writes them into the plan of a long window, as a policy would, and looks at
 * pods and books.
 */
import { join } from 'node:path'
import { waitFor } from '../../hack/testing/wait-for.ts'
import type { RetrainingWindow } from '../../operator/api/generated/types.ts'
import { apiVersion, standbyAnnotation, streamLabel, takeOverAnnotation } from '../../operator/api/names.ts'
import { samplesFolder } from '../../operator/api/storage.ts'
import type { Pod } from '../../operator/cluster/pod.ts'
import type { Backend, RawNode, SiteGpu } from '../../operator/sharing/backend.ts'
import { cpuReplaceBackend } from '../../operator/sharing/backends/cpu-replace.ts'
import { readSummaries, type WindowSummary } from '../../workers/runtime/sample-folder.ts'
import { type Account, accountOf } from './frame-account.ts'
import { type E2eSite, sceneClasses } from './site.ts'

/** Units by stream. */
export type Shares = Readonly<Record<string, number>>

const name = 'site'

export class ResizingSite {
  readonly #site: E2eSite
  readonly #streams: readonly string[]
  /** The largest sum of steady shares that was ever seen, in units, and of all pods. */
  most = { steady: 0, total: 0, pods: 0 }
  observations = 0
  /** Of each pod that took over: from being seen first to its first frame, seconds. */
  readonly swapSeconds: number[] = []
  /** Of each change of a share: from its being written to the node's holding it and no other, seconds. */
  readonly resizeSeconds: number[] = []
  restarts = 0
  readonly #backend: Backend
  /** The one that the site's node has, or stands for. */
  #gpu: SiteGpu | undefined
  #changing: { readonly since: number; readonly streams: Set<string> } = { since: 0, streams: new Set() }
  readonly #firstSeen = new Map<string, number>()
  readonly #tookOver = new Set<string>()

  constructor(site: E2eSite, streams: readonly string[], backend: Backend = cpuReplaceBackend) {
    this.#site = site
    this.#streams = streams
    this.#backend = backend
  }

  async begin(frameRate: number): Promise<void> {
    const { items } = await this.#site.api.client().get<{ items: readonly RawNode[] }>('/api/v1/nodes')
    this.#gpu = items.flatMap(node => this.#backend.discover(node))[0]!
    for (const [i, stream] of this.#streams.entries())
      await this.#site.camera(stream, {
        source: { scene: { seed: i + 1 } },
        frameRate,
        classes: sceneClasses,
        model: { uri: 'initial/student.onnx' },
      })
    await this.#site.window(name, {
      streamSelector: { matchLabels: { site: 'a' } },
      duration: '4h',
      scheduler: { step: 0.05 },
      labeling: { maxSamples: 100 },
      retraining: {
        configurations: [
          { name: 'all-2', epochs: 2, batchSize: 16, learningRate: 0.01, trainableLayers: 'all' },
        ],
      },
    })
    await waitFor(
      async () => {
        this.#site.check()
        const { current, plan } = (await this.#site.readWindow(name)).status ?? {}
        return current?.phase === 'Retraining' && plan?.items.length === this.#streams.length
      },
      { deadlineMs: 120_000, intervalMs: 200, describe: 'the window to be planned' },
    )
  }

  async setShares(shares: Shares): Promise<void> {
    const before = new Map((await this.pods()).map(pod => [streamOf(pod), this.unitsOf(pod)]))
    const path = `/apis/${apiVersion}/namespaces/${this.#site.api.namespace()}/retrainingwindows/${name}/status`
    await waitFor(
      async () => {
        const { metadata, status } = await this.#site.readWindow(name)
        const plan = status!.plan!
        const items = plan.items.map(item => ({ ...item, inferenceShare: shares[item.stream]! / 100 }))
        const body = {
          metadata: { resourceVersion: metadata.resourceVersion },
          status: { plan: { ...plan, items } },
        }
        return this.#site.api
          .client()
          .patch<RetrainingWindow>(path, 'merge', body)
          .then(
            () => true,
            () => false,
          )
      },
      { deadlineMs: 10_000, intervalMs: 50, describe: 'the shares to be written' },
    )
    const changed = this.#streams.filter(stream => before.get(stream) !== shares[stream])
    this.#changing = { since: performance.now(), streams: new Set(changed) }
  }

  async pods(): Promise<readonly Pod[]> {
    const path = `/api/v1/namespaces/${this.#site.api.namespace()}/pods?labelSelector=${encodeURIComponent(streamLabel)}`
    return (await this.#site.api.client().get<{ items: readonly Pod[] }>(path)).items
  }

  /** Of the GPU, where that stands for cores. */
  get cores(): number {
    return this.#gpu?.device.cores ?? Number.NaN
  }

  /** Whether each stream has one pod, ready, of the right share; keeps the books of what was seen on the way. */
  async isAt(shares: Shares): Promise<boolean> {
    const pods = await this.pods()
    const units = (pod: Pod) => this.unitsOf(pod)
    this.observations++
    for (const pod of pods) this.#see(pod)
    const steady = this.#streams.reduce(
      (sum, stream) => sum + Math.max(0, ...pods.filter(pod => streamOf(pod) === stream).map(units)),
      0,
    )
    const total = pods.reduce((sum, pod) => sum + units(pod), 0)
    this.most = {
      steady: Math.max(this.most.steady, steady),
      total: Math.max(this.most.total, total),
      pods: Math.max(this.most.pods, pods.length),
    }
    const there = this.#streams.filter(stream => {
      const [pod, other] = pods.filter(each => streamOf(each) === stream)
      return (
        pod !== undefined &&
        other === undefined &&
        isReady(pod) &&
        isTold(pod) &&
        !this.#backend.read(pod, this.#gpu!).resizing &&
        units(pod) === shares[stream]
      )
    })
    const { since, streams: changing } = this.#changing
    for (const stream of there)
      if (changing.delete(stream)) this.resizeSeconds.push((performance.now() - since) / 1000)
    return there.length === this.#streams.length
  }

  /** Hundredths of the GPU; where shares change in place, those that the node enforces. */
  unitsOf(pod: Pod): number {
    const backend = this.#backend
    return backend.resizes === 'replace'
      ? backend.amountOf(pod, this.#gpu!).units
      : Math.round(backend.read(pod, this.#gpu!).actual * 100)
  }

  #see({ metadata, status }: Pod): void {
    const uid = metadata.uid!
    const since = this.#firstSeen.get(uid) ?? Date.now()
    this.#firstSeen.set(uid, since)
    this.restarts += status?.containerStatuses?.[0]?.restartCount ?? 0
    const mark = metadata.annotations?.[takeOverAnnotation]
    if (mark === undefined || this.#tookOver.has(uid)) return
    this.#tookOver.add(uid)
    this.swapSeconds.push((Date.parse((JSON.parse(mark) as { dueAt: string }).dueAt) - since) / 1000)
  }

  async settles(shares: Shares, what: string, deadlineMs = 120_000): Promise<void> {
    let seen: readonly Pod[] = []
    await waitFor(
      async () => {
        this.#site.check()
        seen = await this.pods()
        return this.isAt(shares)
      },
      {
        deadlineMs,
        intervalMs: 100,
        describe: () =>
          `${what}: ${JSON.stringify(shares)}; there are ${seen.map(pod => `${pod.metadata.name} (${this.unitsOf(pod)}, ${pod.status?.phase}, ${JSON.stringify(pod.metadata.annotations)})`).join(', ')}`,
      },
    )
  }

  /** Once the pods that serve have written their books up to a frame that is over by now. */
  async account(stream: string, upTo: number): Promise<Account> {
    const folder = join(this.#site.storage(), samplesFolder(this.#site.api.namespace(), stream, 0))
    const parts = await waitFor(
      async () => {
        const found = [...(await readSummaries(folder)).values()]
        return lastOf(found) >= upTo ? found : undefined
      },
      { deadlineMs: 30_000, intervalMs: 250, describe: `the books of ${stream} up to frame ${upTo}` },
    )
    return accountOf(parts)
  }

  /** The newest frame by the clock. */
  frameNow(frameRate: number): Promise<number> {
    return this.frameAt(Date.now(), frameRate)
  }

  /** The newest frame at that time, in milliseconds since 1970. */
  async frameAt(time: number, frameRate: number): Promise<number> {
    const { current } = (await this.#site.readWindow(name)).status ?? {}
    return Math.floor(((time - Date.parse(current!.startedAt!)) * frameRate) / 1000)
  }
}

export const streamOf = (pod: Pod): string => pod.metadata.labels?.[streamLabel] ?? ''

const readyOf = ({ status }: Pod) =>
  status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True')

/** In milliseconds since 1970, at most a second too early: times of the API have whole seconds. */
export const readySince = (pod: Pod): number => Date.parse(readyOf(pod)?.lastTransitionTime ?? '')

const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  pod.status?.phase === 'Running' &&
  readyOf(pod) !== undefined

const isTold = ({ metadata: { annotations = {} } }: Pod): boolean =>
  annotations[standbyAnnotation] === undefined || annotations[takeOverAnnotation] !== undefined

export const unitsOf = (pod: Pod, cores: number): number =>
  cpuReplaceBackend.amountOf(pod, { node: '', gpu: '0', device: { kind: 'cpu', cores } }).units

const lastOf = (parts: readonly WindowSummary[]): number =>
  Math.max(-1, ...parts.flatMap(({ analysed = [] }) => analysed.map(([, last]) => last)))
