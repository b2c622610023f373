/**
 * The sockets to one API server: one pool for calls, one for watches, so that no number of open watches can starve
 * the calls. Both live as long as the TLS material they were made with; when that changes, later requests get a new
 * pair, and the old one closes once its last request ends.
 */
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import type { Connection } from './credentials.ts'
import { KubeError } from './errors.ts'

export type Lane = 'call' | 'watch'

export interface ConnectionPool {
  dispatcher(connection: Connection, lane: Lane): Dispatcher
  close(): Promise<void>
}

export interface ConnectionPoolOptions {
  /** Sockets for calls (default 16); further calls wait for one. Each watch takes a socket of its own beside. */
  readonly connections?: number
  /** Called for each TCP and TLS connection made. */
  readonly onConnect?: (lane: Lane) => void
}

/** Below the server's own 90 s for idle connections, so that we, and not it, close them. */
const keepAliveMs = 60_000
const connectTimeoutMs = 10_000

export function createConnectionPool({
  connections = 16,
  onConnect,
}: ConnectionPoolOptions = {}): ConnectionPool {
  let current: { readonly fingerprint: string; readonly lanes: Record<Lane, Dispatcher> } | undefined
  const retired = new Set<Promise<void>>()

  const open = (connection: Connection, lane: Lane): Dispatcher => {
    const options = {
      connections: lane === 'call' ? connections : null,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // Callers bring their own deadlines; undici's would end a quiet watch.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    const connect = {
      ...connection.tls,
      timeout: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    }
    const dispatcher = connection.proxyUrl
      ? new ProxyAgent({ ...options, uri: httpProxy(connection.proxyUrl), requestTls: connect })
      : new Agent({ ...options, connect })
    if (onConnect) dispatcher.on('connect', () => onConnect(lane))
    return dispatcher
  }
  const retire = () => {
    for (const lane of Object.values(current?.lanes ?? {})) {
      const closing = lane.close().finally(() => retired.delete(closing))
      retired.add(closing)
    }
  }
  return {
    dispatcher(connection, lane) {
      if (current?.fingerprint !== connection.fingerprint) {
        retire()
        current = {
          fingerprint: connection.fingerprint,
          lanes: { call: open(connection, 'call'), watch: open(connection, 'watch') },
        }
      }
      return current.lanes[lane]
    },
    async close() {
      const lanes = Object.values(current?.lanes ?? {})
      current = undefined
      await Promise.all(lanes.map(lane => lane.destroy()))
    },
  }
}

function httpProxy(url: string): string {
  if (/^https?:/.test(url)) return url
  throw new KubeError(`proxy-url ${url}: only http and https proxies are supported`, {
    code: 'configuration',
    retryable: false,
  })
}
