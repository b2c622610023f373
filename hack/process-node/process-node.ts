/**
 * A Kubernetes node for machines without containers: each bound pod's containers run as local processes.
 *
 * It does what the demo and the tests need of a kubelet, and refuses by name what it cannot do (pod-admission.ts). A pod has a
 * loopback address of its own, its cpu limits hold and can be resized in place, probes, restarts, grace periods and termination
 * messages follow Kubernetes' rules. No isolation: pods share the machine's files, users and network.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ApiClient } from '../control-plane/api-client.ts'
import { cacheDirectory } from '../control-plane/binaries.ts'
import { processGuard } from '../control-plane/guard.ts'
import { openAddressBook } from './addresses.ts'
import { killLeftovers } from './leftovers.ts'
import { chooseLimiter, type LimiterChoice } from './limiters/choose.ts'
import type { LimiterKind } from './limiters/limiter.ts'
import { logServer } from './log-server.ts'
import { machineMemoryBytes, NodeRegistration } from './node-registration.ts'
import type { Pod } from './pod.ts'
import { sumDemands } from './pod-admission.ts'
import { followPods } from './pod-source.ts'
import { type Backoff, type PodHost, PodWorker } from './pod-worker.ts'

export interface ProcessNodeOptions {
  readonly kubeconfig: string
  /** The Node's name; one process node of that name at a time. */
  readonly name: string
  /** Capacity in cores, > 0. */
  readonly cpus: number
  /** For logs and termination messages; created if need be. */
  readonly directory: string
  /** Root of this checkout: its programs come first on the pods' PATH. */
  readonly repository: string
  /** Default: control groups where they can be used, else pausing. */
  readonly limiter?: LimiterChoice
  /** Default: the machine's. */
  readonly memoryBytes?: number
  readonly maximumPods?: number
  readonly labels?: Readonly<Record<string, string>>
  /** Variables that an image of the pods would set. */
  readonly imageEnv?: Readonly<Record<string, string>>
  readonly backoff?: Partial<Backoff>
  /** Leave the Node object (NotReady soon) and its pods in the API on `stop`. Default: they are deleted. */
  readonly keepNode?: boolean
  /** Remove `directory` on `stop`, and when the process dies. */
  readonly removeDirectory?: boolean
  readonly onProgress?: (line: string) => void
}

export interface RunningPod {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly address: string | undefined
  readonly processes: readonly {
    readonly container: string
    readonly pid: number | undefined
    readonly log: string
  }[]
}

export interface ProcessNode {
  readonly name: string
  readonly address: string
  readonly limiter: LimiterKind
  readonly directory: string
  pods(): readonly RunningPod[]
  /** cpu time that the pod's processes have used; 0 for one that is not here. */
  cpuSeconds(podUid: string): number
  /** Ends all pods' processes (SIGTERM, a second later SIGKILL) and removes what the node has made. Idempotent. */
  stop(): Promise<void>
}

const stopGraceMs = 1000
/** An image brings its code compiled: a worker on a tenth of a core starts in half the time. */
const compiledCode = { NODE_COMPILE_CACHE: join(cacheDirectory(), 'node-compile-cache') }

/** Resolves when the Node is registered and ready. Aborting the signal stops the node. */
export async function startProcessNode(
  options: ProcessNodeOptions,
  signal?: AbortSignal,
): Promise<ProcessNode> {
  const node = new LocalNode(options)
  try {
    await node.start(signal)
  } catch (error) {
    await node.stop()
    throw error
  }
  signal?.addEventListener('abort', () => void node.stop(), { once: true })
  return node
}

class LocalNode implements ProcessNode {
  readonly name: string
  readonly directory: string
  readonly #options: ProcessNodeOptions
  readonly #report: (line: string) => void
  readonly #ending = new AbortController()
  readonly #workers = new Map<string, PodWorker>()
  readonly #onStop: (() => unknown)[] = []
  #loops: Promise<unknown>[] = []
  #address = ''
  #limiterKind: LimiterKind = 'pause'
  #stopped: Promise<void> | undefined

  constructor(options: ProcessNodeOptions) {
    if (!(options.cpus > 0)) throw new RangeError(`cpus is ${options.cpus}; accepted are numbers above 0`)
    this.#options = options
    this.name = options.name
    this.directory = resolve(options.directory)
    this.#report = options.onProgress ?? (() => {})
  }

  get address(): string {
    return this.#address
  }

  get limiter(): LimiterKind {
    return this.#limiterKind
  }

  async start(signal?: AbortSignal): Promise<void> {
    const {
      cpus,
      repository,
      removeDirectory,
      maximumPods = 64,
      memoryBytes = machineMemoryBytes(),
    } = this.#options
    const marker = `${this.name}@${this.directory}`
    const killed = await killLeftovers(marker)
    if (killed > 0) this.#report(`killed ${killed} processes of an earlier run`)
    mkdirSync(this.directory, { recursive: true })
    if (removeDirectory) {
      processGuard().watchPath(this.directory)
      this.#onStop.unshift(() => {
        rmSync(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
        processGuard().forgetPath(this.directory)
      })
    }
    const client = await ApiClient.fromKubeconfig(this.#options.kubeconfig)
    this.#onStop.unshift(() => client.close())
    const addresses = await openAddressBook(hashOf(marker), hostIP =>
      logServer(this.name, hostIP, (namespace, pod, container, previous) =>
        [...this.#workers.values()]
          .findLast(({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === pod)
          ?.log(container, previous),
      ),
    )
    this.#onStop.unshift(() => addresses.close())
    this.#address = addresses.hostIP
    // Nodes of one name in different folders are different nodes: one that stops must not take the other's groups along.
    const folder = createHash('sha256').update(resolve(this.directory)).digest('hex').slice(0, 8)
    const limiter = chooseLimiter(
      this.#options.limiter ?? 'auto',
      `ekya-${this.name}-${folder}`,
      cpus,
      this.#report,
    )
    this.#onStop.unshift(() => limiter.close())
    this.#limiterKind = limiter.kind

    const registration = new NodeRegistration(client, {
      name: this.name,
      address: addresses.hostIP,
      cpus,
      memoryBytes,
      maximumPods,
      labels: this.#options.labels ?? {},
      limiter: limiter.kind,
    })
    const allocatable = { cpu: cpus, memory: memoryBytes }
    const binaries = ['hack/process-node/bin', 'node_modules/.bin'].map(folder =>
      join(resolve(repository), folder),
    )
    // What one pod held may be what another one's resize waits for.
    const retryDeferred = () => {
      for (const worker of this.#workers.values()) worker.kick()
    }
    const host: PodHost = {
      client,
      limiter,
      backoff: { initialMs: 10_000, maximumMs: 300_000, resetAfterMs: 600_000, ...this.#options.backoff },
      directory: join(this.directory, 'pods'),
      launchContext: () => ({
        hostIP: addresses.hostIP,
        nodeName: this.name,
        marker,
        path: binaries,
        inheritedPath: process.env.PATH ?? '/usr/bin:/bin',
        imageEnv: { ...compiledCode, ...this.#options.imageEnv },
        capacity: allocatable,
      }),
      allocateAddress: wanted => addresses.allocate(wanted),
      availableTo: uid => {
        const held = sumDemands(
          [...this.#workers.values()].filter(worker => worker.uid !== uid).map(({ demand }) => demand),
        )
        return { cpu: cpus - held.cpu, memory: memoryBytes - held.memory }
      },
      allocatable,
      released: worker => {
        this.#workers.delete(worker.uid)
        if (worker.address) addresses.release(worker.address)
        retryDeferred()
      },
      freed: () => retryDeferred(),
      report: this.#report,
    }
    await registration.register(signal)
    if (!this.#options.keepNode) this.#onStop.unshift(() => this.#deleteObjects(client, registration))
    this.#loops = [
      registration.heartbeat(this.#report, this.#ending.signal),
      followPods(client, this.name, this.#handler(host), this.#ending.signal),
    ]
  }

  pods(): readonly RunningPod[] {
    return [...this.#workers.values()].map(worker => ({
      uid: worker.uid,
      namespace: worker.pod.metadata.namespace,
      name: worker.pod.metadata.name,
      address: worker.address,
      processes: worker.processes,
    }))
  }

  cpuSeconds(podUid: string): number {
    return this.#workers.get(podUid)?.cpuSeconds ?? 0
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#loops)
    const workers = [...this.#workers.values()]
    await Promise.all(workers.map(worker => worker.abandon(stopGraceMs)))
    for (const step of this.#onStop) {
      try {
        await step()
      } catch (error) {
        this.#report(`stopping: ${(error as Error).message}`)
      }
    }
  }

  #handler(host: PodHost) {
    const change = (pod: Pod): void => {
      const known = this.#workers.get(pod.metadata.uid)
      if (known) {
        known.update(pod)
        return
      }
      const worker = new PodWorker(host, pod)
      this.#workers.set(worker.uid, worker)
      worker.kick()
    }
    return {
      onList: (pods: readonly Pod[]) => {
        const present = new Set(pods.map(pod => pod.metadata.uid))
        for (const worker of this.#workers.values()) if (!present.has(worker.uid)) worker.remove()
        for (const pod of pods) change(pod)
      },
      onChange: change,
      onDelete: (pod: Pod) => this.#workers.get(pod.metadata.uid)?.remove(),
      onError: this.#report,
    }
  }

  /** Without its node a pod would stay "Running" for ever. Where the API server is already gone there is nothing to delete. */
  async #deleteObjects(client: ApiClient, registration: NodeRegistration): Promise<void> {
    if (!(await client.isReady())) return
    const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${encodeURIComponent(this.name)}`
    const { items } = await client.get<{ items: Pod[] }>(path)
    for (const { metadata } of items) {
      const body = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }
      await client
        .delete(`/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`, body)
        .catch(() => {})
    }
    await registration.unregister()
  }
}

/** Spreads nodes over the address space, the same node always to the same place. */
function hashOf(text: string): number {
  let hash = 0
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)!) % 65_521
  return hash
}
