/**
 * The mps backend: one extended resource per physical GPU, a share is the percentage of its multiprocessors that a client of NVIDIA MPS may
 * use. What a node has stands in its inventory, which our node agent writes (`api/gpu-inventory.ts`).
 *
 * Where kubelet hands the units out by the agent's device plugin, the container gets its GPU, MPS environment and mounts from there. Where
 * the agent only patches the node's capacity, all of that is written into the pod here. What the plugin cannot know (what the pod is for,
 * what it is to check, a memory limit of its own) is written here in both.
 */
import {
  advertisedUnits,
  type GpuInventory,
  type GpuRecord,
  gpuInventoryAnnotation,
  gpuShareResource,
  parseGpuInventory,
  wholeGpuUnits,
} from '../../api/gpu-inventory.ts'
import {
  memoryLimit,
  mpsEnvironment,
  mpsMounts,
  mpsVariables,
  multiprocessorsOf,
  shareableMemoryMiB,
} from '../../api/mps-client.ts'
import { expectedMultiprocessorsVariable, type WorkerRole } from '../../api/worker.ts'
import type {
  EnvironmentVariable,
  RawNode,
  RawPod,
  RenderedShare,
  ReplacingBackend,
  SiteGpu,
} from '../backend.ts'
import { admission, advertised, type Inspection, isOlderDriver, refused } from '../gpu-node.ts'
import type { GpuOptions } from '../gpu-options.ts'
import {
  amount,
  factsOf,
  graceSeconds,
  limits,
  memoryMiB,
  memoryOf,
  reading,
  resources,
  speedVariable,
  swapSeconds,
  unitsOf,
  workerUser,
} from '../gpu-share.ts'
import { trainingTraits } from '../throughput-curves.ts'
import { workerOf } from './cpu.ts'

const name = 'mps'
/** The oldest that this is written for. */
const oldestDriver = 550
/** MPS serves 48 clients of a GPU; some are left for what is not ours. */
const clients = 44
/** Differences below are not worth a new pod. */
const smallestStep = 0.05

export function mpsBackend(options: GpuOptions): ReplacingBackend {
  const recognises = (node: RawNode) => node.metadata?.annotations?.[gpuInventoryAnnotation] !== undefined
  return {
    name,
    training: { resizeSeconds: swapSeconds },
    resizes: 'replace',
    swapSeconds,
    granularity: smallestStep,
    ...admission({ backend: name, defaultBackend: options.defaultBackend, recognises }, inspect),
    render: (share, gpu, memory, role) => render(options, share, gpu, memory, role),
    read: (pod, gpu) => reading(pod, unitsHeld(pod, gpu), gpu),
    verify,
    limits,
    amount,
    amountOf: (pod, gpu) => {
      const units = unitsHeld(pod, gpu)
      return { units, memoryMiB: memoryHeld(pod) ?? memoryOf(units, gpu) }
    },
  }
}

function inspect(node: RawNode, machine: string): Inspection {
  const text = node.metadata?.annotations?.[gpuInventoryAnnotation]
  if (text === undefined)
    return refused(
      `it has no annotation ${gpuInventoryAnnotation}; accepted: nodes on which the node agent runs`,
    )
  const { inventory, problems } = parseGpuInventory(text)
  if (inventory === undefined)
    return refused(
      `its annotation ${gpuInventoryAnnotation} is not understood: ${problems
        .map(({ path, message }) => `${path} ${message}`.trim())
        .join('; ')}`,
    )
  if (inventory.gpus.length === 0) return refused('the node agent finds no GPU')
  if (isOlderDriver(inventory.driver, oldestDriver))
    return refused(`its NVIDIA driver is ${inventory.driver}; accepted: ${oldestDriver} or later`)
  const looked = inventory.gpus.map(gpu => ({ gpu, problem: problemOf(gpu, node) }))
  return {
    gpus: looked
      .filter(({ problem }) => problem === undefined)
      .map(({ gpu }) => siteGpu(gpu, inventory, node, machine)),
    refusals: looked.flatMap(({ gpu, problem }) =>
      problem === undefined ? [] : [`GPU ${gpu.index}: ${problem}`],
    ),
  }
}

function problemOf(gpu: GpuRecord, node: RawNode): string | undefined {
  if (gpu.mig) return 'MIG mode is on; accepted: GPUs without, because MPS is to divide the whole one'
  if (gpu.state === 'unusable') return gpu.reason
  const resource = gpuShareResource(gpu.index)
  const units = advertised(node, resource)
  if (units === undefined || (units > 0 && units < wholeGpuUnits))
    return `the node offers ${units ?? 'nothing'} of ${resource}; accepted: ${wholeGpuUnits} for what there is, ${advertisedUnits} with what changes of shares need`
  if (shareableMemoryMiB(gpu) === 0) return `its ${gpu.memoryMiB} MiB of memory leave none for pods`
  return undefined
}

function siteGpu(gpu: GpuRecord, inventory: GpuInventory, node: RawNode, machine: string): SiteGpu {
  const { uuid, model, multiprocessors, pipeDirectory, shmDirectory } = gpu
  const resource = gpuShareResource(gpu.index)
  return {
    node: machine,
    gpu: String(gpu.index),
    device: { kind: 'cuda' },
    memoryMiB: shareableMemoryMiB(gpu),
    labels: node.metadata?.labels ?? {},
    backend: name,
    granularity: granularity(multiprocessors),
    training: trainingTraits(swapSeconds, model, gpu.throughputCurve),
    ...(gpu.state === 'fault' ? { fault: gpu.reason ?? 'its MPS server is in state FAULT' } : {}),
    facts: {
      steadyUnits: wholeGpuUnits,
      totalUnits: Math.min(advertised(node, resource) || advertisedUnits, advertisedUnits),
      clients,
      uuid,
      model,
      ...(multiprocessors === undefined ? {} : { multiprocessors }),
      unitMiB: shareableMemoryMiB(gpu) / advertisedUnits,
      resource,
      ...(inventory.allocation === 'device-plugin'
        ? {}
        : { daemon: { pipeDirectory, ...(shmDirectory === undefined ? {} : { shmDirectory }) } }),
    },
  }
}

/** Multiprocessors go in pairs: of a small GPU a step must be larger to be one. */
function granularity(multiprocessors: number | undefined): number {
  if (multiprocessors === undefined) return smallestStep
  return Math.min(1, Math.max(smallestStep, Math.ceil(200 / multiprocessors) / 100))
}

function render(
  options: GpuOptions,
  share: number,
  gpu: SiteGpu,
  memory: string | undefined,
  role: WorkerRole = 'inference',
): RenderedShare {
  const { uuid = '', resource = '', multiprocessors, daemon } = factsOf(gpu)
  const units = unitsOf(share, gpu)
  const limit = memoryMiB(units, gpu, memory)
  const mounts = daemon === undefined ? [] : mpsMounts(daemon)
  return {
    resources: resources(options, { [resource]: units }),
    env: [
      ...(daemon !== undefined
        ? mpsEnvironment({ uuid }, units, limit)
        : memory !== undefined
          ? [{ name: mpsVariables.memoryLimit, value: memoryLimit(limit) }]
          : []),
      { name: mpsVariables.priority, value: role === 'inference' ? '0' : '1' },
      ...expected(units, multiprocessors),
      speedVariable(units, gpu),
    ],
    annotations: { 'ekya.dev/gpu-uuid': uuid, 'ekya.dev/share': String(units) },
    ...(options.runtimeClass === undefined ? {} : { runtimeClassName: options.runtimeClass }),
    runAsUser: workerUser,
    graceSeconds,
    ...(mounts.length === 0
      ? {}
      : {
          volumeMounts: mounts.map(mount => ({ name: mount.name, mountPath: mount.mountPath })),
          volumes: mounts.map(mount => ({
            name: mount.name,
            hostPath: { path: mount.hostPath, type: 'Directory' },
          })),
        }),
  }
}

function expected(units: number, multiprocessors: number | undefined): readonly EnvironmentVariable[] {
  if (multiprocessors === undefined) return []
  const { least, most } = multiprocessorsOf(units, multiprocessors)
  return [
    { name: expectedMultiprocessorsVariable, value: least === most ? String(least) : `${least}-${most}` },
  ]
}

function unitsHeld(pod: RawPod, gpu: SiteGpu): number {
  const { limits: held } = workerOf(pod).resources ?? {}
  return Number(held?.[factsOf(gpu).resource ?? ''] ?? 0)
}

function memoryHeld(pod: RawPod): number | undefined {
  const value = workerOf(pod).env?.find(each => each.name === mpsVariables.memoryLimit)?.value
  const [, mebibytes] = /^0=(\d+)M$/.exec(value ?? '') ?? []
  return mebibytes === undefined ? undefined : Number(mebibytes)
}

/** A percentage that is not the one of its units, or a worker that sees another number of multiprocessors. */
const verify: ReplacingBackend['verify'] = (pod, gpu, { multiprocessors: seen }) => {
  const units = unitsHeld(pod, gpu)
  const percentage = workerOf(pod).env?.find(each => each.name === mpsVariables.percentage)?.value
  if (percentage !== undefined && percentage !== String(units))
    return `${mpsVariables.percentage} is ${percentage} in the pod; accepted: ${units}, as many as it has units of the GPU`
  const { multiprocessors } = factsOf(gpu)
  if (multiprocessors === undefined || seen === undefined) return undefined
  const { least, most } = multiprocessorsOf(units, multiprocessors)
  return seen >= least && seen <= most
    ? undefined
    : `the worker sees ${seen} multiprocessors of GPU ${gpu.node}/${gpu.gpu}; accepted: ${least === most ? least : `${least} to ${most}`} for ${units} % of ${multiprocessors}`
}
