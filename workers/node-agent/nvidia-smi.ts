/**
 * What `nvidia-smi` says of this machine's GPUs, from its CSV.
 *
 *   index, uuid, name, memory.total [MiB], memory.used [MiB], compute_mode, driver_version, mig.mode.current, compute_cap
 *   0, GPU-2417f491-…, NVIDIA H100 80GB HBM3, 81559 MiB, 0 MiB, Default, 580.159.04, Disabled, 9.0
 *
 * The number of multiprocessors is not among what it can be asked (multiprocessors.ts). Fields that older drivers do not know are left out.
 */
import { AgentError } from './errors.ts'
import type { ProgramResult, Programs } from './programs.ts'

export interface FoundGpu {
  readonly index: number
  readonly uuid: string
  readonly model: string
  readonly memoryMiB: number
  readonly usedMiB: number
  /** As nvidia-smi says it: `Default`, `Exclusive_Process`, `Prohibited`. */
  readonly computeMode: string
  readonly driver: string
  readonly mig: boolean
  /** Such as 9.0; undefined where the driver cannot tell. */
  readonly computeCapability: number | undefined
}

export interface Discovery {
  readonly gpus: readonly FoundGpu[]
  /** Lines that could not be read, each with what is wrong: a GPU that fell off the bus must not hide the others. */
  readonly problems: readonly string[]
}

/** Memory that one process holds of one GPU. */
export interface ProcessMemory {
  readonly uuid: string
  readonly pid: number
  readonly memoryMiB: number
}

const needed = ['index', 'uuid', 'name', 'memory.total', 'memory.used', 'compute_mode', 'driver_version']
const optional = ['mig.mode.current', 'compute_cap']

/** @throws AgentError program-missing, program-timeout, program-failed, answer-unreadable */
export async function discoverGpus(
  programs: Programs,
  nvidiaSmi: string,
  signal?: AbortSignal,
): Promise<Discovery> {
  let fields = [...needed, ...optional]
  for (;;) {
    const result = await programs.run(
      nvidiaSmi,
      [`--query-gpu=${fields.join(',')}`, '--format=csv'],
      {},
      signal,
    )
    const unknown = /Field "([^"]+)" is not a valid field/.exec(result.stdout + result.stderr)?.[1]
    if (unknown !== undefined && optional.includes(unknown)) {
      fields = fields.filter(field => field !== unknown)
      continue
    }
    return parseGpus(answerOf(result), fields)
  }
}

export function parseGpus(text: string, fields: readonly string[] = [...needed, ...optional]): Discovery {
  if (/^No devices were found/m.test(text)) return { gpus: [], problems: [] }
  const rows = tableOf(text, fields)
  const gpus: FoundGpu[] = []
  const problems: string[] = []
  rows.forEach((row, i) => {
    try {
      gpus.push(gpuOf(row))
    } catch (error) {
      problems.push(`nvidia-smi, GPU ${i + 1} of ${rows.length}: ${(error as Error).message}`)
    }
  })
  return { gpus, problems }
}

/** @throws AgentError */
export async function processMemory(
  programs: Programs,
  nvidiaSmi: string,
  signal?: AbortSignal,
): Promise<readonly ProcessMemory[]> {
  const args = ['--query-compute-apps=gpu_uuid,pid,used_memory', '--format=csv']
  return parseProcesses(answerOf(await programs.run(nvidiaSmi, args, {}, signal)))
}

export function parseProcesses(text: string): readonly ProcessMemory[] {
  if (/^No running processes found/m.test(text)) return []
  // The column is called used_gpu_memory whatever it was asked for as.
  return tableOf(text, ['gpu_uuid', 'pid', 'used_gpu_memory']).flatMap(row => {
    const [uuid, pid, memory] = [row.get('gpu_uuid')!, row.get('pid')!, row.get('used_gpu_memory')!]
    // [N/A] where the driver may not tell, as in some virtual machines.
    return /^\d+$/.test(pid) && /^\d+ MiB$/.test(memory)
      ? [{ uuid, pid: Number(pid), memoryMiB: Number.parseInt(memory, 10) }]
      : []
  })
}

/** @throws AgentError program-failed with what nvidia-smi said */
export async function setComputeMode(
  programs: Programs,
  nvidiaSmi: string,
  uuid: string,
  mode: 'EXCLUSIVE_PROCESS' | 'DEFAULT',
  signal?: AbortSignal,
): Promise<void> {
  answerOf(await programs.run(nvidiaSmi, ['-i', uuid, '-c', mode], {}, signal))
}

function answerOf({ status, stdout, stderr }: ProgramResult): string {
  if (status === 0 || /^No devices were found/m.test(stdout)) return stdout
  const said = `${stdout}\n${stderr}`.trim().replaceAll(/\s*\n\s*/g, ' ')
  throw new AgentError(
    'program-failed',
    `nvidia-smi ended with status ${status}: ${said || 'it said nothing'}`,
  )
}

type Row = ReadonlyMap<string, string>

function tableOf(text: string, fields: readonly string[]): readonly Row[] {
  const [header = '', ...lines] = text.split('\n').filter(line => line.trim() !== '')
  const names = header.split(',').map(name => name.replace(/\[.*\]/, '').trim())
  if (names.join() !== fields.join()) {
    throw new AgentError(
      'answer-unreadable',
      `nvidia-smi answered ${JSON.stringify(header.slice(0, 200))}; accepted: the columns ${fields.join(', ')}`,
    )
  }
  return lines.map(line => {
    const values = line.split(',').map(value => value.trim())
    return new Map(names.map((name, i) => [name, values[i] ?? '']))
  })
}

function gpuOf(row: Row): FoundGpu {
  const read = <T>(field: string, parse: (value: string) => T | undefined, accepted: string): T => {
    const value = row.get(field) ?? ''
    const parsed = parse(value)
    if (parsed === undefined) throw new Error(`${field} is ${JSON.stringify(value)}; accepted: ${accepted}`)
    return parsed
  }
  const matching = (pattern: RegExp) => (value: string) => (pattern.test(value) ? value : undefined)
  const mebibytes = (value: string) => (/^\d+ MiB$/.test(value) ? Number.parseInt(value, 10) : undefined)
  return {
    index: read('index', value => (/^\d+$/.test(value) ? Number(value) : undefined), 'a number'),
    uuid: read('uuid', matching(/^GPU-[-0-9A-Za-z]+$/), 'GPU-…'),
    model: read('name', matching(/^[^[]/), 'a name'),
    memoryMiB: read('memory.total', mebibytes, 'a number of MiB'),
    usedMiB: read('memory.used', mebibytes, 'a number of MiB'),
    computeMode: read('compute_mode', matching(/^[A-Z][A-Za-z_]*$/), 'Default, Exclusive_Process, …'),
    driver: read('driver_version', matching(/^\d+(\.\d+)*$/), 'numbers with dots between'),
    // A GPU that knows no MIG says [N/A].
    mig: row.get('mig.mode.current') === 'Enabled',
    computeCapability: /^\d+\.\d+$/.test(row.get('compute_cap') ?? '')
      ? Number(row.get('compute_cap'))
      : undefined,
  }
}
