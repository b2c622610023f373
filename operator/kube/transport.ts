/**
 * Calls to the API server: raw JSON in, raw JSON out. No generated type stands between, so that fields this program
 * has never heard of survive a round trip, and stamps stay the strings they are.
 *
 * Every call has a timeout per attempt and is repeated where that is safe (requests.ts says when); all calls share
 * one set of sockets, and watches another. Failures are KubeErrors; an abort throws the signal's reason.
 */
import { type Clock, systemClock } from './clock.ts'
import { createConnectionPool } from './connection-pool.ts'
import { type Credentials, loadCredentials } from './credentials.ts'
import type { StatusBody } from './errors.ts'
import { parseJson } from './failures.ts'
import type { KubeBody, KubeList, KubeObject, NamespacedName } from './objects.ts'
import { type CallOptions, createRequester, type Request, type TransportHooks } from './requests.ts'
import { apiVersionOf, collectionPath, objectPath, type Resource } from './resources.ts'

export type { CallOptions, TransportHooks, Verb } from './requests.ts'

export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface ListOptions extends Selection, CallOptions {
  /** Items of one page; the answer's `metadata.continue` asks for the next. */
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
}

export interface WatchOptions extends Selection {
  readonly resourceVersion?: string
  readonly allowWatchBookmarks?: boolean
  /** When the server shall end the watch. */
  readonly timeoutSeconds?: number
  /** The watch fails with `timeout` when not a byte came for so long (default: never). */
  readonly idleMs?: number
  /** Called when the server has granted the watch. */
  readonly onOpen?: () => void
}

export interface WriteOptions extends CallOptions {
  /** Such as `status`, `resize`, `eviction`. */
  readonly subresource?: string
  readonly fieldManager?: string
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string
  /** Take fields over from other managers (default true, as controllers should). */
  readonly force?: boolean
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number
  /** The delete fails with `conflict` where the object is another one, or a later one. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export type PatchType = 'merge' | 'strategic-merge' | 'json' | 'apply'

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T }
  | { readonly type: 'ERROR'; readonly object: StatusBody }

export interface Transport {
  get<T extends KubeObject>(
    resource: Resource,
    at: NamespacedName,
    options?: CallOptions,
    signal?: AbortSignal,
  ): Promise<T>
  /** One page, or the whole list without `limit`. */
  list<T extends KubeObject>(
    resource: Resource,
    options?: ListOptions,
    signal?: AbortSignal,
  ): Promise<KubeList<T>>
  /** `apiVersion` and `kind` come from the resource. With a subresource the object's name goes into the path. */
  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>
  /** Replaces the object; with `metadata.resourceVersion` only if nobody wrote in between (else `conflict`). */
  update<T extends KubeObject>(
    resource: Resource,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>
  patch<T extends KubeObject>(
    resource: Resource,
    at: NamespacedName,
    type: PatchType,
    body: object,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>
  /** Server-side apply of exactly the given fields. apply.ts has the form that controllers want. */
  apply<T extends KubeObject>(
    resource: Resource,
    object: KubeBody,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<T>
  delete(resource: Resource, at: NamespacedName, options?: DeleteOptions, signal?: AbortSignal): Promise<void>
  /** One watch: returns when the server ends it, throws when it breaks. */
  watch<T extends KubeObject>(
    resource: Resource,
    options?: WatchOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>>
  /** The body of any other path that is read by GET, such as `/readyz`. */
  raw(path: string, options?: CallOptions, signal?: AbortSignal): Promise<string>
  /** Namespace of the kubeconfig's context or of this pod. */
  readonly namespace: string
  /** Ends all calls and watches and closes the sockets. */
  close(): Promise<void>
}

export interface TransportOptions {
  /** A kubeconfig file. Absent: `KUBECONFIG`, `~/.kube/config`, the pod's service account, in this order. */
  readonly kubeconfig?: string
  /** Context of the kubeconfig; absent: its current one. */
  readonly context?: string
  readonly userAgent?: string
  /** Limit of one attempt (default 15 s). */
  readonly timeoutMs?: number
  /** Repetitions after a failed attempt (default 4). */
  readonly retries?: number
  /** Sockets for calls (default 16). */
  readonly connections?: number
  readonly hooks?: TransportHooks
  readonly clock?: Clock
  readonly random?: () => number
  /** Instead of those that `kubeconfig` leads to. */
  readonly credentials?: Credentials
}

const contentTypes: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  'strategic-merge': 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
}

/** @throws KubeError `configuration` where there is no usable configuration. */
export function createTransport(options: TransportOptions = {}): Transport {
  const { clock = systemClock, hooks = {} } = options
  const credentials =
    options.credentials ??
    loadCredentials({ kubeconfig: options.kubeconfig, context: options.context, clock })
  const requester = createRequester({
    credentials,
    pool: createConnectionPool({
      connections: options.connections,
      onConnect: lane => hooks.onConnect?.(lane),
    }),
    clock,
    hooks,
    random: options.random ?? Math.random,
    userAgent: options.userAgent ?? 'ekya-operator',
    timeoutMs: options.timeoutMs ?? 15_000,
    retries: options.retries ?? 4,
  })

  const json = async <T>(request: Request, call?: CallOptions, signal?: AbortSignal): Promise<T> => {
    const text = await requester.call(request, call, signal)
    return parseJson(`${request.method} ${request.path}`, text) as T
  }

  const write = <T>(
    resource: Resource,
    request: Pick<Request, 'verb' | 'method' | 'path' | 'body' | 'contentType' | 'repeatable'>,
    options: Partial<ApplyOptions>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const { fieldManager, force } = options
    const query = { fieldManager, force }
    return json({ ...request, resource: resource.plural, query }, options, signal)
  }

  return {
    namespace: credentials.namespace,

    get(resource, at, options, signal) {
      const path = objectPath(resource, at)
      return json(
        { verb: 'get', method: 'GET', path, resource: resource.plural, repeatable: true },
        options,
        signal,
      )
    },

    list(resource, options = {}, signal) {
      const { namespace, timeoutMs, retries, ...query } = options
      const path = collectionPath(resource, namespace)
      return json(
        { verb: 'list', method: 'GET', path, resource: resource.plural, query, repeatable: true },
        { timeoutMs, retries },
        signal,
      )
    },

    create(resource, object, options = {}, signal) {
      const path = options.subresource
        ? objectPath(resource, object.metadata, options.subresource)
        : collectionPath(resource, object.metadata.namespace)
      const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }
      return write(
        resource,
        { verb: 'create', method: 'POST', path, body, repeatable: false },
        options,
        signal,
      )
    },

    update(resource, object, options = {}, signal) {
      const path = objectPath(resource, object.metadata, options.subresource)
      const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }
      return write(resource, { verb: 'update', method: 'PUT', path, body, repeatable: true }, options, signal)
    },

    patch(resource, at, type, body, options = {}, signal) {
      const path = objectPath(resource, at, options.subresource)
      const contentType = contentTypes[type]
      const repeatable = type !== 'json'
      return write(
        resource,
        { verb: 'patch', method: 'PATCH', path, body, contentType, repeatable },
        options,
        signal,
      )
    },

    apply(resource, object, options, signal) {
      const path = objectPath(resource, object.metadata, options.subresource)
      const body = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
      const contentType = contentTypes.apply
      return write(
        resource,
        { verb: 'apply', method: 'PATCH', path, body, contentType, repeatable: true },
        { force: true, ...options },
        signal,
      )
    },

    async delete(resource, at, options = {}, signal) {
      const { gracePeriodSeconds, preconditions } = options
      const path = objectPath(resource, at)
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds,
        preconditions,
      }
      const request: Request = {
        verb: 'delete',
        method: 'DELETE',
        path,
        body,
        resource: resource.plural,
        repeatable: true,
      }
      await requester.call(request, options, signal)
    },

    async *watch<T extends KubeObject>(resource: Resource, options: WatchOptions = {}, signal?: AbortSignal) {
      const { namespace, idleMs = Number.POSITIVE_INFINITY, onOpen, ...selection } = options
      const request: Request = {
        verb: 'watch',
        method: 'GET',
        path: collectionPath(resource, namespace),
        query: { ...selection, watch: true },
        resource: resource.plural,
        repeatable: false,
      }
      // The server promises this shape for each line of a watch.
      for await (const line of requester.stream(request, { idleMs, onOpen }, signal))
        yield line as WatchEvent<T>
    },

    raw(path, options, signal) {
      return requester.call(
        { verb: 'raw', method: 'GET', path, resource: 'raw', repeatable: true },
        options,
        signal,
      )
    },

    close: () => requester.close(),
  }
}
