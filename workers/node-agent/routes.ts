/**
 * What the node agent answers over HTTP: probes, metrics, what it knows (`GET /status`), and `POST /terminate {"pid": 4711}` or
 * `{"podUid": "…"}`, which ends MPS clients without harm to their neighbours.
 *
 * Whoever can end clients can stop every stream of the node, so `POST /terminate` wants `"token"` as well, that of --token-file; without such
 * a file it is refused.
 */
import { timingSafeEqual } from 'node:crypto'
import { WorkerFailure } from '../runtime/failure.ts'
import type { Route } from '../runtime/http-server.ts'
import type { NodeAgent } from './agent.ts'
import type { AgentMetrics } from './agent-metrics.ts'
import type { ClientProcess } from './client-processes.ts'

export interface RouteSources {
  readonly agent: NodeAgent
  readonly metrics: AgentMetrics
  clientProcess(pid: number): Promise<ClientProcess>
  /** undefined: nobody may end clients. */
  readonly token: (() => Promise<string>) | undefined
}

export function routesOf({ agent, metrics, clientProcess, token }: RouteSources): readonly Route[] {
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
    {
      method: 'POST',
      path: '/terminate',
      async handle(body, signal) {
        const wanted = parseWanted(body)
        if (token === undefined || !same(wanted.token, await token())) {
          throw Object.assign(
            new WorkerFailure(
              'BadRequest',
              token === undefined
                ? 'clients cannot be ended here; the agent has no --token-file'
                : 'token is not the one of --token-file',
            ),
            { status: 403 },
          )
        }
        const chosen = (await clients()).filter(
          ({ pid, podUid }) => pid === wanted.pid || (podUid !== undefined && podUid === wanted.podUid),
        )
        const terminated: number[] = []
        for (const { pid } of chosen) if (await agent.terminate(pid, signal)) terminated.push(pid)
        return { body: { terminated } }
      },
    },
  ]
}

interface Wanted {
  readonly pid?: number
  readonly podUid?: string
  readonly token: string
}

function parseWanted(body: string): Wanted {
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    document = undefined
  }
  const { pid, podUid, token } = (document ?? {}) as Record<string, unknown>
  const accepted = '{"pid": 4711, "token": "…"} or {"podUid": "…", "token": "…"}'
  const oneOfThem = (pid === undefined) !== (podUid === undefined)
  if (oneOfThem && typeof token === 'string') {
    if (typeof pid === 'number' && Number.isInteger(pid) && pid > 0) return { pid, token }
    if (typeof podUid === 'string' && podUid !== '') return { podUid, token }
  }
  throw new WorkerFailure('BadRequest', `the body is not accepted; accepted: ${accepted}`)
}

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted.trim())]
  return b.length > 0 && a.length === b.length && timingSafeEqual(a, b)
}
