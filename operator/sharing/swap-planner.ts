/**
 * Which pods of one GPU are made, handed over to and ended next, where a share can be changed by a new pod alone (NVIDIA MPS). Backends
 * that resize in place are asked of in `resize-planner.ts`.
 *
 * A worker that serves is swapped: a new pod starts beside the old one, takes over at a frame, and the old one goes. Both exist for a
 * while, so the node advertises more units than a GPU has (surge). A worker that can be interrupted, a training, ends at a
 * checkpoint and begins again. At every moment
 *
 *   Σ over workers of the largest of their pods' units   ≤ steadyUnits       the books: a share counts until its last pod is gone
 *   Σ over pods of units, of memory, and their number    ≤ totalUnits, memoryMiB, clients
 *
 * and no more than `swaps` swaps are under way. Shrinks come before grows by themselves, since a grow needs room in the books.
 *
 * Level-triggered and pure: asked with what is true at this moment, again and again until it answers no steps. What is begun is
 * finished first; then comes the first transition of the order that `swap-order.ts` finds from here.
 */
import { type Amount, type Holder, type OrderLimits, orderSwaps } from './swap-order.ts'

export interface HeldPod extends Amount {
  readonly pod: string
  /**
   * `starting` and `ready` beside a serving pod: it is to take over. `ending`: it finishes what it is at. `ended`: it holds its share until
   * it is deleted. `failed`: it was not ready in time, or does not hold the share that it should.
   */
  readonly state: 'starting' | 'ready' | 'serving' | 'ending' | 'ended' | 'failed'
  /** It serves, and is not what would be made now: another one is to take over, whatever its amount. */
  readonly outdated?: boolean
}

export interface Worker {
  readonly name: string
  /** It can end at a checkpoint and begin again; the other kind is never without a pod that serves. */
  readonly interruptible: boolean
  /** Those that exist, the oldest first; at most two. */
  readonly pods: readonly HeldPod[]
  /** null: it is to go. */
  readonly wanted: Amount | null
  /** Whether it gains by a swap at all; if not, its share is changed only where others need that. Default true. */
  readonly worthSwapping?: boolean
}

export interface SwapLimits extends OrderLimits {
  /** Swaps that may be under way at once, ≥ 1. */
  readonly swaps: number
}

export interface SwapRequest {
  readonly workers: readonly Worker[]
  readonly limits: SwapLimits
  /** Units (`stepUnits`), and that part of the memory; smaller changes are left out unless others need them. */
  readonly step: number
  /** Whether what is left of the window is worth a swap; if not, no share of a pod that exists is changed. Default true. */
  readonly worthSwapping?: boolean
}

export type SwapStep =
  | { readonly kind: 'create'; readonly worker: string; readonly amount: Amount }
  | { readonly kind: 'take-over'; readonly worker: string; readonly from: string; readonly to: string }
  /** A serving pod is to finish what it is at: its frames, or up to a checkpoint. */
  | { readonly kind: 'end'; readonly worker: string; readonly pod: string }
  /** `abort`: a pod that never served. */
  | { readonly kind: 'delete' | 'abort'; readonly worker: string; readonly pod: string }

export interface SwapPlan {
  readonly steps: readonly SwapStep[]
  /** What cannot be reached from here, with the reason as a sentence. */
  readonly blocked: readonly { readonly worker: string; readonly reason: string }[]
}

export function planSwaps(request: SwapRequest): SwapPlan {
  const { limits } = request
  const workers = settled(request)
  const finishing = workers.flatMap(finish)
  const underWay = workers.filter(isUnderWay).length
  if (finishing.length > 0 || underWay >= limits.swaps) return { steps: finishing, blocked: [] }

  const resting = workers.filter(worker => !isUnderWay(worker))
  const busy = workers.filter(isUnderWay)
  const pods = busy.flatMap(worker => worker.pods)
  const { next, blocked } = orderSwaps(
    resting.map(
      (worker): Holder => ({
        name: worker.name,
        interruptible: worker.interruptible,
        held: worker.pods[0] ?? null,
        wanted: worker.wanted,
        renews: worker.pods[0]?.outdated === true,
      }),
    ),
    {
      steadyUnits: limits.steadyUnits - sum(busy, worker => largest(worker.pods)),
      totalUnits: limits.totalUnits - sum(pods, pod => pod.units),
      memoryMiB: limits.memoryMiB - sum(pods, pod => pod.memoryMiB),
      clients: limits.clients - pods.length,
    },
  )
  if (next === null) return { steps: [], blocked: underWay > 0 ? [] : blocked }
  const worker = resting.find(each => each.name === next.worker)!
  const [pod] = worker.pods
  const steps: SwapStep[] =
    next.to === 'out'
      ? [{ kind: 'end', worker: worker.name, pod: pod!.pod }]
      : [{ kind: 'create', worker: worker.name, amount: worker.wanted! }]
  return { steps, blocked }
}

/**
 * The fewest units that a change of the share by one step comes to, since shares are rounded down to whole units: with 38 units to a share of
 * 1 a step of 0.05 is 2 of them here and 1 there, and either is worth its swap.
 */
export const stepUnits = (step: number, steadyUnits: number): number =>
  Math.max(1, Math.floor(step * steadyUnits + 1e-4))

const sum = <T>(all: readonly T[], of: (each: T) => number): number =>
  all.reduce((total, each) => total + of(each), 0)

const largest = (amounts: readonly Amount[]): number => Math.max(0, ...amounts.map(({ units }) => units))

const sameAmount = (a: Amount, b: Amount): boolean => a.units === b.units && a.memoryMiB === b.memoryMiB

/** Its next step comes from the world (a pod gets ready, ends, goes) or finishes what is begun. */
function isUnderWay({ pods }: Worker): boolean {
  return pods.length > 1 || (pods[0] !== undefined && pods[0].state !== 'serving')
}

/** The steps that bring what is begun to its end. */
function finish({ name, pods, wanted }: Worker): SwapStep[] {
  const serving = pods.find(pod => pod.state === 'serving')
  return pods.flatMap((pod): SwapStep[] => {
    switch (pod.state) {
      case 'failed':
        return [{ kind: 'abort', worker: name, pod: pod.pod }]
      case 'ended':
        return [{ kind: 'delete', worker: name, pod: pod.pod }]
      case 'starting':
      case 'ready':
        if (wanted === null || !sameAmount(pod, wanted))
          return [{ kind: 'abort', worker: name, pod: pod.pod }]
        if (pod.state === 'ready' && serving !== undefined)
          return [{ kind: 'take-over', worker: name, from: serving.pod, to: pod.pod }]
        return []
      default:
        return []
    }
  })
}

/** Workers with small changes taken as wanted as they are. */
function settled({ workers, limits, step, worthSwapping = true }: SwapRequest): readonly Worker[] {
  const isSmall = (worker: Worker): boolean => {
    const serving = worker.pods.find(pod => pod.state === 'serving')
    return (
      worker.wanted !== null &&
      serving !== undefined &&
      serving.outdated !== true &&
      worker.pods.length === 1 &&
      (!worthSwapping ||
        worker.worthSwapping === false ||
        (Math.abs(worker.wanted.units - serving.units) < step &&
          worker.wanted.memoryMiB - serving.memoryMiB < (step / limits.steadyUnits) * limits.memoryMiB))
    )
  }
  const kept = workers.map(worker => (isSmall(worker) ? { ...worker, wanted: worker.pods[0]! } : worker))
  const fits = (all: readonly Worker[]): boolean =>
    sum(all, ({ wanted }) => wanted?.units ?? 0) <= limits.steadyUnits &&
    sum(all, ({ wanted }) => wanted?.memoryMiB ?? 0) <= limits.memoryMiB
  // Many small changes left undone could keep another worker from ever fitting.
  return !worthSwapping || fits(kept) ? kept : workers
}
