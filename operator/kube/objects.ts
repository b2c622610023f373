/**
 * The shape that all Kubernetes objects share, as raw JSON: stamps stay strings, unknown fields stay in place.
 */
export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
  readonly managedFields?: readonly ManagedFieldsEntry[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ManagedFieldsEntry {
  readonly manager?: string
  readonly operation?: string
  readonly subresource?: string
  readonly fieldsV1?: object
}

export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
}

/** What is sent: an object with whatever fields its kind has. */
export type KubeBody = KubeObject | { readonly metadata: ObjectMeta; readonly [field: string]: unknown }

export interface KubeList<T extends KubeObject = KubeObject> {
  readonly metadata: {
    readonly resourceVersion?: string
    readonly continue?: string
  }
  readonly items: readonly T[]
}

/** `namespace/name`, or `name` for cluster-scoped objects: the key of stores and workqueues. */
export type ObjectKey = string

export interface NamespacedName {
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string
  readonly name: string
}

export function keyOf(object: { readonly metadata: NamespacedName }): ObjectKey {
  return keyFor(object.metadata)
}

export function keyFor({ namespace, name }: NamespacedName): ObjectKey {
  return namespace ? `${namespace}/${name}` : name
}

/** The inverse of keyFor: names hold no slash. */
export function parseKey(key: ObjectKey): NamespacedName {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/**
 * Order of two resourceVersions of one resource type: negative when `a` is older than `b`.
 *
 * They are decimal integers of up to 64 bits, comparable as promised since Kubernetes 1.35; a JavaScript number would
 * lose digits. Anything that is not such an integer compares as equal (0): then the caller's later word stands.
 */
export function compareResourceVersions(a: string | undefined, b: string | undefined): number {
  if (!isResourceVersion(a) || !isResourceVersion(b)) return 0
  if (a.length !== b.length) return a.length - b.length
  return a === b ? 0 : a < b ? -1 : 1
}

function isResourceVersion(value: string | undefined): value is string {
  return value !== undefined && /^[1-9][0-9]*$/.test(value)
}

/** A reference that makes `owner` the controller of a dependent: it goes when the owner goes. */
export function ownerReference(owner: KubeObject): OwnerReference {
  const { apiVersion, kind } = owner
  const { name, uid } = owner.metadata
  if (!apiVersion || !kind || !uid) {
    throw new TypeError(
      `owner ${keyOf(owner)}: an owner reference needs apiVersion, kind and uid, and it has ${apiVersion}, ${kind}, ${uid}`,
    )
  }
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: false }
}
