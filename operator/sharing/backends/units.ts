/**
 * The units backend: GKE's MPS plugin and others that advertise a GPU as so many equal units of one resource and give a container as large a
 * part of the GPU as it has units of it. The plugin sets MPS up; nothing of it is written into the pod.
 *
 * Units of several GPUs have the same name, so Kubernetes may put a share together from two GPUs: nodes with one GPU only. There are no
 * more units than a GPU has, so some are kept for pods that take over.
 */
import type { RawNode, RawPod, ReplacingBackend } from '../backend.ts'
import { admission, advertised, type Inspection, labelledFacts, partsPerGpu, refused } from '../gpu-node.ts'
import type { GpuOptions } from '../gpu-options.ts'
import {
  amount,
  factsOf,
  graceSeconds,
  limits,
  memoryOf,
  reading,
  resources,
  spareUnits,
  speedVariable,
  swapSeconds,
  unitsOf,
} from '../gpu-share.ts'
import { trainingTraits } from '../throughput-curves.ts'
import { workerOf } from './cpu.ts'

const name = 'units'
export const unitsPerGpuLabel = 'ekya.dev/units-per-gpu'
const gkeUnits = 'cloud.google.com/gke-max-shared-clients-per-gpu'
const gkeStrategy = 'cloud.google.com/gke-gpu-sharing-strategy'
/** Part of the units that is kept for pods that take over. */
const spare = 0.2

export function unitsBackend(options: GpuOptions): ReplacingBackend {
  const { resource } = options.units
  const held = (pod: RawPod): number => Number(workerOf(pod).resources?.limits?.[resource] ?? 0)
  return {
    name,
    training: { resizeSeconds: swapSeconds },
    resizes: 'replace',
    swapSeconds,
    granularity: 0.05,
    ...admission(
      {
        backend: name,
        defaultBackend: options.defaultBackend,
        recognises: node => advertised(node, resource) !== undefined,
      },
      (node, machine) => inspect(node, machine, options),
    ),
    render(share, gpu) {
      const units = unitsOf(share, gpu)
      return {
        resources: resources(options, { [resource]: units }),
        env: [speedVariable(units, gpu)],
        annotations: { 'ekya.dev/share': percent(units / factsOf(gpu).totalUnits) },
        graceSeconds,
        // GKE asks for it of MPS clients.
        ...(gpu.labels?.[gkeStrategy] === 'mps' ? { hostIPC: true } : {}),
      }
    },
    read: (pod, gpu) => reading(pod, held(pod), gpu),
    limits,
    // Memory goes with the units, whatever is asked for.
    amount: (share, gpu) => amount(share, gpu),
    amountOf: (pod, gpu) => ({ units: held(pod), memoryMiB: memoryOf(held(pod), gpu) }),
  }
}

const percent = (part: number): string => String(Math.round(part * 100))

function inspect(node: RawNode, machine: string, { units: { resource, perGpu } }: GpuOptions): Inspection {
  const facts = labelledFacts(node)
  if (facts.mig) return refused('MIG mode is on; accepted: nodes with a whole GPU')
  const strategy = node.metadata?.labels?.[gkeStrategy]
  if (strategy !== undefined && strategy !== 'mps')
    return refused(`its GPUs are shared by ${strategy}, which gives no shares; accepted: mps`)
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
  const memory = facts.memoryMiB
  return {
    refusals: [],
    gpus: [
      {
        node: machine,
        gpu: '0',
        device: { kind: 'cuda' },
        ...(memory === undefined ? {} : { memoryMiB: memory }),
        labels: node.metadata?.labels ?? {},
        backend: name,
        granularity: Math.max(0.05, 1 / steadyUnits),
        training: trainingTraits(swapSeconds, facts.model),
        facts: {
          steadyUnits,
          totalUnits: total,
          clients: Math.min(total, 48),
          ...(facts.model === undefined ? {} : { model: facts.model }),
          ...(memory === undefined ? {} : { unitMiB: memory / total }),
          resource,
        },
      },
    ],
  }
}
