/**
 * The node agent: one step looks at everything and brings it to what it should be; nothing happens between two steps.
 *
 *   nvidia-smi → which GPUs can be shared → their MPS daemons → their device plugins → the Node's annotation (and capacity)
 *
 * Clients of pods that hang at their end are ended by their MPS server, before kubelet kills them in the middle of their work.
 *
 * A step that fails in one place goes on in the others, and says so in `problems`. The Node is written only where it differs.
 */
import {
  advertisedUnits,
  checkGpuInventory,
  type GpuInventory,
  gpuShareResource,
} from '../../operator/api/gpu-inventory.ts'
import type { SharePlugin } from './device-plugin/share-plugin.ts'
import { type EndingPod, LatePods } from './ending-pods.ts'
import { messageOf } from './errors.ts'
import {
  type Allocation,
  capacityOf,
  type Folders,
  inventoryOf,
  type KnownGpu,
  type ThroughputCurve,
} from './inventory.ts'
import type { DaemonReading, MpsDaemon } from './mps-daemon.ts'
import type { NodeObject, NodeReading } from './node-object.ts'
import type { Discovery, FoundGpu } from './nvidia-smi.ts'
import { type Surroundings, whyUnsuitable } from './suitability.ts'

export interface AgentPorts {
  discover(signal?: AbortSignal): Promise<Discovery>
  /** undefined: cannot be told. */
  multiprocessors(gpu: FoundGpu, signal?: AbortSignal): Promise<number | undefined>
  readonly node: NodeObject
  daemon(gpu: FoundGpu): Pick<MpsDaemon, 'check' | 'stop' | 'reading' | 'terminate'>
  /** undefined: none, because units are advertised in the Node's status. */
  plugin(gpu: FoundGpu): Pick<SharePlugin, 'check' | 'stop' | 'problem' | 'setHealthy'> | undefined
  /** Our pods here that are being deleted. */
  endingPods(signal?: AbortSignal): Promise<readonly EndingPod[]>
  /** Uid of a process's pod; undefined: it is in none. */
  podOf(pid: number): Promise<string | undefined>
  /** Monotonic milliseconds. */
  now(): number
  onClientEnded?(gpu: FoundGpu, pid: number, podUid: string): void
  /** Measured on this kind of GPU. */
  curve(gpu: FoundGpu): ThroughputCurve | undefined
}

export interface AgentOptions extends Omit<Surroundings, 'allocatable'> {
  readonly allocation: Allocation
  readonly folders: Folders
  /** Clients of pods that are killed within so many milliseconds are ended (LatePods). */
  readonly endsBeforeKillMs: number
}

export interface GpuView extends KnownGpu {
  readonly plugin: { readonly problem: string | undefined } | undefined
}

interface Shared {
  readonly gpu: FoundGpu
  readonly multiprocessors: number | undefined
  readonly daemon: ReturnType<AgentPorts['daemon']>
  readonly plugin: ReturnType<AgentPorts['plugin']>
}

export class NodeAgent {
  readonly #ports: AgentPorts
  readonly #options: AgentOptions
  readonly #shared = new Map<string, Shared>()
  readonly #late: LatePods
  #views: readonly GpuView[] | undefined
  #inventory: GpuInventory | undefined
  #problems: readonly string[] = ['it has not looked yet']

  constructor(ports: AgentPorts, options: AgentOptions) {
    this.#ports = ports
    this.#options = options
    this.#late = new LatePods(options.endsBeforeKillMs)
  }

  /** Of each GPU that was found last. */
  get gpus(): readonly GpuView[] {
    return this.#views ?? []
  }

  get inventory(): GpuInventory | undefined {
    return this.#inventory
  }

  /** What did not work in the last step; empty: all of it did. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** Whether it has told the API of its GPUs, and kubelet of those that can be shared. */
  awaiting(): readonly string[] {
    if (this.#inventory === undefined) return this.#problems
    return this.gpus.flatMap(({ gpu, unsuitable, plugin }) =>
      unsuitable === undefined && plugin?.problem !== undefined
        ? [`the device plugin of ${gpuShareResource(gpu.index)}: ${plugin.problem}`]
        : [],
    )
  }

  /** Rejects on abort only. */
  async step(signal?: AbortSignal): Promise<void> {
    const problems: string[] = []
    const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await work()
      } catch (error) {
        signal?.throwIfAborted()
        problems.push(`${what}: ${messageOf(error)}`)
        return undefined
      }
    }
    const { node, discover } = this.#ports
    const reading = await attempt('the Node cannot be read', () => node.read(signal))
    const found = await attempt('GPUs cannot be found', () => discover(signal))
    problems.push(...(found?.problems ?? []))
    // Whether others hand out the GPUs is in the Node: nothing is shared before that is known.
    if (found && (reading || this.#views)) {
      // All of them end before this does: after an abort nothing may be started behind the back of stop().
      const brought = await Promise.allSettled(
        found.gpus.map(gpu => this.#bring(gpu, reading, problems, signal)),
      )
      signal?.throwIfAborted()
      const views = brought.map((each, i) => {
        if (each.status === 'fulfilled') return each.value
        const reason = messageOf(each.reason)
        problems.push(`GPU ${found.gpus[i]!.index}: ${reason}`)
        return { gpu: found.gpus[i]!, unsuitable: reason, plugin: undefined }
      })
      await this.#leaveOut(found.gpus)
      this.#views = views
      await attempt('clients of pods that end are left to kubelet', () => this.#endLateClients(signal))
    }
    if (reading && this.#views) {
      const inventory = inventoryOf(this.#views, this.#options.allocation, this.#options.folders)
      if (
        (await attempt('the Node cannot be written', () => this.#publish(inventory, reading, signal))) ===
        true
      )
        this.#inventory = inventory
    }
    this.#problems = problems
  }

  /** Device plugins alone, for between two steps: a kubelet that came back is to know them at once. */
  async checkPlugins(): Promise<void> {
    await Promise.all([...this.#shared.values()].map(({ plugin }) => plugin?.check()))
  }

  /** Device plugins first, so that no pod comes while its GPU goes; then the daemons, and with them every client. */
  async stop(): Promise<void> {
    const all = [...this.#shared.values()]
    await Promise.all(all.map(({ plugin }) => plugin?.stop()))
    await Promise.all(all.map(({ daemon }) => daemon.stop()))
    this.#shared.clear()
  }

  async #bring(
    gpu: FoundGpu,
    reading: NodeReading | undefined,
    problems: string[],
    signal?: AbortSignal,
  ): Promise<GpuView> {
    const before = this.#views?.find(view => view.gpu.uuid === gpu.uuid)
    const unsuitable = reading
      ? whyUnsuitable(gpu, { ...this.#options, allocatable: reading.allocatable })
      : before?.unsuitable
    const curve = this.#ports.curve(gpu)
    let shared = this.#shared.get(gpu.uuid)
    const known = {
      gpu,
      ...(shared?.multiprocessors === undefined ? {} : { multiprocessors: shared.multiprocessors }),
      ...(curve === undefined ? {} : { throughputCurve: curve }),
    }
    if (unsuitable !== undefined) {
      // Clients that run already go on: to end them is for people to decide.
      const daemon = shared && (await shared.daemon.check(signal))
      shared?.plugin?.setHealthy(false)
      await shared?.plugin?.check()
      return { ...known, unsuitable, ...(daemon ? { daemon } : {}), plugin: shared?.plugin }
    }
    if (shared === undefined) {
      shared = {
        gpu,
        multiprocessors: await this.#ports.multiprocessors(gpu, signal),
        daemon: this.#ports.daemon(gpu),
        plugin: this.#ports.plugin(gpu),
      }
      this.#shared.set(gpu.uuid, shared)
    }
    const daemon: DaemonReading = await shared.daemon.check(signal)
    if (daemon.reason !== undefined) problems.push(`GPU ${gpu.index}: ${daemon.reason}`)
    shared.plugin?.setHealthy(daemon.state === 'ready')
    await shared.plugin?.check()
    if (shared.plugin?.problem !== undefined) problems.push(`GPU ${gpu.index}: ${shared.plugin.problem}`)
    const { multiprocessors } = shared
    return {
      ...known,
      ...(multiprocessors === undefined ? {} : { multiprocessors }),
      daemon,
      plugin: shared.plugin,
    }
  }

  /** What a client is killed in the midst of may take others along; what its server ends does not. */
  async #endLateClients(signal?: AbortSignal): Promise<void> {
    const { podOf, endingPods, now, onClientEnded } = this.#ports
    const serving = [...this.#shared.values()].filter(({ daemon: { reading } }) => reading.state === 'ready')
    if (serving.every(({ daemon }) => daemon.reading.clients.length === 0)) return
    const late = this.#late.among(await endingPods(signal), now())
    if (late.size === 0) return
    const failures: string[] = []
    for (const { gpu, daemon } of serving)
      for (const { pid } of daemon.reading.clients)
        try {
          const uid = await podOf(pid)
          if (uid !== undefined && late.has(uid) && (await daemon.terminate(pid, signal)))
            onClientEnded?.(gpu, pid, uid)
        } catch (error) {
          signal?.throwIfAborted()
          // The others have no more time than this one.
          failures.push(`PID ${pid}: ${messageOf(error)}`)
        }
    if (failures.length > 0) throw new Error(failures.join('; '))
  }

  /** A GPU that is gone takes its plugin and its daemon along. */
  async #leaveOut(found: readonly FoundGpu[]): Promise<void> {
    for (const [uuid, { plugin, daemon }] of this.#shared) {
      if (found.some(gpu => gpu.uuid === uuid)) continue
      this.#shared.delete(uuid)
      await plugin?.stop()
      await daemon.stop()
    }
  }

  async #publish(inventory: GpuInventory, reading: NodeReading, signal?: AbortSignal): Promise<true> {
    const { problems } = checkGpuInventory(inventory)
    if (problems) throw new Error(problems.map(({ path, message }) => `${path} ${message}`).join('; '))
    const text = JSON.stringify(inventory)
    if (text !== reading.inventory) await this.#ports.node.writeInventory(text, signal)
    if (this.#options.allocation === 'node-status') {
      const wanted = Object.entries(capacityOf(inventory, advertisedUnits, reading.capacity)).filter(
        ([name, quantity]) => (reading.capacity[name] ?? '0') !== quantity,
      )
      if (wanted.length > 0) await this.#ports.node.writeCapacity(Object.fromEntries(wanted), signal)
    }
    return true
  }
}
