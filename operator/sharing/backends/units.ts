/**
 * The units backend: GKE's MPS plugin and others that advertise a GPU as so many equal units of one resource and give a container as large a
 * part of the GPU as it has units of it. The plugin sets MPS up; nothing of it is written into the pod.
 *
 * Units of several GPUs have the same name, so Kubernetes may put a share together from two GPUs: nodes with one GPU only. There are no
 * more units than a GPU has, so some are kept for pods that take over.
 */
import type { RawNode, ReplacingBackend } from '../backend.ts'
import { gpuBackend, labelledGpus } from '../gpu-backend.ts'
import { advertised, dividedOtherwise, type Inspection, partsPerGpu, refused } from '../gpu-node.ts'
import type { GpuOptions } from '../gpu-options.ts'
import { factsOf, spareUnits } from '../gpu-share.ts'
import { workerOf } from '../worker-container.ts'

const name = 'units'
export const unitsPerGpuLabel = 'ekya.dev/units-per-gpu'
const gkeUnits = 'cloud.google.com/gke-max-shared-clients-per-gpu'
const gkeStrategy = 'cloud.google.com/gke-gpu-sharing-strategy'
/** Part of the units that is kept for pods that take over. */
const spare = 0.2
const smallestStep = 0.05

export function unitsBackend(options: GpuOptions): ReplacingBackend {
  const { resource } = options.units
  return gpuBackend(
    {
      name,
      granularity: smallestStep,
      recognises: node => advertised(node, resource) !== undefined,
      inspect: (node, machine) => inspect(node, machine, options),
      render: ({ units, gpu }) => ({
        extended: { [resource]: units },
        percent: Math.round((100 * units) / factsOf(gpu).totalUnits),
        // GKE asks for it of MPS clients.
        ...(gpu.labels?.[gkeStrategy] === 'mps' ? { hostIPC: true } : {}),
      }),
      held: pod => ({ units: Number(workerOf(pod).resources?.limits?.[resource] ?? 0) }),
    },
    options,
  )
}

function inspect(node: RawNode, machine: string, { units: { resource, perGpu } }: GpuOptions): Inspection {
  const divided = dividedOtherwise(node, gkeStrategy, {
    wholeGpus: 'nodes with a whole GPU',
    strategy: 'mps',
  })
  if (divided !== undefined) return refused(divided)
  const total = partsPerGpu(node, unitsPerGpuLabel, perGpu, [gkeUnits])
  if (typeof total === 'string') return refused(total)
  const units = advertised(node, resource)
  if (units === undefined) return refused(`it offers no ${resource}`)
  if (units > total)
    return refused(
      `it offers ${units} of ${resource} with ${total} to a GPU, and Kubernetes may put a share together from several GPUs; accepted: nodes with one GPU`,
    )
  if (units > 0 && units < total)
    return refused(`it offers ${units} of ${resource}; accepted: all ${total} of a GPU`)
  const steadyUnits = total - spareUnits(total, spare)
  if (steadyUnits < 2)
    return refused(`a GPU has ${total} units; accepted: 3 or more, of which some stay free`)
  return labelledGpus(name, node, machine, 1, {
    granularity: Math.max(smallestStep, 1 / steadyUnits),
    facts: { steadyUnits, totalUnits: total, clients: Math.min(total, 48), resource },
  })
}
