/** Prometheus metrics of the node agent, read from the last step when they are scraped. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { NodeAgent } from './agent.ts'
import type { ClientProcess } from './client-processes.ts'
import type { ProcessMemory } from './nvidia-smi.ts'

export interface AgentMetrics {
  readonly registry: Registry
  readonly allocations: Counter<'gpu'>
  readonly registrations: Counter<'gpu'>
  readonly daemonStarts: Counter<'gpu' | 'how'>
  readonly faults: Counter<'gpu'>
  readonly clientsEnded: Counter<'gpu'>
}

export interface MetricSources {
  /** Label of all of them. */
  readonly node: string
  readonly agent: () => NodeAgent
  /** Asked at each scrape. */
  clientProcess(pid: number): Promise<ClientProcess>
  processMemory(): Promise<readonly ProcessMemory[]>
}

type Labels = Readonly<Record<string, string>>
const states = ['ready', 'fault', 'unusable'] as const
const bytesPerMiB = 1 << 20

export function agentMetrics({ node, agent, clientProcess, processMemory }: MetricSources): AgentMetrics {
  const registry = new Registry()
  registry.setDefaultLabels({ node })
  const registers = [registry]
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    read: () => readonly (readonly [Labels, number])[] | Promise<readonly (readonly [Labels, number])[]>,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      async collect() {
        const readings = await read()
        this.reset()
        for (const [labels, value] of readings) this.set({ ...labels }, value)
      },
    })
  const counter = <T extends string>(name: string, help: string, ...labelNames: T[]): Counter<T> =>
    new Counter({ name, help, labelNames, registers })
  const gpus = () => agent().inventory?.gpus ?? []
  const views = () => agent().gpus
  const label = (index: number): Labels => ({ gpu: String(index) })

  gauge('ekya_gpu_info', 'A GPU of this node; always 1.', ['gpu', 'uuid', 'model', 'driver'], () =>
    views().map(({ gpu: { index, uuid, model, driver } }) => [{ ...label(index), uuid, model, driver }, 1]),
  )
  gauge('ekya_gpu_state', 'Whether the GPU is in this state: 1 or 0.', ['gpu', 'state'], () =>
    gpus().flatMap(({ index, state }) =>
      states.map(each => [{ ...label(index), state: each }, each === state ? 1 : 0] as const),
    ),
  )
  gauge('ekya_gpu_memory_bytes', 'Device memory of the GPU.', ['gpu'], () =>
    views().map(({ gpu }) => [label(gpu.index), gpu.memoryMiB * bytesPerMiB]),
  )
  gauge('ekya_gpu_memory_used_bytes', 'Device memory in use, by whomever.', ['gpu'], () =>
    views().map(({ gpu }) => [label(gpu.index), gpu.usedMiB * bytesPerMiB]),
  )
  gauge('ekya_gpu_multiprocessors', 'Multiprocessors of the GPU, where known.', ['gpu'], () =>
    gpus().flatMap(({ index, multiprocessors }) =>
      multiprocessors === undefined ? [] : [[label(index), multiprocessors] as const],
    ),
  )
  gauge('ekya_gpu_mps_servers', 'MPS servers of the GPU: none before the first client.', ['gpu'], () =>
    views().map(({ gpu, daemon }) => [label(gpu.index), daemon?.servers.length ?? 0]),
  )
  gauge('ekya_gpu_mps_clients', 'MPS clients of the GPU.', ['gpu'], () =>
    views().map(({ gpu, daemon }) => [label(gpu.index), daemon?.clients.length ?? 0]),
  )
  const clientLabels = ['gpu', 'pid', 'pod_uid']
  gauge(
    'ekya_gpu_client_share',
    'Fraction of the GPU that an MPS client was started with; 1 where it was told none.',
    clientLabels,
    async () => {
      const clients = views().flatMap(({ gpu, daemon }) =>
        (daemon?.clients ?? []).map(({ pid }) => ({ index: gpu.index, pid })),
      )
      return Promise.all(
        clients.map(async ({ index, pid }) => {
          const { share, podUid } = await clientProcess(pid)
          return [{ ...label(index), pid: String(pid), pod_uid: podUid ?? '' }, share ?? 1] as const
        }),
      )
    },
  )
  gauge(
    'ekya_gpu_client_memory_bytes',
    'Device memory that a process holds, the MPS server among them.',
    clientLabels,
    async () => {
      const held = await processMemory().catch(() => [])
      return Promise.all(
        held.flatMap(({ uuid, pid, memoryMiB }) => {
          const view = views().find(({ gpu }) => gpu.uuid === uuid)
          if (!view) return []
          const labels = label(view.gpu.index)
          return [
            clientProcess(pid).then(
              ({ podUid }) =>
                [{ ...labels, pid: String(pid), pod_uid: podUid ?? '' }, memoryMiB * bytesPerMiB] as const,
            ),
          ]
        }),
      )
    },
  )
  gauge('ekya_node_agent_problems', 'What did not work in the last step.', [], () => [
    [{}, agent().problems.length],
  ])
  return {
    registry,
    allocations: counter('ekya_gpu_units_allocated_total', 'Units that kubelet gave to containers.', 'gpu'),
    registrations: counter(
      'ekya_gpu_plugin_registrations_total',
      'Times that kubelet took the device plugin.',
      'gpu',
    ),
    daemonStarts: counter(
      'ekya_gpu_mps_daemon_starts_total',
      'MPS control daemons started or taken over.',
      'gpu',
      'how',
    ),
    faults: counter('ekya_gpu_mps_faults_total', 'Times that an MPS server went into FAULT.', 'gpu'),
    clientsEnded: counter(
      'ekya_gpu_mps_clients_ended_total',
      'MPS clients that were ended because their pod hung at its end.',
      'gpu',
    ),
  }
}
