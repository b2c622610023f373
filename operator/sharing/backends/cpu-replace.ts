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
import { cpuCores, cpuRefusals, readCpuShare, renderCpuShare, workerOf } from './cpu.ts'

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
  return [
    {
      node: machine,
      gpu: '0',
      device: { kind: 'cpu', cores: (cores * steadyUnits) / totalUnits },
      ...(memory === undefined ? {} : { memoryMiB: Math.floor(parseMiB(memory)) }),
      labels,
    },
  ]
}

const unitsOf = (share: number): number => Math.max(1, Math.round(share * steadyUnits))
const mebibytes = (memory: string | undefined): number =>
  memory === undefined ? 0 : Math.ceil(parseMiB(memory))

function amountOf(pod: RawPod, gpu: SiteGpu): Amount {
  const { resources } = workerOf(pod)
  return {
    units: unitsOf(readCpuShare(pod, gpu).desired),
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
  render: renderCpuShare,
  read: readCpuShare,
  limits: ({ memoryMiB = Number.POSITIVE_INFINITY }) => ({ steadyUnits, totalUnits, memoryMiB, clients }),
  amount: (share, gpu, memory) => {
    renderCpuShare(share, gpu, memory)
    return { units: unitsOf(share), memoryMiB: mebibytes(memory) }
  },
  amountOf,
}
