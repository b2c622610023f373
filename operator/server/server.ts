/**
 * The operator's HTTP server: `/metrics`, `/healthz`, `/readyz`, the dashboard at `/` and the site's state as data at `/status.json`.
 *
 * Read-only and without credentials: it shows nothing that is secret and changes nothing. A view that fails is a 500 with
 * the reason in the log, never a crash.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type NextFunction, type Request, type Response } from 'express'
import { type DashboardOptions, dashboardRoutes } from './dashboard/routes.ts'
import type { Health } from './health.ts'
import type { StatusView } from './status-view.ts'
import { createTurns } from './turns.ts'

export interface ServerOptions {
  /** `host:port`, `:port` for all interfaces; port 0 takes a free one. */
  readonly address: string
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  readonly health: () => Health
  /** What is awaited before the operator can work; empty when ready. */
  readonly awaited: () => readonly string[]
  readonly view: () => StatusView
  readonly dashboard: DashboardOptions
  readonly log: { error(fields: object, message: string): void }
}

export interface StatusServer {
  readonly url: string
  /** Stops listening and ends open connections. */
  close(): Promise<void>
}

export class ServerError extends Error {
  readonly code: 'bad-address' | 'listen-failed'
  readonly retryable = false
  constructor(code: ServerError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ServerError'
    this.code = code
  }
}

/** Nothing inline and nothing from elsewhere: even an escaping mistake stays harmless. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** @throws ServerError when the address is malformed or taken. */
export async function startServer(options: ServerOptions): Promise<StatusServer> {
  const { host, port } = parseAddress(options.address)
  const server = createServer(application(options))
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ServerError('listen-failed', `cannot listen on ${options.address}: ${why}`, cause)
  }
  const { port: bound } = server.address() as AddressInfo
  const shown = host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return {
    url: `http://${shown.includes(':') ? `[${shown}]` : shown}:${bound}`,
    close: () => {
      options.dashboard.live.close()
      return close(server)
    },
  }
}

function application(options: ServerOptions) {
  const app = express()
  const turn = createTurns()
  app.disable('x-powered-by')
  // Nobody may keep an answer, so nobody asks whether it is still the same.
  app.disable('etag')
  app.use((request, response, next) => {
    response.set(securityHeaders)
    if (request.method === 'GET' || request.method === 'HEAD') return next()
    text(response.set('allow', 'GET, HEAD'), 405, `${request.method} is not accepted; accepted: GET, HEAD`)
  })
  app.get('/metrics', async (_request, response) => {
    response.type(options.metrics.contentType).send(await options.metrics.metrics())
  })
  app.get('/healthz', (_request, response) => {
    const health = options.health()
    text(response, health.healthy ? 200 : 503, health.healthy ? 'ok' : health.problems.join('\n'))
  })
  app.get('/readyz', (_request, response) => {
    const awaited = options.awaited()
    text(
      response,
      awaited.length === 0 ? 200 : 503,
      awaited.length === 0 ? 'ok' : `waiting for:\n${awaited.join('\n')}`,
    )
  })
  app.get('/status.json', async (_request, response) => {
    await turn()
    response.json(options.view())
  })
  app.use(dashboardRoutes(options.dashboard, turn))
  app.use((request, response) => {
    text(response, 404, `${request.path} is not here; accepted: / /status.json /metrics /healthz /readyz`)
  })
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    if (error instanceof URIError) {
      const wrong = 'is no address: what follows a % is not UTF-8 in hexadecimal digits'
      return text(response, 400, `${request.path} ${wrong}`)
    }
    options.log.error({ err: error, path: request.path }, 'request failed')
    text(response, 500, 'internal error; the reason is in the log')
  })
  return app
}

const text = (response: Response, status: number, body: string): void => {
  response.status(status).type('text/plain').send(`${body}\n`)
}

export function parseAddress(address: string): { host: string | undefined; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[3])
  if (!match || port > 65_535) {
    throw new ServerError(
      'bad-address',
      `"${address}" is no address to listen on; accepted: host:port, [ipv6]:port, :port`,
    )
  }
  return { host: match[1] ?? (match[2] || undefined), port }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
