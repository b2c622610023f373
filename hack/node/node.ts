/**
 * A real Kubernetes node on this machine: containerd, runc, a CNI bridge, kubelet and kube-proxy of the control plane's version, as root
 * on Debian, with control groups of version 1 or 2.
 *
 * It joins whatever cluster the kubeconfig names with an administrator's rights, a control plane on the loopback address included, and
 * lives in namespaces of its own (namespace.ts): nothing is left when it stops or when this process is killed. Its kubelet folder is
 * /var/lib/kubelet to the node and to its pods, and `kubeletFolder` to the machine, so that a device plugin may run on either side.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { ApiClient, type KubernetesObject } from '../control-plane/api-client.ts'
import { ensureNodeBinaries, type NodeBinaries } from '../control-plane/binaries.ts'
import { processGuard } from '../control-plane/guard.ts'
import { waitFor } from '../testing/wait-for.ts'
import { forwardApi } from './api-forwarder.ts'
import { openCgroup } from './cgroups.ts'
import { namesCommand, writeNames } from './cluster-names.ts'
import { NodeComponent } from './component.ts'
import {
  cniConfiguration,
  containerdToml,
  impersonatingKubeconfig,
  kubeletConfiguration,
  kubeProxyConfiguration,
  pauseImage,
} from './configuration.ts'
import { NodeError } from './errors.ts'
import { NodeNamespace } from './namespace.ts'
import { connectNetwork, type NodeNetwork } from './network.ts'
import { ensureKubeRouter, firewallArguments } from './network-policies/kube-router.ts'
import { ensureRequirements } from './requirements.ts'
import { pause, type ScratchImage, writeScratchImage } from './scratch-image.ts'

export interface NodeOptions {
  /** How to reach the API server, with an administrator's rights. */
  readonly kubeconfig: string
  /** Created if need be; must be short enough for sockets in it (about 60 characters). Removed on `stop` and when this process dies. */
  readonly directory: string
  /** The Node's name. Default `node`. */
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Default 64. */
  readonly maximumPods?: number
  /** Enforces NetworkPolicies, which the node's network alone does not. */
  readonly networkPolicies?: boolean
  readonly onProgress?: (line: string) => void
  readonly readyTimeoutMs?: number
}

export interface RealNode {
  readonly name: string
  /** Reachable from this machine, as are its pods' addresses. */
  readonly address: string
  /** This machine's address as the node and its pods see it. */
  readonly machineAddress: string
  /** /var/lib/kubelet of the node as a folder of this machine; sockets of device plugins are in `device-plugins` below. */
  readonly kubeletFolder: string
  readonly cgroup: { readonly path: string; readonly version: 1 | 2 }
  /** Where the logs of its programs are. */
  readonly directory: string
  /** Imports an archive (`docker save` or OCI); `name` names an OCI archive's image that has no name of its own. */
  importImage(archive: string, name?: string): Promise<void>
  /** Gives an image that was imported a second name. */
  tagImage(name: string, other: string): Promise<void>
  /** Kills a container's first process as the kernel would, without asking it. The ID as the API tells it. */
  killContainer(id: string): Promise<void>
  /** Makes and imports an image out of files of this machine. */
  importScratchImage(image: ScratchImage): Promise<void>
  /** Lets pods find the Services that there are now by name. */
  publishServices(): Promise<void>
  /** The command that runs `command` in the node's namespaces, from where Services are reached by their addresses. */
  enter(command: readonly string[]): readonly string[]
  /** Runs a command in the node's namespaces; resolves with its standard output. */
  run(command: readonly string[]): Promise<string>
  /** Runs a command in a container (its `containerID` in a pod's status), with that one's user and limits. */
  exec(containerId: string, command: readonly string[]): Promise<string>
  /** Ends kubelet alone (containers go on) and starts it again; resolves when the Node is ready again. */
  restartKubelet(): Promise<void>
  stopKubelet(): Promise<void>
  startKubelet(): Promise<void>
  /** Ends everything and removes what the node made, its Node and pods in the API included. Idempotent. */
  stop(): Promise<void>
}

/**
 * Resolves when the Node is ready and free of taints.
 *
 * @throws NodeError, ControlPlaneError (of the build); nothing is left behind
 */
export async function startNode(options: NodeOptions, signal?: AbortSignal): Promise<RealNode> {
  const { onProgress = () => {} } = options
  await ensureRequirements(onProgress)
  const binaries = await ensureNodeBinaries({ onProgress }, signal)
  const firewall = options.networkPolicies ? await ensureKubeRouter(onProgress, signal) : undefined
  const node = new NamespacedNode(binaries, options, firewall)
  try {
    await node.start(signal)
    return node
  } catch (error) {
    await node.stop()
    throw error
  }
}

class NamespacedNode implements RealNode {
  readonly name: string
  readonly directory: string
  readonly kubeletFolder: string
  cgroup: RealNode['cgroup'] = { path: '', version: 1 }
  readonly #binaries: NodeBinaries
  /** The program that enforces NetworkPolicies. */
  readonly #firewall: string | undefined
  readonly #options: NodeOptions
  readonly #onStop: (() => unknown)[] = []
  readonly #components = new Map<string, NodeComponent>()
  #namespace: NodeNamespace | undefined
  #network: NodeNetwork | undefined
  #client: ApiClient | undefined
  #stopped: Promise<void> | undefined
  #execs = 0

  constructor(binaries: NodeBinaries, options: NodeOptions, firewall: string | undefined) {
    this.#binaries = binaries
    this.#firewall = firewall
    this.#options = options
    this.name = options.name ?? 'node'
    this.directory = resolve(options.directory)
    this.kubeletFolder = join(this.directory, 'kubelet')
  }

  get address(): string {
    return this.#network?.nodeAddress ?? ''
  }

  get machineAddress(): string {
    return this.#network?.machineAddress ?? ''
  }

  get #containerdSocket(): string {
    return join(this.directory, 'containerd.sock')
  }

  get #namesFolder(): string {
    return join(this.directory, 'names')
  }

  async start(signal?: AbortSignal): Promise<void> {
    const { kubeconfig, maximumPods = 64, readyTimeoutMs = 90_000 } = this.#options
    for (const folder of ['kubelet', 'cni', 'containerd'])
      mkdirSync(join(this.directory, folder), { recursive: true, mode: 0o755 })
    processGuard().watchPath(this.directory)
    this.#atStop(() => {
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
      processGuard().forgetPath(this.directory)
    })
    const client = await ApiClient.fromKubeconfig(kubeconfig)
    this.#client = client
    this.#atStop(() => client.close())

    const namespace = await NodeNamespace.open(this.kubeletFolder)
    this.#namespace = namespace
    let closeCgroup: () => Promise<void> = async () => {}
    this.#atStop(() => closeCgroup())
    this.#atStop(() => namespace.close())
    const network = await connectNetwork(namespace)
    this.#network = network
    this.#atStop(() => network.close())
    const cgroup = openCgroup(`ekya-node-${network.interface}-${process.pid}`)
    this.cgroup = cgroup
    closeCgroup = () => cgroup.close()

    const server = new URL(client.server)
    const forwarder = await forwardApi(network.machineAddress, server)
    this.#atStop(() => forwarder.close())
    const given = parse(readFileSync(kubeconfig, 'utf8')) as Record<string, unknown>
    const access = (user: string, groups: string[]): object =>
      impersonatingKubeconfig(given, {
        server: `https://${network.machineAddress}:${forwarder.port}`,
        tlsServerName: server.hostname,
        user,
        groups,
      })
    this.#write('kubelet.kubeconfig', access(`system:node:${this.name}`, ['system:nodes']))
    this.#write('kube-proxy.kubeconfig', access('system:kube-proxy', []))

    const places = {
      directory: this.directory,
      containerdSocket: this.#containerdSocket,
      cniFolder: join(this.directory, 'cni'),
    }
    writeFileSync(
      join(this.directory, 'containerd.toml'),
      containerdToml(places, snapshotterFor(this.directory)),
    )
    this.#write('cni/10-ekya.conflist', cniConfiguration(network.pods))
    this.#write(
      'kubelet.yaml',
      kubeletConfiguration({
        address: network.nodeAddress,
        cgroupRoot: cgroup.path,
        containerdSocket: this.#containerdSocket,
        pods: network.pods,
        maximumPods,
        clusterDns: network.nodeAddress,
      }),
    )
    this.#write(
      'kube-proxy.yaml',
      kubeProxyConfiguration(this.name, join(this.directory, 'kube-proxy.kubeconfig')),
    )

    this.#launch('containerd', ['containerd', '--config', join(this.directory, 'containerd.toml')])
    await this.#until('containerd to answer', () => this.#ctr('version').then(() => true), 30_000, signal)
    await this.importScratchImage(pause(pauseImage))

    this.#launch('dnsmasq', namesCommand(this.#namesFolder, network.nodeAddress))
    await this.publishServices()
    await this.#publishApi(network.machineAddress, forwarder.port)
    this.#atStop(() => this.#deleteObjects(client))
    this.#launchKubelet()
    this.#launch('kube-proxy', [
      this.#binaries['kube-proxy'],
      '--config',
      join(this.directory, 'kube-proxy.yaml'),
    ])
    await this.#until('the Node to be ready', () => this.#isReady(), readyTimeoutMs, signal)
    if (this.#firewall === undefined) return
    const file = 'kube-router.kubeconfig'
    this.#write(file, access('kube-router', ['system:masters']))
    const settings = { kubeconfig: join(this.directory, file), node: this.name }
    this.#launch('kube-router', [this.#firewall, ...firewallArguments(settings)])
    const rules = () => this.run(['iptables-save'])
    await this.#until(
      'NetworkPolicies to be enforced',
      async () => (await rules()).includes('KUBE-ROUTER-FORWARD'),
      readyTimeoutMs,
      signal,
    )
  }

  async importImage(archive: string, name?: string): Promise<void> {
    await this.#ctr(
      'images',
      'import',
      ...(name === undefined ? [] : ['--index-name', name]),
      resolve(archive),
    )
  }

  async tagImage(name: string, other: string): Promise<void> {
    await this.#ctr('images', 'tag', '--force', name, other)
  }

  async killContainer(id: string): Promise<void> {
    await this.#ctr('tasks', 'kill', '--signal', 'SIGKILL', id.replace(/^containerd:\/\//, ''))
  }

  async importScratchImage(image: ScratchImage): Promise<void> {
    const archive = join(this.directory, `${image.name.replace(/[^a-z0-9.]+/g, '-')}.tar`)
    await writeScratchImage(archive, image)
    await this.importImage(archive)
    rmSync(archive)
  }

  async publishServices(): Promise<void> {
    const { items } = await this.#client!.get<{ items: Parameters<typeof writeNames>[1] }>('/api/v1/services')
    writeNames(this.#namesFolder, items)
  }

  enter(command: readonly string[]): readonly string[] {
    if (!this.#namespace) throw new Error('The node does not run')
    return this.#namespace.enter(command)
  }

  run(command: readonly string[]): Promise<string> {
    if (!this.#namespace) throw new Error('The node does not run')
    return this.#namespace.run(command)
  }

  exec(containerId: string, command: readonly string[]): Promise<string> {
    const id = containerId.replace(/^containerd:\/\//, '')
    return this.#ctr('tasks', 'exec', '--exec-id', `exec-${++this.#execs}`, id, ...command)
  }

  async restartKubelet(): Promise<void> {
    await this.stopKubelet()
    await this.startKubelet()
  }

  async stopKubelet(): Promise<void> {
    await this.#components.get('kubelet')?.kill('SIGTERM')
    this.#components.delete('kubelet')
  }

  async startKubelet(): Promise<void> {
    const since = new Date().toISOString()
    this.#launchKubelet()
    const socket = join(this.kubeletFolder, 'device-plugins/kubelet.sock')
    await this.#until(
      'kubelet to report again',
      async () => existsSync(socket) && (await this.#isReady()) && (await this.#reportedAfter(since)),
      this.#options.readyTimeoutMs ?? 90_000,
    )
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    for (const step of this.#onStop) {
      try {
        await step()
      } catch (error) {
        this.#options.onProgress?.(`stopping the node: ${(error as Error).message}`)
      }
    }
  }

  /** Steps run in the reverse order of their registration. */
  #atStop(step: () => unknown): void {
    this.#onStop.unshift(step)
  }

  #write(name: string, content: object): void {
    writeFileSync(join(this.directory, name), JSON.stringify(content, null, 2), { mode: 0o600 })
  }

  #ctr(...args: readonly string[]): Promise<string> {
    return this.run(['ctr', '--address', this.#containerdSocket, '--namespace', 'k8s.io', ...args])
  }

  #launchKubelet(): void {
    const labels = Object.entries(this.#options.labels ?? {}).map(([key, value]) => `${key}=${value}`)
    this.#launch('kubelet', [
      this.#binaries.kubelet,
      `--config=${join(this.directory, 'kubelet.yaml')}`,
      `--kubeconfig=${join(this.directory, 'kubelet.kubeconfig')}`,
      `--hostname-override=${this.name}`,
      `--node-ip=${this.address}`,
      ...(labels.length > 0 ? [`--node-labels=${labels.join(',')}`] : []),
    ])
  }

  #launch(name: string, command: readonly string[]): void {
    const log = join(this.directory, `${name}.log`)
    this.#components.set(name, new NodeComponent(this.#namespace!, name, command, log))
  }

  async #until(what: string, condition: () => Promise<boolean>, deadlineMs: number, signal?: AbortSignal) {
    const all = () => [...this.#components.values()]
    let died: NodeError | undefined
    const attempt = async (): Promise<boolean> => {
      try {
        for (const component of all()) component.assertRunning()
      } catch (error) {
        died = error as NodeError
        return true
      }
      return condition()
    }
    try {
      await waitFor(attempt, { deadlineMs, intervalMs: 100, describe: what }, signal)
    } catch (error) {
      if (signal?.aborted) throw error
      const logs = all().map(component => component.lastLogLines(8))
      throw new NodeError('not-ready', [(error as Error).message, ...logs].join('\n'), { cause: error })
    }
    if (died) throw died
  }

  async #isReady(): Promise<boolean> {
    const { spec, status } = await this.#node()
    const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    return ready === true && !spec.taints?.length
  }

  async #reportedAfter(since: string): Promise<boolean> {
    const { status } = await this.#node()
    // Times of the API have whole seconds.
    return (
      status?.conditions?.some(({ lastHeartbeatTime = '' }) => lastHeartbeatTime > since.slice(0, 19)) ===
      true
    )
  }

  #node(): Promise<NodeObject> {
    return this.#client!.get<NodeObject>(`/api/v1/nodes/${this.name}`)
  }

  /** A control plane on the loopback address has no endpoint that pods could reach; this one forwards to it. */
  async #publishApi(address: string, port: number): Promise<void> {
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
    const name = `kubernetes-${this.name}`
    await this.#client!.patch(`${slices}/${name}?fieldManager=ekya-hack&force=true`, 'apply', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    })
    this.#atStop(() => this.#client!.delete(`${slices}/${name}`).catch(() => {}))
  }

  /** Without its node a pod would stay "Running" for ever. Where the API server is already gone there is nothing to delete. */
  async #deleteObjects(client: ApiClient): Promise<void> {
    if (!(await client.isReady())) return
    const pods = `/api/v1/pods?fieldSelector=spec.nodeName%3D${encodeURIComponent(this.name)}`
    const { items } = await client.get<{ items: KubernetesObject[] }>(pods)
    await client.delete(`/api/v1/nodes/${this.name}`).catch(() => {})
    for (const { metadata } of items) {
      const body = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }
      const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`
      await client.delete(path, body).catch(() => {})
    }
  }
}

interface NodeObject {
  readonly spec: { readonly taints?: readonly unknown[] }
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly lastHeartbeatTime?: string
    }[]
  }
}

/** overlayfs does not stack on itself, as where this runs in a container. */
function snapshotterFor(folder: string): string {
  const overlay = 0x79_4c_76_30
  return statfsSync(folder).type === overlay ? 'native' : 'overlayfs'
}
