/**
 * A small client of the Kubernetes API for the tools and tests of this folder: JSON requests and raw watches over one agent.
 *
 * The operator's own client lives in operator/kube; tools do not use it, so that a fault there cannot hide itself in the tests.
 * Access (server, certificates, tokens, exec plugins) comes from @kubernetes/client-node.
 */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import * as http from 'node:http'
import * as https from 'node:https'
import { createInterface } from 'node:readline'
import { KubeConfig } from '@kubernetes/client-node'

export class ApiError extends Error {
  /** HTTP status, 0 when no answer came. */
  readonly status: number
  readonly code: string
  readonly retryable: boolean

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.retryable =
      status === 0 || status === 429 || status >= 500 || (status === 403 && /not yet|RBAC/.test(message))
  }
}

export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly [key: string]: unknown
  }
  readonly [key: string]: unknown
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

export type PatchKind = 'merge' | 'strategic' | 'json' | 'apply'

const patchTypes: Record<PatchKind, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
}

interface RequestOptions {
  readonly body?: unknown
  readonly contentType?: string
  readonly timeoutMs?: number
}

export class ApiClient {
  readonly server: string
  readonly #config: KubeConfig
  readonly #agent: http.Agent

  constructor(config: KubeConfig) {
    const cluster = config.getCurrentCluster()
    if (!cluster) throw new Error('The kubeconfig has no current context with a cluster')
    this.#config = config
    this.server = cluster.server
    const secure = cluster.server.startsWith('https:')
    this.#agent = new (secure ? https : http).Agent({ keepAlive: true, maxSockets: 64 })
  }

  static async fromKubeconfig(path: string): Promise<ApiClient> {
    const config = new KubeConfig()
    config.loadFromString(await readFile(path, 'utf8'))
    return new ApiClient(config)
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.request<T>('GET', path, {}, signal)
  }

  post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return this.request<T>('POST', path, { body }, signal)
  }

  put<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return this.request<T>('PUT', path, { body }, signal)
  }

  patch<T>(path: string, kind: PatchKind, body: unknown, signal?: AbortSignal): Promise<T> {
    return this.request<T>('PATCH', path, { body, contentType: patchTypes[kind] }, signal)
  }

  delete<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    return this.request<T>('DELETE', path, body === undefined ? {} : { body }, signal)
  }

  /** False on 404. */
  async exists(path: string, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.get(path, signal)
      return true
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false
      throw error
    }
  }

  /** False while the server does not answer, or not yet well. */
  async isReady(signal?: AbortSignal): Promise<boolean> {
    try {
      await this.#send('GET', '/readyz', { timeoutMs: 2000 }, signal)
      return true
    } catch (error) {
      if (error instanceof ApiError) return false
      throw error
    }
  }

  async request<T>(method: string, path: string, options: RequestOptions, signal?: AbortSignal): Promise<T> {
    return JSON.parse(await this.#send(method, path, options, signal)) as T
  }

  /**
   * One watch request: yields events until the server ends it, and throws on errors. `path` carries the query (resourceVersion,
   * selectors); `idleMs` without a byte ends it like the server would (bookmarks come about once a minute).
   */
  async *watch<T>(path: string, idleMs = 180_000, signal?: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const separator = path.includes('?') ? '&' : '?'
    const response = await this.#open(
      'GET',
      `${path}${separator}watch=true&allowWatchBookmarks=true`,
      {},
      signal,
    )
    response.setTimeout(idleMs, () => response.destroy())
    try {
      for await (const line of createInterface({ input: response })) {
        if (line !== '') yield JSON.parse(line) as WatchEvent<T>
      }
    } catch (error) {
      if (signal?.aborted) return
      throw new ApiError(0, 'WatchBroken', `Watch ${path}: ${(error as Error).message}`, { cause: error })
    } finally {
      response.destroy()
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  async #send(method: string, path: string, options: RequestOptions, signal?: AbortSignal): Promise<string> {
    const limit = AbortSignal.timeout(options.timeoutMs ?? 30_000)
    const response = await this.#open(
      method,
      path,
      options,
      signal ? AbortSignal.any([signal, limit]) : limit,
    )
    return readAll(response, `${method} ${path}`)
  }

  async #open(
    method: string,
    path: string,
    { body, contentType = 'application/json' }: RequestOptions,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const options: https.RequestOptions = {
      method,
      agent: this.#agent,
      headers: {
        accept: 'application/json',
        ...(payload === undefined
          ? {}
          : { 'content-type': contentType, 'content-length': String(Buffer.byteLength(payload)) }),
      },
      ...(signal ? { signal } : {}),
    }
    await this.#config.applyToHTTPSOptions(options)
    options.agent = this.#agent
    const { request } = this.server.startsWith('https:') ? https : http
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(new URL(path, `${this.server}/`), options)
        .on('response', resolve)
        .on('error', error => {
          if (signal?.aborted && signal.reason?.name !== 'TimeoutError') return reject(signal.reason)
          reject(new ApiError(0, 'NoAnswer', `${method} ${path}: ${error.message}`, { cause: error }))
        })
        .end(payload)
    })
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    const text = await readAll(response, `${method} ${path}`)
    throw apiError(status, `${method} ${path}`, text)
  }
}

async function readAll(response: IncomingMessage, what: string): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  try {
    for await (const chunk of response) text += chunk
  } catch (error) {
    throw new ApiError(0, 'NoAnswer', `${what}: ${(error as Error).message}`, { cause: error })
  }
  return text
}

function apiError(status: number, what: string, text: string): ApiError {
  try {
    const { reason = 'Unknown', message = text } = JSON.parse(text) as { reason?: string; message?: string }
    return new ApiError(status, reason, `${what}: ${status} ${message}`)
  } catch {
    return new ApiError(status, 'Unknown', `${what}: ${status} ${text.slice(0, 500)}`)
  }
}
