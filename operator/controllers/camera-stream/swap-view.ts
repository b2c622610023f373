/** What a stream's pods say of a change of its share by a new pod. Pure. */
import { failedResizeAnnotation } from '../../api/names.ts'
import { onDuty, type PodSnapshot } from '../../cluster/snapshot.ts'
import { parseFailedResize } from '../../sharing/failed-resize.ts'

export interface SwapView {
  /** Names of the pods that hand over and take over. */
  readonly underWay?: { readonly from: string; readonly to: string }
  /** Why the share is not as planned in this window. */
  readonly failed?: string
}

export function swapView(pods: readonly PodSnapshot[], window: number): SwapView {
  const holder = onDuty(pods)
  const others = pods.filter(pod => pod !== holder && !pod.finished)
  const next = others.find(pod => pod.generation > (holder?.generation ?? 0))
  const old = others.find(pod => pod.generation < (holder?.generation ?? 0))
  const failed = parseFailedResize(holder?.pod.metadata.annotations?.[failedResizeAnnotation])
  if (holder !== undefined && next !== undefined) return { underWay: { from: holder.name, to: next.name } }
  if (holder !== undefined && old !== undefined) return { underWay: { from: old.name, to: holder.name } }
  return failed?.window === window ? { failed: failed.reason } : {}
}
