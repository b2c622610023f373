/**
 * The HTTP interface of a worker on node:http: a handful of routes, bounded bodies, JSON errors in the form of the contract.
 * A framework would cost more cpu to load than a pod with a tenth of a core should spend on it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { WorkerError } from '../../operator/api/worker.ts'
import { failureOf, statusOf, WorkerFailure } from './failure.ts'

export const bodyLimitBytes = 64 * 1024

export interface Answer {
  readonly status?: number
  /** A string goes out as it is, anything else as JSON. */
  readonly body: unknown
  readonly contentType?: string
}

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Whatever it throws becomes an answer by its code. */
  handle(body: string, signal: AbortSignal): Answer | Promise<Answer>
}

export interface HttpServer {
  readonly port: number
  /** Answers what is under way, then closes. */
  close(): Promise<void>
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  onError?(error: unknown, route: string): void
}

/** @throws the system's error if the address cannot be had. */
export async function serveHttp(
  routes: readonly Route[],
  { host, port, onError }: ListenOptions,
): Promise<HttpServer> {
  const closing = new AbortController()
  const server = createServer({ keepAliveTimeout: 30_000, requestTimeout: 30_000 }, (request, response) => {
    answer(routes, request, closing.signal)
      .catch((error: unknown) => {
        const failure = failureOf(error)
        if (failure.code === 'Internal') onError?.(error, `${request.method} ${request.url}`)
        const { status = statusOf(failure.code) } = error as { status?: number }
        return { status, body: { error: failure } satisfies WorkerError } as Answer
      })
      .then(result => send(request, response, result))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return { port: (server.address() as AddressInfo).port, close: () => close(server, closing) }
}

async function answer(
  routes: readonly Route[],
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Answer> {
  const path = (request.url ?? '/').split('?', 1)[0]!
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const there = routes.filter(route => route.path === path)
  const route = there.find(each => each.method === method)
  if (there.length === 0)
    throw refuse(
      404,
      `there is no ${path}; there are ${[...new Set(routes.map(each => each.path))].sort().join(', ')}`,
    )
  if (route === undefined)
    throw refuse(
      405,
      `${path} does not take ${request.method}; accepted: ${there.map(each => each.method).join(', ')}`,
    )
  return route.handle(route.method === 'POST' ? await readBody(request) : '', signal)
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  // The connection must outlive a refusal, or the client would never read why.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyLimitBytes) throw refuse(413, `the body is longer than ${bodyLimitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const refuse = (status: number, message: string): WorkerFailure =>
  Object.assign(new WorkerFailure('BadRequest', message), { status })

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status = 200, body, contentType }: Answer,
): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': contentType ?? 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    // What is left of a body that was not read must not be taken for the next request.
    ...(request.complete || status < 400 ? {} : { connection: 'close' }),
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

async function close(server: Server, closing: AbortController): Promise<void> {
  closing.abort(new WorkerFailure('Cancelled', 'the worker is stopping'))
  await new Promise<void>(resolve => {
    server.close(() => resolve())
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), 1000).unref()
  })
}
