/**
 * Nodes of a site whose kubelet is not heard of, or says for long that it is not ready: what runs there cannot be seen or changed.
 *
 * The control plane has waited already (40 s by default) before it says that it does not know of a node. A kubelet that says so itself may be
 * restarting, so it is given `notReadyMs`, by our own clock from when we first saw it.
 */
import type { Clock } from '../kube/clock.ts'
import type { KubeObject } from '../kube/objects.ts'
import type { Change } from '../kube/store.ts'
import type { RawNode, SiteGpu } from '../sharing/backend.ts'
import { nodeOf } from './pod.ts'
import type { PodSnapshot, SiteSnapshot } from './snapshot.ts'

type Node = KubeObject & RawNode

/** How long a node may say that it is not ready before it is given up. */
export const notReadyMs = 60_000

export interface LostNode {
  readonly node: string
  /** A sentence, without the node's name. */
  readonly problem: string
  /** Its streams move elsewhere. False where the site has no other GPU: its pods stay, and may well serve on. */
  readonly leftOut: boolean
  /** It has no GPU to leave out, as where it is cordoned as well; what was made there before is lost all the same. */
  readonly offersNothing?: true
}

export const readiness = ({ status }: RawNode) => status?.conditions?.find(({ type }) => type === 'Ready')

/** Whether a node says of itself that it is not ready, which may pass. */
export const isUnready = (node: RawNode): boolean => readiness(node)?.status === 'False'

/** Since when nodes are not ready. */
export class NodeHealth {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #unreadySince = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  observe({ key, new: node }: Change<Node>): void {
    if (node === undefined || !isUnready(node)) this.#unreadySince.delete(key)
    else if (!this.#unreadySince.has(key)) this.#unreadySince.set(key, this.#clock.monotonicMs())
  }

  /** Why a node is lost, as a sentence; undefined: it is not. */
  problem(node: Node): string | undefined {
    const ready = readiness(node)
    if (ready === undefined || ready.status === 'True') return undefined
    const now = this.#clock.monotonicMs()
    const unreadyMs = now - (this.#unreadySince.get(node.metadata.name) ?? now)
    if (ready.status === 'False' && unreadyMs < notReadyMs) return undefined
    const said = [ready.reason, ready.message].filter(part => part !== undefined && part !== '').join(': ')
    return `${ready.status === 'False' ? 'it is not ready' : 'its kubelet is not heard of'}${said === '' ? '' : ` (${said})`}`
  }
}

export interface LookedAt {
  readonly node: string
  readonly gpus: readonly SiteGpu[]
  readonly problem?: string
}

/** A site's GPUs without those on lost nodes, unless it has no others; and all lost nodes, whatever they offer. */
export function withoutLost(nodes: readonly LookedAt[]): {
  readonly gpus: readonly SiteGpu[]
  readonly lost: readonly LostNode[]
} {
  const offering = nodes.filter(({ gpus }) => gpus.length > 0)
  const leftOut = offering.some(({ problem }) => problem === undefined)
  return {
    gpus: offering.flatMap(({ gpus, problem }) => (leftOut && problem !== undefined ? [] : gpus)),
    lost: nodes.flatMap(({ node, problem, gpus }): LostNode[] => {
      if (problem === undefined) return []
      return [
        gpus.length > 0 ? { node, problem, leftOut } : { node, problem, leftOut: true, offersNothing: true },
      ]
    }),
  }
}

/** The lost node on which a pod is that has to be made up for elsewhere; undefined: it is on none. */
export function cutOffNode({ lostNodes = [] }: SiteSnapshot, pod: PodSnapshot): LostNode | undefined {
  const name = nodeOf(pod)
  return lostNodes.find(({ node, leftOut }) => leftOut && node === name)
}
