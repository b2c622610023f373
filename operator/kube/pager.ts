/**
 * Reads a whole list in pages, so that neither the server nor this process holds it twice.
 *
 * All pages come from one snapshot. When that is compacted before the last page was read (410 on a continue token)
 * the list is read anew in a single piece, which cannot fall behind again.
 */
import { isGone } from './errors.ts'
import type { KubeObject } from './objects.ts'
import type { Resource } from './resources.ts'
import type { Selection, Transport } from './transport.ts'

export interface WholeList<T extends KubeObject> {
  readonly items: readonly T[]
  /** The state that the items are; a watch from here misses nothing. */
  readonly resourceVersion: string | undefined
}

/** `ingest` is applied to each item as its page arrives. */
export async function listAll<T extends KubeObject>(
  transport: Pick<Transport, 'list'>,
  resource: Resource,
  {
    pageSize = 500,
    ingest = item => item,
    ...selection
  }: Selection & { pageSize?: number; ingest?: (item: T) => T },
  signal?: AbortSignal,
): Promise<WholeList<T>> {
  const items: T[] = []
  let token: string | undefined
  do {
    try {
      // Without a resourceVersion: the most recent state, which servers since 1.31 read from memory.
      const options = { ...selection, limit: pageSize, continue: token }
      const page = await transport.list<T>(resource, options, signal)
      for (const item of page.items) items.push(ingest(item))
      token = page.metadata.continue || undefined
      if (token === undefined) return { items, resourceVersion: page.metadata.resourceVersion }
    } catch (error) {
      if (token === undefined || !isGone(error)) throw error
      token = undefined
    }
  } while (token !== undefined)
  const whole = await transport.list<T>(resource, selection, signal)
  return { items: whole.items.map(ingest), resourceVersion: whole.metadata.resourceVersion }
}
