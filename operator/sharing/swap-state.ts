/**
 * What a worker's pods are at in a swap, from what the API says of them. Pure: the planner (`swap-planner.ts`) decides on the answer.
 *
 *   starting ──ready──▶ ready ──told to take over──▶ serving ──its successor told──▶ ending ──ended──▶ deleted
 *      └──not ready in time, refused, wrong share──▶ failed
 */
import type { Amount } from './swap-order.ts'
import type { HeldPod } from './swap-planner.ts'

export interface SwapPod {
  readonly name: string
  readonly generation: number
  readonly amount: Amount
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** What it gets to be ready where it is to take over. */
  readonly readySeconds: number
  readonly ready: boolean
  readonly terminating: boolean
  /** It has ended, well or not. */
  readonly finished: boolean
  /** Made to take over, and not told yet. */
  readonly standby: boolean
  /** Asked to end at a checkpoint. */
  readonly ending?: boolean
  /** Why it will never be ready, as far as is known. */
  readonly problem?: string
}

export interface StatedPod extends HeldPod {
  /** Why it failed. */
  readonly reason?: string
}

export function statePods(pods: readonly SwapPod[], now: number): readonly StatedPod[] {
  const sorted = pods.toSorted((a, b) => a.generation - b.generation)
  const told = sorted.filter(pod => !pod.standby)
  const onDuty = told.at(-1)
  return sorted.map(pod => {
    const held = { pod: pod.name, ...pod.amount }
    if (pod.terminating) return { ...held, state: 'ending' }
    if (pod.standby && onDuty === undefined) return { ...held, state: pod.finished ? 'ended' : 'serving' }
    if (pod.standby) return { ...held, ...candidate(pod, now) }
    if (pod.finished) return { ...held, state: 'ended' }
    return { ...held, state: pod === onDuty && pod.ending !== true ? 'serving' : 'ending' }
  })
}

function candidate(pod: SwapPod, now: number): Pick<StatedPod, 'state' | 'reason'> {
  if (pod.problem !== undefined) return { state: 'failed', reason: pod.problem }
  if (pod.finished) return { state: 'failed', reason: 'it ended before it was ready' }
  if (pod.ready) return { state: 'ready' }
  return now - pod.createdAt > pod.readySeconds * 1000
    ? { state: 'failed', reason: `it was not ready within ${pod.readySeconds} s` }
    : { state: 'starting' }
}
