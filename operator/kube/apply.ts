/**
 * Server-side apply, the way a controller uses it.
 *
 * The body states all the fields that this manager wants and none else; what it stated before and no longer states is
 * removed by the server. Fields of others stay untouched. With `metadata.uid` in the body the server refuses to
 * create (409): an apply that was decided on before a deletion cannot bring the object back.
 */
import { KubeError } from './errors.ts'
import { bodyMatches } from './field-ownership.ts'
import type { KubeBody, KubeObject } from './objects.ts'
import type { Resource } from './resources.ts'
import type { Transport } from './transport.ts'

export interface Application {
  readonly resource: Resource
  /** Its metadata needs a name, and a namespace where the resource has them; other metadata is applied as well. */
  readonly body: KubeBody
  /** One per controller, so that two of them never take each other's fields. */
  readonly fieldManager: string
  /** Such as `status`. */
  readonly subresource?: string
  /** Take fields over from other managers (default true). */
  readonly force?: boolean
}

/** Applies, creating the object where it is missing, unless the body names a uid. Answers the object as it now is. */
export async function apply<T extends KubeObject>(
  transport: Pick<Transport, 'apply'>,
  { resource, body, ...options }: Application,
  signal?: AbortSignal,
): Promise<T> {
  return transport.apply<T>(resource, withoutServerFields(body), options, signal)
}

/**
 * Applies to an object that is in a cache: with its uid, and only if that would change anything.
 *
 * Answers undefined where nothing was sent. To see which fields it owns, the cache must keep the manager's entry in
 * metadata.managedFields (`keepFieldManagers` of the reflector); without it every call is sent.
 * @throws KubeError `conflict` where the object is gone or is another one of this name.
 */
export async function applyTo<T extends KubeObject>(
  transport: Pick<Transport, 'apply'>,
  cached: T,
  application: Omit<Application, 'body'> & { readonly body: object },
  signal?: AbortSignal,
): Promise<T | undefined> {
  const { name, namespace, uid } = cached.metadata
  const metadata = (application.body as Partial<KubeObject>).metadata
  const body: KubeBody = { ...application.body, metadata: { ...metadata, name, namespace, uid } }
  if (!wouldChange(cached, { ...application, body })) return undefined
  try {
    return await apply<T>(transport, { ...application, body }, signal)
  } catch (error) {
    throw uidConflict(error) ?? error
  }
}

/** Of another object under the same name the server says that its uid is invalid: for us the same as that it is gone. */
function uidConflict(error: unknown): KubeError | undefined {
  if (!(error instanceof KubeError) || error.code !== 'invalid') return undefined
  if (!error.body?.details?.causes?.some(({ field }) => field === 'metadata.uid')) return undefined
  const { status, reason, body } = error
  return new KubeError(error.message, {
    code: 'conflict',
    status,
    reason,
    body,
    retryable: false,
    cause: error,
  })
}

/**
 * Whether the apply would change the object or the ownership of its fields. Never false where it would; true also
 * where it cannot be known.
 */
export function wouldChange(cached: KubeObject, { body, fieldManager, subresource }: Application): boolean {
  const entry = cached.metadata.managedFields?.find(
    entry =>
      entry.manager === fieldManager &&
      entry.operation === 'Apply' &&
      (entry.subresource ?? '') === (subresource ?? ''),
  )
  return !entry?.fieldsV1 || !bodyMatches(entry.fieldsV1, body, cached)
}

/** What only the server writes, and refuses or misreads in a body. */
function withoutServerFields(body: KubeBody): KubeBody {
  const { managedFields, creationTimestamp, generation, deletionTimestamp, ...metadata } = body.metadata
  return { ...body, metadata }
}
