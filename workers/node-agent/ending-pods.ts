/** Our pods on this node that are being deleted, and which of them kubelet is about to kill. */
import { managedByLabel, managedByValue } from '../../operator/api/names.ts'
import { pods } from '../../operator/kube/resources.ts'
import type { Transport } from '../../operator/kube/transport.ts'

export interface EndingPod {
  readonly uid: string
  /** What it was given to end by itself. */
  readonly graceSeconds: number
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
  return items.flatMap(({ metadata: { uid, deletionTimestamp, deletionGracePeriodSeconds = 0 } }) =>
    uid === undefined || deletionTimestamp === undefined
      ? []
      : [{ uid, graceSeconds: deletionGracePeriodSeconds }],
  )
}

/**
 * Pods whose time is nearly over. It is counted from when they were first seen, by this process' own clock: the API server's stamp is by
 * another machine's, and a clock that is ahead would end a pod before it has handed over.
 */
export class LatePods {
  readonly #endsBeforeKillMs: number
  readonly #seenAt = new Map<string, number>()

  /** @param endsBeforeKillMs more than there is between two looks; never more than half of a pod's time */
  constructor(endsBeforeKillMs: number) {
    this.#endsBeforeKillMs = endsBeforeKillMs
  }

  /** @param nowMs monotonic */
  among(ending: readonly EndingPod[], nowMs: number): ReadonlySet<string> {
    const present = new Set(ending.map(({ uid }) => uid))
    for (const uid of this.#seenAt.keys()) if (!present.has(uid)) this.#seenAt.delete(uid)
    const late = ending.filter(({ uid, graceSeconds }) => {
      const seenAt = this.#seenAt.get(uid) ?? nowMs
      this.#seenAt.set(uid, seenAt)
      const graceMs = graceSeconds * 1000
      return nowMs >= seenAt + graceMs - Math.min(this.#endsBeforeKillMs, graceMs / 2)
    })
    return new Set(late.map(({ uid }) => uid))
  }
}
