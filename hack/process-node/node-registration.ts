/**
 * The Node object and its heartbeat: a Lease every ten seconds, and the status where somebody else has changed it.
 */
import { arch, hostname, platform, release, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { type ApiClient, ApiError, type KubernetesObject } from '../control-plane/api-client.ts'
import { nodePort } from './addresses.ts'
import { timestamp } from './pod.ts'
import { formatCores } from './quantity.ts'

export interface NodeDescription {
  readonly name: string
  readonly address: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly maximumPods: number
  readonly labels: Readonly<Record<string, string>>
  readonly limiter: string
}

const heartbeatMs = 10_000
/** How often the Node is looked at. */
const repairMs = 2_000
const leaseSeconds = 40

export class NodeRegistration {
  readonly #client: ApiClient
  readonly #node: NodeDescription
  readonly #path: string
  readonly #leasePath: string
  #uid = ''

  constructor(client: ApiClient, node: NodeDescription) {
    this.#client = client
    this.#node = node
    this.#path = `/api/v1/nodes/${node.name}`
    this.#leasePath = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node.name}`
  }

  /** Creates or takes over the Node object and reports it ready. */
  async register(signal?: AbortSignal): Promise<void> {
    const { name } = this.#node
    const labels = nodeLabels(this.#node)
    let node: KubernetesObject
    try {
      const body = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } }
      node = await this.#client.post<KubernetesObject>('/api/v1/nodes', body, signal)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error
      node = await this.#client.patch<KubernetesObject>(this.#path, 'merge', { metadata: { labels } }, signal)
    }
    this.#uid = node.metadata.uid ?? ''
    await this.#renewLease(signal)
    await this.#reportStatus(signal)
  }

  /** Until the signal. Errors are reported and the next beat tries again. */
  async heartbeat(onError: (line: string) => void, signal: AbortSignal): Promise<void> {
    let renewedAt = performance.now()
    while (!signal.aborted) {
      await delay(repairMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      try {
        if (performance.now() - renewedAt >= heartbeatMs) {
          await this.#renewLease(signal)
          renewedAt = performance.now()
        }
        await this.#repair(signal)
      } catch (error) {
        if (!signal.aborted) onError(`heartbeat: ${(error as Error).message}`)
      }
    }
  }

  async unregister(): Promise<void> {
    for (const path of [this.#path, this.#leasePath]) {
      await this.#client.delete(path).catch(error => {
        if (!(error instanceof ApiError) || error.status !== 404) throw error
      })
    }
  }

  /** The node controller marks a silent node as unknown, and somebody may have deleted it. */
  async #repair(signal: AbortSignal): Promise<void> {
    try {
      const node = await this.#client.get<NodeObject>(this.#path, signal)
      const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
      if (ready?.status !== 'True') await this.#reportStatus(signal)
      // Extended resources that somebody has put into the capacity are handed out, as kubelet does.
      const added = extendedResources(node.status?.capacity, node.status?.allocatable)
      if (added !== undefined)
        await this.#client.patch(
          `${this.#path}/status`,
          'strategic',
          { status: { allocatable: added } },
          signal,
        )
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) await this.register(signal)
      else throw error
    }
  }

  async #renewLease(signal?: AbortSignal): Promise<void> {
    // Lease times need six fractional digits; JavaScript writes three.
    const renewTime = new Date().toISOString().replace('Z', '000Z')
    const { name } = this.#node
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name,
        namespace: 'kube-node-lease',
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: this.#uid }],
      },
      spec: { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime },
    }
    await this.#client.patch(
      `${this.#leasePath}?fieldManager=process-node&force=true`,
      'apply',
      lease,
      signal,
    )
  }

  async #reportStatus(signal?: AbortSignal): Promise<void> {
    const status = nodeStatus(this.#node, timestamp(new Date()))
    await this.#client.patch(`${this.#path}/status`, 'strategic', { status }, signal)
  }
}

interface NodeObject {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly capacity?: Readonly<Record<string, string>>
    readonly allocatable?: Readonly<Record<string, string>>
  }
}

/** What allocatable lacks of them; undefined: nothing. Their names have a domain. */
function extendedResources(
  capacity: Readonly<Record<string, string>> = {},
  allocatable: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> | undefined {
  const added = Object.entries(capacity).filter(
    ([name, amount]) => name.includes('/') && allocatable[name] !== amount,
  )
  return added.length === 0 ? undefined : Object.fromEntries(added)
}

function nodeLabels(node: NodeDescription): Record<string, string> {
  return {
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': platform(),
    'kubernetes.io/arch': goArch(),
    'ekya.dev/process-node': 'true',
    'ekya.dev/sharing-backend': 'cpu',
    ...node.labels,
  }
}

function nodeStatus(node: NodeDescription, heartbeat: string): object {
  const resources = {
    cpu: formatCores(node.cpus),
    memory: `${Math.floor(node.memoryBytes / 1024)}Ki`,
    pods: String(node.maximumPods),
  }
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: heartbeat,
    lastTransitionTime: heartbeat,
  })
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: node.address },
      { type: 'Hostname', address: hostname() },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: nodePort } },
    conditions: [
      condition(
        'Ready',
        'True',
        'ProcessNodeReady',
        `pods run as local processes, cpu limits by ${node.limiter}`,
      ),
      condition('MemoryPressure', 'False', 'NotMeasured', 'a process node does not evict'),
      condition('DiskPressure', 'False', 'NotMeasured', 'a process node does not evict'),
      condition('PIDPressure', 'False', 'NotMeasured', 'a process node does not evict'),
    ],
    nodeInfo: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: release(),
      osImage: `${platform()} (process node)`,
      containerRuntimeVersion: 'process://1',
      kubeletVersion: 'v1.35.4',
      kubeProxyVersion: '',
      operatingSystem: platform(),
      architecture: goArch(),
    },
  }
}

/** Go's name of the processor, which Kubernetes uses. */
const goArch = (): string => ({ x64: 'amd64', ia32: '386' })[arch() as string] ?? arch()

export const machineMemoryBytes = (): number => totalmem()
