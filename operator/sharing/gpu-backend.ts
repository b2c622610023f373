/**
 * Backends of real GPUs have nearly everything in common: shares are whole units, pods keep theirs from their making to their end, and a change
 * is a new pod. `gpuBackend` makes one of what is its own, `foundGpu` a GPU of what its node says, `labelledGpus` all GPUs of a
 * node whose labels tell of them.
 */
import type { WorkerRole } from '../api/worker.ts'
import type {
  GpuFacts,
  RawNode,
  RawPod,
  RenderedShare,
  ReplacingBackend,
  SiteGpu,
  TrainingTraits,
} from './backend.ts'
import { admission, type Inspection, labelledFacts } from './gpu-node.ts'
import type { GpuBackendName, GpuOptions } from './gpu-options.ts'
import {
  graceSeconds,
  limits,
  memoryMiB,
  memoryOf,
  reading,
  resources,
  speedVariable,
  swapSeconds,
  unitsOf,
} from './gpu-share.ts'
import type { Amount } from './swap-order.ts'
import { cappedTraits, trainingTraits } from './throughput-curves.ts'

/** What a pod is made for. */
export interface PodOfUnits extends Amount {
  readonly gpu: SiteGpu
  readonly role: WorkerRole
  /** Its memory was asked for, and does not just go with the units. */
  readonly asksMemory: boolean
}

export interface GpuBackendParts {
  readonly name: GpuBackendName
  /** Smallest share difference that is worth a new pod, whatever the GPU. */
  readonly granularity: number
  /** Whether a node without a label has GPUs for this backend. */
  recognises(node: RawNode): boolean
  inspect(node: RawNode, machine: string): Inspection
  /** Whole units of a pod; default: the share's. @throws SharingError `share-out-of-range`. */
  units?(share: number, gpu: SiteGpu): number
  /** Device memory can be asked for apart from the share; default: it goes with it, whatever is asked for. */
  readonly memoryApart?: boolean
  render(pod: PodOfUnits): Omit<RenderedShare, 'resources' | 'graceSeconds'> & {
    /** Extended resources of the worker container. */
    readonly extended: Readonly<Record<string, number>>
    /** Of the GPU, for people to read; default: the units. */
    readonly percent?: number
  }
  /** What a pod was made with; memory absent: what goes with the units. */
  held(pod: RawPod, gpu: SiteGpu): Pick<Amount, 'units'> & Partial<Amount>
  readonly verify?: ReplacingBackend['verify']
}

export function gpuBackend(parts: GpuBackendParts, options: GpuOptions): ReplacingBackend {
  const { name, granularity, units = unitsOf, memoryApart = false, held, verify } = parts
  const amount = (share: number, gpu: SiteGpu, memory?: string): Amount => {
    const whole = units(share, gpu)
    return { units: whole, memoryMiB: memoryMiB(whole, gpu, memoryApart ? memory : undefined) }
  }
  return {
    name,
    training: { resizeSeconds: swapSeconds },
    resizes: 'replace',
    swapSeconds,
    granularity,
    ...admission(
      { backend: name, defaultBackend: options.defaultBackend, recognises: parts.recognises },
      parts.inspect,
    ),
    render(share, gpu, memory, role = 'inference') {
      const pod = { ...amount(share, gpu, memory), gpu, role, asksMemory: memory !== undefined }
      const { extended, percent = pod.units, env = [], annotations, ...more } = parts.render(pod)
      return {
        resources: resources(options, extended),
        env: [...env, speedVariable(pod.units, gpu)],
        annotations: { ...annotations, 'ekya.dev/share': String(percent) },
        ...more,
        graceSeconds,
      }
    },
    read: (pod, gpu) => reading(pod, held(pod, gpu).units, gpu),
    ...(verify === undefined ? {} : { verify }),
    limits,
    amount,
    amountOf(pod, gpu) {
      const { units: whole, memoryMiB: memory = memoryOf(whole, gpu) } = held(pod, gpu)
      return { units: whole, memoryMiB: memory }
    },
  }
}

/** What a node says of one of its GPUs. */
export interface FoundGpu {
  readonly index: number
  /** That pods may have together; absent: not known. */
  readonly memoryMiB?: number | undefined
  /** Units that all of it goes with; default: all. */
  readonly memoryUnits?: number
  readonly model?: string | undefined
  readonly granularity: number
  readonly largestShare?: number
  /** As measured on the spot; absent: that of its kind. */
  readonly curve?: TrainingTraits['throughputCurve']
  readonly fault?: string | undefined
  readonly facts: Omit<GpuFacts, 'model' | 'unitMiB'>
}

export function foundGpu(
  name: GpuBackendName,
  node: RawNode,
  machine: string,
  { index, memoryMiB: memory, model, granularity, largestShare, curve, fault, facts, ...rest }: FoundGpu,
): SiteGpu {
  const { memoryUnits = facts.totalUnits } = rest
  const traits = trainingTraits(swapSeconds, model, curve)
  return {
    node: machine,
    gpu: String(index),
    device: { kind: 'cuda' },
    ...(memory === undefined ? {} : { memoryMiB: memory }),
    labels: node.metadata?.labels ?? {},
    backend: name,
    granularity,
    ...(largestShare === undefined ? {} : { largestShare }),
    training: largestShare === undefined ? traits : cappedTraits(traits, largestShare),
    ...(fault === undefined ? {} : { fault }),
    facts: {
      ...facts,
      ...(model === undefined ? {} : { model }),
      ...(memory === undefined ? {} : { unitMiB: memory / memoryUnits }),
    },
  }
}

/** `count` GPUs that are alike, of which a node tells by labels. */
export function labelledGpus(
  name: GpuBackendName,
  node: RawNode,
  machine: string,
  count: number,
  found: Omit<FoundGpu, 'index' | 'model' | 'memoryMiB'>,
): Inspection {
  const { memoryMiB, model } = labelledFacts(node)
  return {
    refusals: [],
    gpus: Array.from({ length: count }, (_, index) =>
      foundGpu(name, node, machine, { ...found, index, memoryMiB, model }),
    ),
  }
}
