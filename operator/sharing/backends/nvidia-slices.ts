/**
 * The nvidia-slices backend: NVIDIA's own device plugin with sharing by MPS, which divides each GPU into equal slices and nothing else. A pod
 * has one slice, whatever share is wanted of it (`largestShare`: plans know that more is worth nothing); more of a GPU would be more workers, which the
 * operator does not make for one stream.
 *
 * So no share of a pod ever changes and nothing is replaced. Slices of several GPUs have the same name, which does no harm where each pod has
 * one; which of the node's GPUs it is on is then the plugin's choice.
 */
import type { RawNode, ReplacingBackend } from '../backend.ts'
import { gpuBackend, labelledGpus } from '../gpu-backend.ts'
import {
  advertised,
  dividedOtherwise,
  type Inspection,
  labelledFacts,
  partsPerGpu,
  refused,
} from '../gpu-node.ts'
import type { GpuOptions } from '../gpu-options.ts'
import { factsOf, unitsOf } from '../gpu-share.ts'

const name = 'nvidia-slices'
export const slicesPerGpuLabel = 'ekya.dev/slices-per-gpu'
/** Of feature discovery. */
const replicasLabel = 'nvidia.com/gpu.replicas'
const strategyLabel = 'nvidia.com/gpu.sharing-strategy'
/** As many as MPS serves. */
const mostSlices = 48

export function nvidiaSlicesBackend(options: GpuOptions): ReplacingBackend {
  const { resource } = options.slices
  return gpuBackend(
    {
      name,
      granularity: 1 / mostSlices,
      recognises: node => advertised(node, resource) !== undefined,
      inspect: (node, machine) => inspect(node, machine, options),
      units: (share, gpu) => Math.min(1, unitsOf(share, gpu)),
      render: ({ units, gpu }) => ({
        extended: { [resource]: units },
        percent: Math.floor(100 / factsOf(gpu).totalUnits),
      }),
      held: () => ({ units: 1 }),
    },
    options,
  )
}

function inspect(node: RawNode, machine: string, { slices: { resource, perGpu } }: GpuOptions): Inspection {
  const divided = dividedOtherwise(node, strategyLabel, {
    wholeGpus: 'nodes with whole GPUs, which NVIDIA MPS is to slice',
    strategy: "sharing.mps in the device plugin's configuration",
  })
  if (divided !== undefined) return refused(divided)
  const slices = partsPerGpu(node, slicesPerGpuLabel, perGpu, [replicasLabel])
  if (typeof slices === 'string') return refused(slices)
  if (slices < 2 || slices > mostSlices)
    return refused(`a GPU has ${slices} slices; accepted: 2 to ${mostSlices}`)
  const offered = advertised(node, resource)
  if (offered === undefined) return refused(`it offers no ${resource}`)
  const count = offered === 0 ? (labelledFacts(node).count ?? 1) : Math.floor(offered / slices)
  if (count === 0) return refused(`it offers ${offered} of ${resource}; accepted: ${slices} for each GPU`)
  return labelledGpus(name, node, machine, count, {
    granularity: 1 / slices,
    largestShare: 1 / slices,
    facts: { steadyUnits: slices, totalUnits: slices, clients: slices, resource },
  })
}
