/**
 * A forwarding proxy between a client and an API server that does what networks and servers in trouble do.
 *
 * It speaks plain HTTP/1.1 to the client and adds the upstream's credentials itself, so that it can read and break
 * what passes. Faults on requests are injected with a matcher and a number of times; faults on watches act on streams
 * that are open. It keeps a record of all requests, so that a test can ask what was not sent, too.
 */
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { KubeConfig } from '@kubernetes/client-node'

export interface ProxiedRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly watch: boolean
  /** Empty for reads. */
  readonly body: string
  /** In the order of arrival. */
  readonly number: number
}

export type Fault =
  /** Answers in the server's stead. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: object | string
    }
  /** Breaks the connection; the server never sees the request. */
  | { readonly kind: 'reset-before' }
  /** The server does what was asked, and the answer is lost. */
  | { readonly kind: 'reset-after'; readonly onDone?: () => void }
  /** Neither forwarded nor answered. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Grants a watch with one line and ends it: the way in which servers report 410 late. */
  | { readonly kind: 'watch-line'; readonly line: object }

export interface Injection {
  readonly hits: number
  remove(): void
}

/** A watch that is open. */
export interface OpenStream {
  readonly request: ProxiedRequest
  /** Breaks the connection in the middle of a line. */
  reset(): void
  /** Keeps the connection, and lets nothing through any more. */
  silence(): void
  /** Says this line as if it came from the server. */
  say(line: object): void
  /** Ends as a server does that shuts down. */
  end(): void
}

export interface FaultProxy {
  readonly url: string
  readonly requests: readonly ProxiedRequest[]
  /** TCP connections that clients made. */
  readonly connections: number
  readonly streams: readonly OpenStream[]
  /** `times`: how many matching requests are hit (default 1). The first fault that matches acts. */
  inject(fault: Fault, match?: (request: ProxiedRequest) => boolean, times?: number): Injection
  /** Writes a kubeconfig that leads here, and answers its path. */
  kubeconfig(directory: string): string
  close(): Promise<void>
}

interface Rule {
  readonly fault: Fault
  readonly match: (request: ProxiedRequest) => boolean
  remaining: number
  hits: number
}

export async function startFaultProxy(upstreamKubeconfig: string): Promise<FaultProxy> {
  const config = new KubeConfig()
  config.loadFromFile(upstreamKubeconfig)
  const upstream = new URL(config.getCurrentCluster()?.server ?? '')
  const options: https.RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  const { ca, cert, key, rejectUnauthorized, servername, headers: authentication } = options
  const agent = new https.Agent({ ca, cert, key, rejectUnauthorized, servername, keepAlive: true })

  const requests: ProxiedRequest[] = []
  const streams = new Set<OpenStream>()
  const rules: Rule[] = []
  let connections = 0

  const ruleFor = (request: ProxiedRequest): Fault | undefined => {
    const rule = rules.find(rule => rule.remaining > 0 && rule.match(request))
    if (!rule) return undefined
    rule.remaining--
    rule.hits++
    return rule.fault
  }

  const forward = (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    request: ProxiedRequest,
    drop?: Extract<Fault, { kind: 'reset-after' }>,
  ) => {
    const { host: _, authorization: __, ...headers } = incoming.headers
    const target: RequestOptions = {
      host: upstream.hostname,
      port: upstream.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, ...(authentication as Record<string, string>) },
    }
    const passing = https.request({ ...target, agent }, answer => {
      if (drop) {
        answer.resume().on('end', () => {
          drop.onDone?.()
          outgoing.destroy()
        })
        return
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      outgoing.flushHeaders()
      if (!request.watch || answer.statusCode !== 200) return void answer.pipe(outgoing)
      const stream = openStream(request, answer, outgoing)
      streams.add(stream)
      outgoing.on('close', () => streams.delete(stream))
    })
    passing.on('error', () => outgoing.destroy())
    outgoing.on('close', () => passing.destroy())
    passing.end(request.body)
  }

  const server = createServer(async (incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', 'http://proxy')
    const request: ProxiedRequest = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      watch: url.searchParams.get('watch') === 'true',
      body: incoming.method === 'GET' ? '' : await text(incoming).catch(() => ''),
      number: requests.length,
    }
    requests.push(request)
    const fault = ruleFor(request)
    switch (fault?.kind) {
      case undefined:
        return forward(incoming, outgoing, request)
      case 'status':
        outgoing.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
        outgoing.end(typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body ?? {}))
        return
      case 'reset-before':
        return void outgoing.destroy()
      case 'reset-after':
        return forward(incoming, outgoing, request, fault)
      case 'hang':
        return void incoming.resume()
      case 'delay': {
        const timer = setTimeout(() => forward(incoming, outgoing, request), fault.delayMs)
        outgoing.on('close', () => clearTimeout(timer))
        return
      }
      case 'watch-line':
        outgoing.writeHead(200, { 'content-type': 'application/json' })
        outgoing.end(`${JSON.stringify(fault.line)}\n`)
        return
    }
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    requests,
    get connections() {
      return connections
    },
    get streams() {
      return [...streams]
    },
    inject(fault, match = () => true, times = 1) {
      const rule: Rule = { fault, match, remaining: times, hits: 0 }
      rules.push(rule)
      return {
        get hits() {
          return rule.hits
        },
        remove() {
          rule.remaining = 0
        },
      }
    },
    kubeconfig(directory) {
      const file = join(directory, `proxy-${new URL(url).port}.kubeconfig`)
      const body = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'proxy', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'proxy', user: {} }],
        contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
        'current-context': 'proxy',
      }
      writeFileSync(file, JSON.stringify(body))
      return file
    },
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}

/** Passes whole lines on, so that what is said in between does not cut one. */
function openStream(request: ProxiedRequest, answer: IncomingMessage, outgoing: ServerResponse): OpenStream {
  let rest = Buffer.alloc(0)
  let silent = false
  answer.on('data', (chunk: Buffer) => {
    if (silent) return
    const bytes = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(0x0a) + 1
    rest = bytes.subarray(end)
    if (end > 0) outgoing.write(bytes.subarray(0, end))
  })
  answer.on('end', () => {
    if (!silent) outgoing.end()
  })
  answer.on('error', () => outgoing.destroy())
  return {
    request,
    reset() {
      outgoing.write('{"type":"MODIFIED","object":{"metad', () => outgoing.destroy())
    },
    silence() {
      silent = true
    },
    say(line) {
      outgoing.write(`${JSON.stringify(line)}\n`)
    },
    end() {
      silent = true
      outgoing.end()
    },
  }
}
