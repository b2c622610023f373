/**
 * The objects of one resource as last seen on the API server, by key and by namespace.
 *
 * Readers get deep-frozen objects and cannot write; the one writer is a reflector, through `Sink`. Nobody writes the
 * answer of his own call into it: the cache then holds a version that no later event need correct.
 * An event never puts an older object over a newer one; a whole list does replace everything, as after a restore of
 * etcd the server's versions may be lower than ours.
 * Handlers are told of each change after the store holds it, in order, synchronously. They must only note keys: a
 * handler that throws is logged, and neither the other handlers nor the store notice.
 */
import type { Log } from './log.ts'
import { silentLog } from './log.ts'
import { compareResourceVersions, type KubeObject, keyOf, type ObjectKey } from './objects.ts'

export interface StoreView<T extends KubeObject = KubeObject> {
  get(key: ObjectKey): T | undefined
  /** In no order that could be relied on. */
  list(): readonly T[]
  inNamespace(namespace: string): readonly T[]
  readonly size: number
  /** The handler first gets all present objects as `added`. The answer unsubscribes it. */
  subscribe(handler: StoreHandler<T>): () => void
}

export type Change<T extends KubeObject = KubeObject> =
  | { readonly type: 'added'; readonly key: ObjectKey; readonly new: T; readonly old?: undefined }
  | { readonly type: 'updated'; readonly key: ObjectKey; readonly new: T; readonly old: T }
  | { readonly type: 'deleted'; readonly key: ObjectKey; readonly old: T; readonly new?: undefined }

export interface StoreHandler<T extends KubeObject = KubeObject> {
  /**
   * An object that was deleted and made anew under its name between two looks comes as `deleted` and `added`.
   * After a gap, `old` of a deleted object is the last that was known of it.
   */
  onChange?(change: Change<T>): void
  /** The store was brought in line with a whole list; the changes were told before. */
  onReplaced?(): void
}

/** The writing side. */
export interface Sink<T extends KubeObject = KubeObject> {
  replace(objects: readonly T[]): void
  upsert(object: T): void
  remove(object: T): void
}

export interface StoreOptions {
  readonly log?: Log
}

export function createStore<T extends KubeObject>({
  log = silentLog,
}: StoreOptions = {}): StoreView<T> & Sink<T> {
  const objects = new Map<ObjectKey, T>()
  const handlers = new Set<StoreHandler<T>>()
  const byNamespace = new Map<string, Map<ObjectKey, T>>()

  const tell = (handler: StoreHandler<T>, call: (handler: StoreHandler<T>) => void) => {
    try {
      call(handler)
    } catch (error) {
      log.error({ err: error }, 'a store handler threw')
    }
  }
  const tellAll = (call: (handler: StoreHandler<T>) => void) => {
    for (const handler of [...handlers]) tell(handler, call)
  }
  const change = (change: Change<T>) => tellAll(handler => handler.onChange?.(change))

  const put = (object: T) => {
    const key = keyOf(object)
    const old = objects.get(key)
    const fresh = deepFreeze(object)
    objects.set(key, fresh)
    const { namespace } = fresh.metadata
    if (namespace) byNamespace.set(namespace, (byNamespace.get(namespace) ?? new Map()).set(key, fresh))
    if (!old) change({ type: 'added', key, new: fresh })
    else if (old.metadata.uid !== fresh.metadata.uid) {
      change({ type: 'deleted', key, old })
      change({ type: 'added', key, new: fresh })
    } else change({ type: 'updated', key, new: fresh, old })
  }
  const drop = (key: ObjectKey, old: T) => {
    objects.delete(key)
    const { namespace = '' } = old.metadata
    const within = byNamespace.get(namespace)
    within?.delete(key)
    if (within?.size === 0) byNamespace.delete(namespace)
    change({ type: 'deleted', key, old })
  }
  const isOlder = (object: T, than: T) =>
    compareResourceVersions(object.metadata.resourceVersion, than.metadata.resourceVersion) < 0

  return {
    get: key => objects.get(key),
    list: () => [...objects.values()],
    inNamespace: namespace => [...(byNamespace.get(namespace)?.values() ?? [])],
    get size() {
      return objects.size
    },
    subscribe(handler) {
      handlers.add(handler)
      for (const [key, object] of [...objects]) {
        tell(handler, handler => handler.onChange?.({ type: 'added', key, new: object }))
      }
      return () => handlers.delete(handler)
    },

    replace(listed) {
      const gone = new Map(objects)
      for (const object of listed) {
        const key = keyOf(object)
        const old = gone.get(key)
        gone.delete(key)
        const same =
          old?.metadata.uid === object.metadata.uid &&
          old?.metadata.resourceVersion === object.metadata.resourceVersion
        if (!old || !same) put(object)
      }
      for (const [key, old] of gone) drop(key, old)
      tellAll(handler => handler.onReplaced?.())
    },
    upsert(object) {
      const old = objects.get(keyOf(object))
      if (
        old?.metadata.uid === object.metadata.uid &&
        old?.metadata.resourceVersion === object.metadata.resourceVersion
      ) {
        return
      }
      if (!old || !isOlder(object, old)) put(object)
    },
    remove(object) {
      const key = keyOf(object)
      const old = objects.get(key)
      if (old && !isOlder(object, old)) drop(key, old)
    },
  }
}

/** Freezes JSON in depth. What is frozen already is taken to be frozen below, too. */
export function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}
