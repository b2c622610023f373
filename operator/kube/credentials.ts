/**
 * How to reach and convince one API server: kubeconfig or in-cluster account → address, TLS material, headers.
 *
 * client-node reads the configuration and runs the authenticators (token files, exec plugins, OIDC); its answer is
 * kept for `refreshMs`, then asked for again, so that rotated tokens, certificates and CAs are taken up from disk.
 * `invalidate` forgets everything, authenticators included: for a server that answered 401 or failed TLS.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import type { Clock } from './clock.ts'
import { KubeError } from './errors.ts'
import { KubeConfig } from './kube-config.ts'

export interface TlsMaterial {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface Connection {
  /** Scheme, host and port. */
  readonly origin: string
  /** Path under which the API server stands (`''` or `/prefix`), as with some gateways. */
  readonly basePath: string
  readonly tls: TlsMaterial
  readonly proxyUrl: string | undefined
  /** Digest of whatever fixes a TCP and TLS connection: another value needs other sockets. Headers are not in it. */
  readonly fingerprint: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Credentials {
  connection(): Promise<Connection>
  invalidate(): void
  /** Namespace of the current context, or that of the pod; `default` where neither says one. */
  readonly namespace: string
}

export interface CredentialsOptions {
  /** A kubeconfig file. Absent: `KUBECONFIG`, `~/.kube/config`, the pod's service account, in this order. */
  readonly kubeconfig?: string
  /** Context of the kubeconfig; absent: its current one. */
  readonly context?: string
  readonly clock: Clock
  /** Default 10 s. */
  readonly refreshMs?: number
}

const podNamespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

/** @throws KubeError `configuration` where there is no usable configuration; the message says what was looked for. */
export function loadCredentials({
  kubeconfig,
  context,
  clock,
  refreshMs = 10_000,
}: CredentialsOptions): Credentials {
  let config = loadConfig(kubeconfig, context)
  let stale = false
  let last: { readonly connection: Connection; readonly atMs: number } | undefined
  let pending: Promise<Connection> | undefined

  const refresh = async () => {
    if (stale) config = loadConfig(kubeconfig, context)
    stale = false
    const connection = await describeConnection(config)
    last = { connection, atMs: clock.monotonicMs() }
    return connection
  }
  return {
    async connection() {
      if (last && !stale && clock.monotonicMs() - last.atMs < refreshMs) return last.connection
      // One refresh at a time: an exec plugin must not be started by each of many waiting calls.
      pending ??= refresh().finally(() => {
        pending = undefined
      })
      return pending
    },
    invalidate() {
      stale = true
    },
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? podNamespace() ?? 'default',
  }
}

function loadConfig(file: string | undefined, context: string | undefined): KubeConfig {
  const from = file ?? process.env.KUBECONFIG ?? '~/.kube/config or the service account of a pod'
  const config = new KubeConfig()
  try {
    if (file === undefined) config.loadFromDefault()
    else config.loadFromFile(file)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KubeError(`cannot read the Kubernetes configuration ${from}: ${why}`, {
      code: 'configuration',
      retryable: false,
      cause,
    })
  }
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name)
    if (!names.includes(context))
      throw new KubeError(
        `Kubernetes configuration ${from} has no context ${JSON.stringify(context)}; accepted: ${names.join(', ')}`,
        { code: 'configuration', retryable: false },
      )
    config.setCurrentContext(context)
  }
  const cluster = config.getCurrentCluster()
  if (!cluster) {
    throw new KubeError(
      `Kubernetes configuration ${from}: its current-context ${JSON.stringify(config.getCurrentContext() ?? '')} leads to no cluster`,
      { code: 'configuration', retryable: false },
    )
  }
  // client-node's last resort where nothing is configured.
  if (cluster.server === 'http://localhost:8080' && cluster.name === 'cluster') {
    throw new KubeError(
      'no Kubernetes configuration: name a kubeconfig file, set KUBECONFIG, or run in a pod with a service account',
      { code: 'configuration', retryable: false },
    )
  }
  const { protocol } = serverUrl(cluster.server, from)
  if (protocol !== 'https:' && !cluster.skipTLSVerify) {
    throw new KubeError(
      `Kubernetes configuration ${from}: server ${cluster.server} would get credentials in the clear; accepted: https://…, or insecure-skip-tls-verify: true beside it`,
      { code: 'configuration', retryable: false },
    )
  }
  return config
}

function serverUrl(server: string, from: string): URL {
  try {
    return new URL(server)
  } catch (cause) {
    throw new KubeError(
      `Kubernetes configuration ${from}: server ${JSON.stringify(server)} is no address; accepted: https://HOST[:PORT][/PATH]`,
      { code: 'configuration', retryable: false, cause },
    )
  }
}

async function describeConnection(config: KubeConfig): Promise<Connection> {
  const cluster = config.getCurrentCluster()
  const server = cluster?.server ?? ''
  const options: RequestOptions = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KubeError(`credentials for ${server}: ${why}`, {
      code: 'configuration',
      retryable: true,
      cause,
    })
  }
  const url = new URL(server)
  const tls: TlsMaterial = {
    ...(options.ca ? { ca: options.ca as Buffer } : {}),
    ...(options.cert ? { cert: options.cert as Buffer } : {}),
    ...(options.key ? { key: options.key as Buffer } : {}),
    ...(options.servername ? { servername: options.servername } : {}),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = `${value}`
  if (options.auth) headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`

  const digest = createHash('sha256')
  for (const part of [
    url.origin,
    cluster?.proxyUrl,
    tls.servername,
    tls.rejectUnauthorized,
    tls.ca,
    tls.cert,
    tls.key,
  ]) {
    digest.update(part instanceof Buffer ? part : String(part)).update('\0')
  }
  return {
    origin: url.origin,
    basePath: url.pathname.replace(/\/$/, ''),
    tls,
    proxyUrl: cluster?.proxyUrl,
    fingerprint: digest.digest('hex'),
    headers,
  }
}

function podNamespace(): string | undefined {
  try {
    return readFileSync(podNamespaceFile, 'utf8').trim()
  } catch {
    return undefined
  }
}
