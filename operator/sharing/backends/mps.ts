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
import { expectedMultiprocessorsVariable } from '../../api/worker.ts'
import type { EnvironmentVariable, RawNode, RawPod, ReplacingBackend, SiteGpu } from '../backend.ts'
import { foundGpu, type GpuBackendParts, gpuBackend, type PodOfUnits } from '../gpu-backend.ts'
import { advertised, type Inspection, isOlderDriver, refused } from '../gpu-node.ts'
import type { GpuOptions } from '../gpu-options.ts'
import { factsOf, workerUser } from '../gpu-share.ts'
import { workerOf } from '../worker-container.ts'

const name = 'mps'
/** The oldest that this is written for. */
const oldestDriver = 550
/** MPS serves 48 clients of a GPU; some are left for what is not ours. */
const clients = 44
/** Differences below are not worth a new pod. */
const smallestStep = 0.05

export function mpsBackend(options: GpuOptions): ReplacingBackend {
  return gpuBackend(
    {
      name,
      granularity: smallestStep,
      recognises: node => node.metadata?.annotations?.[gpuInventoryAnnotation] !== undefined,
      inspect,
      memoryApart: true,
      render: pod => render(options, pod),
      held(pod, gpu) {
        const memoryMiB = memoryHeld(pod)
        return { units: unitsHeld(pod, gpu), ...(memoryMiB === undefined ? {} : { memoryMiB }) }
      },
      verify,
    },
    options,
  )
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
  const { index, uuid, model, multiprocessors, pipeDirectory, shmDirectory, throughputCurve: curve } = gpu
  const resource = gpuShareResource(index)
  return foundGpu(name, node, machine, {
    index,
    memoryMiB: shareableMemoryMiB(gpu),
    memoryUnits: advertisedUnits,
    model,
    granularity: granularity(multiprocessors),
    ...(curve === undefined ? {} : { curve }),
    ...(gpu.state === 'fault' ? { fault: gpu.reason ?? 'its MPS server is in state FAULT' } : {}),
    facts: {
      steadyUnits: wholeGpuUnits,
      totalUnits: Math.min(advertised(node, resource) || advertisedUnits, advertisedUnits),
      clients,
      uuid,
      ...(multiprocessors === undefined ? {} : { multiprocessors }),
      resource,
      ...(inventory.allocation === 'device-plugin'
        ? {}
        : { daemon: { pipeDirectory, ...(shmDirectory === undefined ? {} : { shmDirectory }) } }),
    },
  })
}

/** Multiprocessors go in pairs: of a small GPU a step must be larger to be one. */
function granularity(multiprocessors: number | undefined): number {
  if (multiprocessors === undefined) return smallestStep
  return Math.min(1, Math.max(smallestStep, Math.ceil(200 / multiprocessors) / 100))
}

function render(
  options: GpuOptions,
  { units, memoryMiB, gpu, role, asksMemory }: PodOfUnits,
): ReturnType<GpuBackendParts['render']> {
  const { uuid = '', resource = '', multiprocessors, daemon } = factsOf(gpu)
  const mounts = daemon === undefined ? [] : mpsMounts(daemon)
  return {
    extended: { [resource]: units },
    env: [
      ...(daemon !== undefined
        ? mpsEnvironment({ uuid }, units, memoryMiB)
        : asksMemory
          ? [{ name: mpsVariables.memoryLimit, value: memoryLimit(memoryMiB) }]
          : []),
      { name: mpsVariables.priority, value: role === 'inference' ? '0' : '1' },
      ...expected(units, multiprocessors),
    ],
    annotations: { 'ekya.dev/gpu-uuid': uuid },
    ...(options.runtimeClass === undefined ? {} : { runtimeClassName: options.runtimeClass }),
    runAsUser: workerUser,
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
