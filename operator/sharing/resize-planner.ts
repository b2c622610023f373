/**
 * Which shares of one GPU may change at this moment.
 *
 * Given what each pod holds and should hold, answers the steps that keep Σ held ≤ 1 whatever the order in which the node
 * carries them out: every shrink at once; grows and creations only into what is free for certain. A pod holds
 * max(actual, desired): a grow may take effect at any moment, a shrink frees nothing before the node reports it.
 *
 * Level-triggered: called at each reconcile with what is true then, until it answers no steps. It always gets there when
 * the wanted shares fit: shrinks wait for nothing, and once they are through every grow fits.
 */

/** Quantities are rounded down to millicores and read back, so sums of exact shares may miss 1 by this much. */
const tolerance = 1e-6

export interface PodShare {
  readonly name: string
  readonly exists: boolean
  /** What the node enforces; 0 when the pod does not exist or has ended. */
  readonly actual: number
  /** What its spec asks for; 0 when it does not exist. */
  readonly desired: number
  /** What it should hold. 0: it is to go (deleting it is the caller's), and holds its share until it has gone. */
  readonly wanted: number
  /** Lower goes first (inference before training); default 0. */
  readonly priority?: number
}

export type ResizeStep =
  | { readonly kind: 'shrink' | 'grow'; readonly pod: string; readonly from: number; readonly to: number }
  | { readonly kind: 'create'; readonly pod: string; readonly to: number }

export interface ResizePlan {
  readonly steps: readonly ResizeStep[]
  /** What does not fit yet, with the share it lacks. */
  readonly waiting: readonly {
    readonly pod: string
    readonly to: number
    readonly kind: 'grow' | 'create'
    readonly lacks: number
  }[]
  /** Free for certain after the steps. */
  readonly free: number
}

const held = (pod: PodShare): number => Math.max(pod.actual, pod.desired)

/** @param step Δ: changes below half of it are left out unless others need them. */
export function planResizes(pods: readonly PodShare[], step: number): ResizePlan {
  const staying = pods.filter(pod => pod.wanted > 0)
  const isSmall = (pod: PodShare): boolean =>
    pod.exists && Math.abs(pod.wanted - pod.desired) < Math.max(step / 2, tolerance)

  // Small changes are not worth a call, but many of them left undone could keep another pod from ever fitting.
  const settled = staying.reduce((sum, pod) => sum + (isSmall(pod) ? pod.desired : pod.wanted), 0)
  const dropsSmall = settled <= 1 + tolerance
  const changing = staying.filter(
    pod => !pod.exists || (dropsSmall ? !isSmall(pod) : Math.abs(pod.wanted - pod.desired) > tolerance),
  )

  const steps: ResizeStep[] = changing
    .filter(pod => pod.exists && pod.wanted < pod.desired)
    .map(pod => ({ kind: 'shrink', pod: pod.name, from: pod.desired, to: pod.wanted }))

  let free = 1 - pods.reduce((sum, pod) => sum + held(pod), 0)
  const waiting: ResizePlan['waiting'][number][] = []
  const growing = changing
    .filter(pod => !pod.exists || pod.wanted > pod.desired)
    .map(pod => ({ pod, need: Math.max(0, pod.wanted - held(pod)) }))
    .sort(
      (a, b) =>
        (a.pod.priority ?? 0) - (b.pod.priority ?? 0) ||
        a.need - b.need ||
        (a.pod.name < b.pod.name ? -1 : a.pod.name > b.pod.name ? 1 : 0),
    )
  for (const { pod, need } of growing) {
    if (need > free + tolerance) {
      waiting.push({
        pod: pod.name,
        to: pod.wanted,
        kind: pod.exists ? 'grow' : 'create',
        lacks: need - Math.max(0, free),
      })
      continue
    }
    free -= need
    steps.push(
      pod.exists
        ? { kind: 'grow', pod: pod.name, from: pod.desired, to: pod.wanted }
        : { kind: 'create', pod: pod.name, to: pod.wanted },
    )
  }
  return { steps, waiting, free: Math.max(0, free) }
}
