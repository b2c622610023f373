/** What the node agent answers over HTTP: probes, metrics and what it knows (`GET /status`). It takes no orders: it runs as root on its node. */
import type { Route } from '../runtime/http-server.ts'
import type { NodeAgent } from './agent.ts'
import type { AgentMetrics } from './agent-metrics.ts'
import type { ClientProcess } from './client-processes.ts'

export interface RouteSources {
  readonly agent: NodeAgent
  readonly metrics: AgentMetrics
  clientProcess(pid: number): Promise<ClientProcess>
}

export function routesOf({ agent, metrics, clientProcess }: RouteSources): readonly Route[] {
  const clients = () =>
    Promise.all(
      agent.gpus.flatMap(({ gpu, daemon }) =>
        (daemon?.clients ?? []).map(async client => ({
          gpu: gpu.uuid,
          ...client,
          ...(await clientProcess(client.pid)),
        })),
      ),
    )
  return [
    { method: 'GET', path: '/healthz', handle: () => ({ body: { status: 'ok' } }) },
    {
      method: 'GET',
      path: '/readyz',
      handle() {
        const awaiting = agent.awaiting()
        const ready = awaiting.length === 0
        return { status: ready ? 200 : 503, body: { ready, awaiting } }
      },
    },
    {
      method: 'GET',
      path: '/status',
      handle: async () => ({
        body: { inventory: agent.inventory ?? null, clients: await clients(), problems: agent.problems },
      }),
    },
    {
      method: 'GET',
      path: '/metrics',
      handle: async () => ({
        body: await metrics.registry.metrics(),
        contentType: metrics.registry.contentType,
      }),
    },
  ]
}
