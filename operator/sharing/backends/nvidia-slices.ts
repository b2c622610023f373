/**
 * The nvidia-slices backend: NVIDIA's own device plugin with sharing by MPS, which divides each GPU into equal slices and nothing else. A pod
 * has one slice, whatever share is wanted of it (`largestShare`: plans know that more is worth nothing); more of a GPU would be more workers, which the
 * operator does not make for one stream.
 *
 * So no share of a pod ever changes and nothing is replaced. Slices of several GPUs have the same name, which does no harm where each pod has
 * one; which of the node's GPUs it is on is then the plugin's choice.
 */
import type { RawNode, ReplacingBackend, SiteGpu } from '../backend.ts'
import { admission, advertised, type Inspection, labelledFacts, partsPerGpu, refused } from '../gpu-node.ts'
import type { GpuOptions } from '../gpu-options.ts'
import {
  factsOf,
  graceSeconds,
  limits,
  memoryOf,
  reading,
  resources,
  speedVariable,
  swapSeconds,
  unitsOf,
} from '../gpu-share.ts'
import { cappedTraits, trainingTraits } from '../throughput-curves.ts'

const name = 'nvidia-slices'
export const slicesPerGpuLabel = 'ekya.dev/slices-per-gpu'
/** Of feature discovery. */
const replicasLabel = 'nvidia.com/gpu.replicas'
const strategyLabel = 'nvidia.com/gpu.sharing-strategy'
/** As many as MPS serves. */
const mostSlices = 48

export function nvidiaSlicesBackend(options: GpuOptions): ReplacingBackend {
  const { resource } = options.slices
  const slice = (share: number, gpu: SiteGpu) => {
    unitsOf(share, gpu)
    return { units: 1, memoryMiB: memoryOf(1, gpu) }
  }
  return {
    name,
    training: { resizeSeconds: swapSeconds },
    resizes: 'replace',
    swapSeconds,
    granularity: 1 / mostSlices,
    ...admission(
      {
        backend: name,
        defaultBackend: options.defaultBackend,
        recognises: node => advertised(node, resource) !== undefined,
      },
      (node, machine) => inspect(node, machine, options),
    ),
    render(share, gpu) {
      const { units } = slice(share, gpu)
      return {
        resources: resources(options, { [resource]: units }),
        env: [speedVariable(units, gpu)],
        annotations: { 'ekya.dev/share': String(Math.floor(100 / factsOf(gpu).totalUnits)) },
        graceSeconds,
      }
    },
    read: (pod, gpu) => reading(pod, 1, gpu),
    limits,
    amount: slice,
    amountOf: (_pod, gpu) => ({ units: 1, memoryMiB: memoryOf(1, gpu) }),
  }
}

function inspect(node: RawNode, machine: string, { slices: { resource, perGpu } }: GpuOptions): Inspection {
  const facts = labelledFacts(node)
  if (facts.mig)
    return refused('MIG mode is on; accepted: nodes with whole GPUs, which NVIDIA MPS is to slice')
  const strategy = node.metadata?.labels?.[strategyLabel]
  if (strategy !== undefined && strategy !== 'mps')
    return refused(
      `its GPUs are shared by ${strategy}, which gives no shares; accepted: sharing.mps in the device plugin's configuration`,
    )
  const slices = partsPerGpu(node, slicesPerGpuLabel, perGpu, [replicasLabel])
  if (typeof slices === 'string') return refused(slices)
  if (slices < 2 || slices > mostSlices)
    return refused(`a GPU has ${slices} slices; accepted: 2 to ${mostSlices}`)
  const offered = advertised(node, resource)
  if (offered === undefined) return refused(`it offers no ${resource}`)
  const count = offered === 0 ? (facts.count ?? 1) : Math.floor(offered / slices)
  if (count === 0) return refused(`it offers ${offered} of ${resource}; accepted: ${slices} for each GPU`)
  const memory = facts.memoryMiB
  return {
    refusals: [],
    gpus: Array.from({ length: count }, (_, index) => ({
      node: machine,
      gpu: String(index),
      device: { kind: 'cuda' as const },
      ...(memory === undefined ? {} : { memoryMiB: memory }),
      labels: node.metadata?.labels ?? {},
      backend: name,
      granularity: 1 / slices,
      largestShare: 1 / slices,
      training: cappedTraits(trainingTraits(swapSeconds, facts.model), 1 / slices),
      facts: {
        steadyUnits: slices,
        totalUnits: slices,
        clients: slices,
        ...(facts.model === undefined ? {} : { model: facts.model }),
        ...(memory === undefined ? {} : { unitMiB: memory / slices }),
        resource,
      },
    })),
  }
}
