/**
 * The cpu-replace backend: shares as with `cpu`, changed as GPU backends must, by a new pod beside the old one. For tests, and for trying
 * out on a machine without GPUs what a resize does there.
 *
 * One "GPU" is half of the node's cores, so that all pods of it can exist twice for a moment: of 200 units that the node has, 100 are given
 * away for good. Device memory is the node's.
 */
import type { RawNode, RawPod, ReplacingBackend, SiteGpu } from '../backend.ts'
import { parseMiB } from '../quantity.ts'
import type { Amount } from '../swap-order.ts'
import { workerContainer, workerOf } from '../worker-container.ts'
import { cpuCores, cpuRefusals, minimumMillicores, readCpuShare, renderCpuShare } from './cpu.ts'

const name = 'cpu-replace'
const steadyUnits = 100
const totalUnits = 200
/** As many as MPS allows with some spare; a process needs no such bound. */
const clients = 44

function discover(node: RawNode): readonly SiteGpu[] {
  const cores = cpuCores(node, name)
  if (cores === 0) return []
  const { name: machine = '', labels = {} } = node.metadata ?? {}
  const memory = node.status?.allocatable?.memory
  const gpuCores = (cores * steadyUnits) / totalUnits
  return [
    {
      node: machine,
      gpu: '0',
      device: { kind: 'cpu', cores: gpuCores },
      // Of a small node the least limit of cpu time is several units.
      granularity: Math.min(1, Math.ceil(Math.max(1, minimumMillicores / (gpuCores * 10))) / steadyUnits),
      ...(memory === undefined ? {} : { memoryMiB: Math.floor(parseMiB(memory)) }),
      labels,
    },
  ]
}

/** Whole units of a share, rounded down as on a GPU, one at least. */
const wholeUnits = (share: number): number => Math.max(1, Math.floor(share * steadyUnits + 1e-4))

/** A whole unit may be no whole number of millicores: the most units that those of a pod can have come from. */
function unitsOf(pod: Pick<RawPod, 'spec'>, gpu: SiteGpu): number {
  const cores = gpu.device.cores ?? 0
  const { desired } = readCpuShare(pod, gpu)
  return Math.max(1, Math.ceil((desired + 1 / (cores * 1000)) * steadyUnits - 1e-9) - 1)
}

/** With the share in whole units. @throws SharingError `share-out-of-range`. */
function render(share: number, gpu: SiteGpu, memory?: string) {
  return renderCpuShare(share > 0 && share <= 1 ? wholeUnits(share) / steadyUnits : share, gpu, memory)
}
const mebibytes = (memory: string | undefined): number =>
  memory === undefined ? 0 : Math.ceil(parseMiB(memory))

function amountOf(pod: RawPod, gpu: SiteGpu): Amount {
  const { resources } = workerOf(pod)
  return {
    units: unitsOf(pod, gpu),
    memoryMiB: mebibytes(resources?.limits?.memory ?? resources?.requests?.memory),
  }
}

export const cpuReplaceBackend: ReplacingBackend = {
  name,
  training: { resizeSeconds: 5 },
  resizes: 'replace',
  swapSeconds: 5,
  granularity: 1 / steadyUnits,
  discover,
  refusals: node => cpuRefusals(node, name),
  render,
  read: readCpuShare,
  limits: ({ memoryMiB = Number.POSITIVE_INFINITY }) => ({ steadyUnits, totalUnits, memoryMiB, clients }),
  amount: (share, gpu, memory) =>
    amountOf({ spec: { containers: [{ name: workerContainer, ...render(share, gpu, memory) }] } }, gpu),
  amountOf,
}
