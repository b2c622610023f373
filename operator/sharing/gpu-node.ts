/**
 * What backends of real GPUs read of a Node: whether it is meant for them, what it advertises, and what NVIDIA's feature discovery
 * and GKE say of it by labels. What a node lacks is told when it is looked at, and not in the middle of a window.
 */
import { type Backend, backendLabel, type RawNode, type SiteGpu } from './backend.ts'
import type { GpuBackendName } from './gpu-options.ts'
import { parseMillicores } from './quantity.ts'

export interface Inspection {
  readonly gpus: readonly SiteGpu[]
  /** Sentences; the node's name is put before them. */
  readonly refusals: readonly string[]
}

export const refused = (...refusals: readonly string[]): Inspection => ({ gpus: [], refusals })

export interface Meant {
  readonly backend: GpuBackendName
  /** Shares GPU nodes without a label. */
  readonly defaultBackend: GpuBackendName
  /** Whether a node without a label has GPUs for this backend. */
  readonly recognises: (node: RawNode) => boolean
}

/** `discover` and `refusals` of a backend, from one function that looks at nodes that are meant for it. */
export function admission(
  meant: Meant,
  inspect: (node: RawNode, name: string) => Inspection,
): Required<Pick<Backend, 'discover' | 'refusals'>> {
  const look = (node: RawNode): Inspection => {
    const name = node.metadata?.name
    // A cordoned node is left out on purpose.
    if (name === undefined || node.spec?.unschedulable === true || !isMeant(node, meant)) return refused()
    const kubelet = kubeletProblem(node)
    return kubelet === undefined ? inspect(node, name) : refused(kubelet)
  }
  return {
    discover: node => look(node).gpus,
    refusals: node =>
      look(node).refusals.map(sentence => `node ${node.metadata?.name} (${meant.backend}): ${sentence}`),
  }
}

function isMeant(node: RawNode, { backend, defaultBackend, recognises }: Meant): boolean {
  const label = node.metadata?.labels?.[backendLabel]
  return label === undefined ? backend === defaultBackend && recognises(node) : label === backend
}

/** Before 1.26 kubelet reaches device plugins in a way that Node's HTTP/2 refuses. */
const oldestKubelet = 26

function kubeletProblem({ status }: RawNode): string | undefined {
  const version = status?.nodeInfo?.kubeletVersion
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version ?? '') ?? []
  if (minor === undefined || Number(major) > 1 || Number(minor) >= oldestKubelet) return undefined
  return `its kubelet is ${version}; accepted: 1.${oldestKubelet} or later`
}

/**
 * Units of an extended resource that the node has for pods; undefined: it has never had any. 0 is said by kubelet after its own restart and
 * while a device plugin is away, and pods that run go on: no reason to take them off the GPU, new ones wait.
 */
export function advertised({ status }: RawNode, resource: string): number | undefined {
  const text = status?.allocatable?.[resource]
  return text === undefined ? undefined : Math.floor(parseMillicores(text) / 1000)
}

/** What labels say of a node's GPUs, by NVIDIA's feature discovery. */
export function labelledFacts({ metadata }: RawNode): {
  readonly model?: string
  /** Of each GPU, MiB. */
  readonly memoryMiB?: number
  readonly count?: number
  readonly driver?: string
  readonly mig: boolean
} {
  const labels = metadata?.labels ?? {}
  const model = labels['nvidia.com/gpu.product']?.replaceAll('-', ' ')
  const memoryMiB = positive(labels['nvidia.com/gpu.memory'])
  const count = positive(labels['nvidia.com/gpu.count'])
  const driver = labels['nvidia.com/cuda.driver-version.full'] ?? labels['nvidia.com/cuda.driver.major']
  return {
    ...(model === undefined ? {} : { model }),
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    ...(count === undefined ? {} : { count }),
    ...(driver === undefined ? {} : { driver }),
    mig: ['single', 'mixed'].includes(labels['nvidia.com/mig.strategy'] ?? ''),
  }
}

/**
 * Why a plugin of MPS cannot divide a node's GPUs: they are cut by MIG, or shared in another way.
 *
 * @param label tells the strategy by which they are shared @param accepted in words
 */
export function dividedOtherwise(
  node: RawNode,
  label: string,
  accepted: { readonly wholeGpus: string; readonly strategy: string },
): string | undefined {
  if (labelledFacts(node).mig) return `MIG mode is on; accepted: ${accepted.wholeGpus}`
  const strategy = node.metadata?.labels?.[label]
  return strategy === undefined || strategy === 'mps'
    ? undefined
    : `its GPUs are shared by ${strategy}, which gives no shares; accepted: ${accepted.strategy}`
}

/** A positive integer of a label; undefined for anything else. */
export function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined
}

/**
 * How many parts of a GPU a node advertises: its label, else what the operator is told, else labels of others.
 *
 * @returns a sentence where the node's label is no such number, or where nobody says it.
 */
export function partsPerGpu(
  node: RawNode,
  label: string,
  option: number | undefined,
  others: readonly string[],
): number | string {
  const labels = node.metadata?.labels ?? {}
  const own = labels[label]
  if (own !== undefined) {
    return positive(own) ?? `its label ${label} is "${own}"; accepted: an integer above 0`
  }
  const found = option ?? others.map(other => positive(labels[other])).find(number => number !== undefined)
  return found ?? `nobody says how many parts a GPU has; accepted: the label ${label} with an integer above 0`
}

/** Whether a driver (`580.159.04`) is older than a major version; false where it is not known. */
export function isOlderDriver(driver: string | undefined, major: number): boolean {
  const [, found] = /^(\d+)/.exec(driver ?? '') ?? []
  return found !== undefined && Number(found) < major
}
