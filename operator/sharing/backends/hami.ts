/**
 * The hami backend, for clusters that share GPUs by HAMi: cores and memory of a GPU are asked for by resources of HAMi's scheduler, and a
 * library in the container holds it to them. What a node has stands in the annotation of HAMi's device plugin.
 *
 * HAMi accounts for all cores that are given away, so a new pod beside an old one needs twice as many as there are (`deviceCoreScaling: 2`
 * of its chart). Without, some cores are kept for pods that take over.
 */
import { Ajv } from 'ajv'
import type { RawNode, ReplacingBackend, SiteGpu } from '../backend.ts'
import { foundGpu, gpuBackend } from '../gpu-backend.ts'
import { type Inspection, refused } from '../gpu-node.ts'
import type { GpuOptions } from '../gpu-options.ts'
import { factsOf, spareUnits } from '../gpu-share.ts'
import { workerOf } from '../worker-container.ts'

const name = 'hami'
const hamiAnnotation = 'hami.io/node-nvidia-register'
const coresResource = 'nvidia.com/gpucores'
const memoryResource = 'nvidia.com/gpumem'
/** Part of the cores that is kept for pods that take over where HAMi offers no more than there are. */
const spare = 0.2
const wholeGpu = 100
const smallestStep = 0.05

/** One entry of the annotation's list; more is there and not needed. */
interface Device {
  readonly id: string
  readonly index?: number
  /** Pods at once. */
  readonly count: number
  /** MiB. */
  readonly devmem: number
  /** Per cent of cores that may be given away. */
  readonly devcore: number
  readonly type: string
  readonly mode?: string
  readonly health: boolean
}

const isDevices = new Ajv().compile<readonly Device[]>({
  type: 'array',
  items: {
    type: 'object',
    required: ['id', 'count', 'devmem', 'devcore', 'type', 'health'],
    properties: {
      id: { type: 'string', minLength: 1 },
      index: { type: 'integer', minimum: 0 },
      count: { type: 'integer', minimum: 1 },
      devmem: { type: 'integer', minimum: 1 },
      devcore: { type: 'integer', minimum: 1 },
      type: { type: 'string' },
      mode: { type: 'string' },
      health: { type: 'boolean' },
    },
  },
})

export function hamiBackend(options: GpuOptions): ReplacingBackend {
  return gpuBackend(
    {
      name,
      granularity: smallestStep,
      recognises: node => node.metadata?.annotations?.[hamiAnnotation] !== undefined,
      inspect,
      memoryApart: true,
      render: ({ units, memoryMiB, gpu }) => ({
        extended: { 'nvidia.com/gpu': 1, [coresResource]: units, [memoryResource]: memoryMiB },
        // Without it a pod that is alone on its GPU is not held to its share.
        env: [{ name: 'GPU_CORE_UTILIZATION_POLICY', value: 'force' }],
        annotations: { 'nvidia.com/use-gpuuuid': factsOf(gpu).uuid ?? '' },
      }),
      held(pod) {
        const { limits: has } = workerOf(pod).resources ?? {}
        return { units: Number(has?.[coresResource] ?? 0), memoryMiB: Number(has?.[memoryResource] ?? 0) }
      },
    },
    options,
  )
}

function inspect(node: RawNode, machine: string): Inspection {
  const devices = devicesOf(node.metadata?.annotations?.[hamiAnnotation])
  if (typeof devices === 'string') return refused(devices)
  if (devices.length === 0) return refused("HAMi's device plugin finds no GPU")
  const looked = devices.map((device, position) => ({
    device,
    index: device.index ?? position,
    problem: problemOf(device),
  }))
  return {
    gpus: looked
      .filter(({ problem }) => problem === undefined)
      .map(({ device, index }) => siteGpu(device, index, node, machine)),
    refusals: looked.flatMap(({ index, problem }) =>
      problem === undefined ? [] : [`GPU ${index}: ${problem}`],
    ),
  }
}

function devicesOf(text: string | undefined): readonly Device[] | string {
  if (text === undefined)
    return `it has no annotation ${hamiAnnotation}; accepted: nodes on which HAMi's device plugin runs`
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    document = undefined
  }
  return isDevices(document)
    ? document
    : `its annotation ${hamiAnnotation} is not understood; accepted: the JSON list of HAMi's device plugin`
}

function problemOf({ mode, health, devcore }: Device): string | undefined {
  if (!health) return 'HAMi says that it is not healthy'
  if (mode !== undefined && mode !== '' && mode !== 'hami-core')
    return `HAMi divides it by ${mode}; accepted: hami-core`
  if (devcore < wholeGpu)
    return `HAMi offers ${devcore} % of its cores; accepted: ${wholeGpu}, or ${2 * wholeGpu} by deviceCoreScaling: 2`
  return undefined
}

function siteGpu(device: Device, index: number, node: RawNode, machine: string): SiteGpu {
  const { id: uuid, devmem: memoryMiB, devcore, count: clients, type: model } = device
  const totalUnits = Math.min(devcore, 2 * wholeGpu)
  const steadyUnits = Math.min(wholeGpu, totalUnits - spareUnits(wholeGpu, spare))
  return foundGpu(name, node, machine, {
    index,
    memoryMiB,
    model,
    granularity: smallestStep,
    facts: { steadyUnits, totalUnits, clients, uuid },
  })
}
