/**
 * What a node says of its GPUs: one JSON document in the Node's annotation `ekya.dev/gpu-inventory`, written by the node agent and read
 * by the operator.
 *
 *   {"version": 1, "allocation": "device-plugin", "driver": "580.159.04", "gpus": [{"index": 0, "uuid": "GPU-…", …}]}
 *
 * The agent lists every GPU that it finds, those that cannot be shared with the reason, so that people are told. For each GPU in state
 * `ready` or `fault` the node advertises the extended resource `ekya.dev/gpu<index>-share` with `advertisedUnits` units.
 *
 * Units: a unit is 1 % of one GPU; memory is in MiB; speeds are relative to the whole GPU.
 */
import { Ajv } from 'ajv'
import { isRecord, problemsOf, type SchemaProblem, shown } from './schema-problems.ts'

export const gpuInventoryAnnotation = 'ekya.dev/gpu-inventory'

/** Of a whole GPU: what pods hold when no share is being changed adds up to at most this. */
export const wholeGpuUnits = 100
/** A share is changed by a new pod beside the old one, so a node offers twice what there is. */
export const advertisedUnits = 200

/** Extended resource of one physical GPU: with one name for all, kubelet would put a pod together from several. */
export const gpuShareResource = (index: number): string => `ekya.dev/gpu${index}-share`

export interface GpuInventory {
  readonly version: 1
  /**
   * How the units are advertised. `device-plugin`: kubelet gives containers their GPU, MPS environment and mounts, as the agent's plugin
   * tells it. `node-status`: the agent only patches the Node's capacity, and the operator writes all of it into the pod.
   */
  readonly allocation: 'device-plugin' | 'node-status'
  /** NVIDIA driver, for example `580.159.04`. */
  readonly driver: string
  readonly gpus: readonly GpuRecord[]
}

export interface GpuRecord {
  /** As `nvidia-smi` numbers it; names the extended resource. */
  readonly index: number
  /** As `nvidia-smi` gives it: `GPU-` and more. */
  readonly uuid: string
  /** For example `NVIDIA H100 80GB HBM3`. */
  readonly model: string
  readonly memoryMiB: number
  /** Absent: not known, and then no pod can check what it got. */
  readonly multiprocessors?: number
  /** MIG mode is on. */
  readonly mig: boolean
  /** Of this GPU's MPS control daemon, on the node. */
  readonly pipeDirectory: string
  /** Shared memory of that daemon, on the node; containers see it as /dev/shm. Absent: they keep their own. */
  readonly shmDirectory?: string
  /**
   * `ready`: MPS serves. `fault`: a client's error has taken the MPS server down, and it serves again once all its clients have gone; or its
   * control daemon has just ended, and its clients with it.
   * `unusable`: it cannot be shared.
   */
  readonly state: 'ready' | 'fault' | 'unusable'
  /** Why the state is not `ready`, as a sentence. */
  readonly reason?: string
  /** Training speed by share, as measured on this kind of GPU: rising, and [1, 1] last. */
  readonly throughputCurve?: readonly (readonly [number, number])[]
}

export type InventoryReading =
  | { readonly inventory: GpuInventory; readonly problems?: undefined }
  | { readonly inventory?: undefined; readonly problems: readonly SchemaProblem[] }

/** The annotation's text, checked. */
export function parseGpuInventory(text: string): InventoryReading {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    return { problems: [{ path: '', message: `${shown(text)} is no JSON: ${(error as Error).message}` }] }
  }
  return checkGpuInventory(document)
}

export function checkGpuInventory(document: unknown): InventoryReading {
  if (!isRecord(document))
    return { problems: [{ path: '', message: `${shown(document)} is no inventory; accepted: a mapping` }] }
  if (!validate(document)) return { problems: problemsOf(validate.errors ?? []) }
  const inventory = document as unknown as GpuInventory
  const problems = rules(inventory)
  return problems.length > 0 ? { problems } : { inventory }
}

const text = { type: 'string', minLength: 1, maxLength: 200 }
const folder = { type: 'string', pattern: '^/.*[^/]$', maxLength: 1000 }
const sentence = { type: 'string', minLength: 1, maxLength: 1000 }
const fraction = { type: 'number', exclusiveMinimum: 0, maximum: 1 }

const gpuSchema = {
  type: 'object',
  properties: {
    index: { type: 'integer', minimum: 0, maximum: 255 },
    uuid: { type: 'string', pattern: '^GPU-[-0-9A-Za-z]+$', maxLength: 100 },
    model: text,
    memoryMiB: { type: 'integer', minimum: 1 },
    multiprocessors: { type: 'integer', minimum: 1, maximum: 10_000 },
    mig: { type: 'boolean' },
    pipeDirectory: folder,
    shmDirectory: folder,
    state: { type: 'string', enum: ['ready', 'fault', 'unusable'] },
    reason: sentence,
    throughputCurve: {
      type: 'array',
      minItems: 2,
      maxItems: 100,
      items: { type: 'array', minItems: 2, maxItems: 2, items: fraction },
    },
  },
  required: ['index', 'uuid', 'model', 'memoryMiB', 'mig', 'pipeDirectory', 'state'],
  additionalProperties: false,
}

const validate = new Ajv({ allErrors: true, verbose: true, strict: true }).compile({
  type: 'object',
  properties: {
    version: { type: 'integer', minimum: 1, maximum: 1 },
    allocation: { type: 'string', enum: ['device-plugin', 'node-status'] },
    driver: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)*$', maxLength: 40 },
    gpus: { type: 'array', minItems: 0, maxItems: 64, items: gpuSchema },
  },
  required: ['version', 'allocation', 'driver', 'gpus'],
  additionalProperties: false,
})

/** What a schema cannot say. */
function rules({ gpus }: GpuInventory): readonly SchemaProblem[] {
  return gpus.flatMap((gpu, i) => [
    ...(['index', 'uuid'] as const)
      .filter(key => gpus.findIndex(other => other[key] === gpu[key]) < i)
      .map(key => ({
        path: `gpus[${i}].${key}`,
        message: `${shown(gpu[key])} is there already; accepted: each once`,
      })),
    ...(gpu.state !== 'ready' && gpu.reason === undefined
      ? [{ path: `gpus[${i}].reason`, message: `is missing; accepted: why the state is ${gpu.state}` }]
      : []),
    ...(gpu.throughputCurve === undefined || isRising(gpu.throughputCurve)
      ? []
      : [
          {
            path: `gpus[${i}].throughputCurve`,
            message: 'is no curve; accepted: shares that rise, speeds that do not fall, and [1, 1] last',
          },
        ]),
  ])
}

function isRising(curve: readonly (readonly [number, number])[]): boolean {
  const [share, speed] = curve.at(-1)!
  return (
    share === 1 &&
    speed === 1 &&
    curve.every(([x, y], i) => i === 0 || (x > curve[i - 1]![0] && y >= curve[i - 1]![1]))
  )
}
