/**
 * The pods bound to one node: list, then watch from there; list again only when the server has forgotten where we were.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type ApiClient, ApiError } from '../control-plane/api-client.ts'
import type { Pod } from './pod.ts'

export interface PodSourceHandler {
  /** All pods of the node; those that are not in it are gone. */
  onList(pods: readonly Pod[]): void
  onChange(pod: Pod): void
  onDelete(pod: Pod): void
  onError(line: string): void
}

/** Until the signal. */
export async function followPods(
  client: ApiClient,
  nodeName: string,
  handler: PodSourceHandler,
  signal: AbortSignal,
): Promise<void> {
  const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${encodeURIComponent(nodeName)}`
  let version: string | undefined
  let backoffMs = 100
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const list = await client.get<{ metadata: { resourceVersion: string }; items: Pod[] }>(path, signal)
        version = list.metadata.resourceVersion
        handler.onList(list.items)
      }
      for await (const { type, object } of client.watch<Pod>(
        `${path}&resourceVersion=${version}`,
        undefined,
        signal,
      )) {
        if (type === 'ERROR') {
          const { code = 0, message = '' } = object as unknown as { code?: number; message?: string }
          throw new ApiError(code, 'WatchError', message)
        }
        version = object.metadata.resourceVersion
        backoffMs = 100
        if (type === 'DELETED') handler.onDelete(object)
        else if (type !== 'BOOKMARK') handler.onChange(object)
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && error.status === 410) version = undefined
      else handler.onError(`pods: ${(error as Error).message}`)
      await delay(backoffMs, undefined, { signal }).catch(() => {})
      backoffMs = Math.min(5000, backoffMs * 2)
    }
  }
}
