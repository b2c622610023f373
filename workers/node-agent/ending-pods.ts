/** Our pods on this node that are being deleted, and when kubelet kills what is left of them. */
import { managedByLabel, managedByValue } from '../../operator/api/names.ts'
import { pods } from '../../operator/kube/resources.ts'
import type { Transport } from '../../operator/kube/transport.ts'

export interface EndingPod {
  readonly uid: string
  /** Milliseconds since the epoch, by the API server's clock: the end of its grace period. */
  readonly killedAt: number
}

/** @throws KubeError */
export async function endingPods(
  transport: Pick<Transport, 'list'>,
  nodeName: string,
  signal?: AbortSignal,
): Promise<readonly EndingPod[]> {
  const { items } = await transport.list(
    pods,
    { labelSelector: `${managedByLabel}=${managedByValue}`, fieldSelector: `spec.nodeName=${nodeName}` },
    signal,
  )
  return items.flatMap(({ metadata: { uid, deletionTimestamp } }) =>
    uid === undefined || deletionTimestamp === undefined
      ? []
      : [{ uid, killedAt: Date.parse(deletionTimestamp) }],
  )
}
