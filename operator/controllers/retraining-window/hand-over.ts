/**
 * Tells two pods of a stream at which frame one takes over from the other, again and again until both have understood: the old one first,
 * so that no frame is ever analysed twice. What is agreed stands in the API (the mark) and in the pods' own answers, nowhere else.
 */
import { type InferenceStatus, workerPort } from '../../api/worker.ts'
import type { Pod } from '../../cluster/pod.ts'
import type { PodSnapshot } from '../../cluster/snapshot.ts'
import { type WorkerClient, WorkerClientError } from '../../cluster/worker-client.ts'
import { type HandOver, lastBefore, markOf } from '../../sharing/hand-over-mark.ts'

export interface HandOverParties {
  /** undefined: it has gone. */
  readonly old: PodSnapshot | undefined
  readonly next: PodSnapshot
  readonly mark: HandOver
}

export interface HandOverCalls {
  readonly workers: Pick<WorkerClient, 'activate' | 'drain'>
  readonly learn: (pod: Pod, status: InferenceStatus) => void
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly signal?: AbortSignal | undefined
}

/**
 * `told`: the new pod has just gone on duty; `done`: it is, and the old one has gone; `pending`: look again; `late`: the old pod has begun
 * a later frame, another mark is needed; `stuck`: the old pod does not answer or does not end, and has to be deleted.
 */
export type HandOverState = 'told' | 'done' | 'pending' | 'late' | 'stuck'

/** How long an old pod that does not answer is asked after the frame was due. */
const answerMs = 10_000
/** How long an old pod gets to end after its last frame. */
export const drainMs = 20_000

export async function handOver(
  { old, next, mark }: HandOverParties,
  { workers, learn, now, signal }: HandOverCalls,
): Promise<HandOverState> {
  const sinceDue = now - Date.parse(mark.dueAt)
  const serves = isServing(next)
  const runs = old !== undefined && !old.finished && !old.terminating
  let agreed = old !== undefined && hasAgreed(old, mark)
  if (runs && !agreed) {
    // Both on duty: the old one has forgotten what it was told.
    if (serves) return 'stuck'
    try {
      learn(old.pod, await workers.drain(addressOf(old), { until: lastBefore(mark) }, signal))
      agreed = true
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof WorkerClientError)) throw error
      if (error.code === 'TooLate') return 'late'
      return sinceDue > answerMs ? 'stuck' : 'pending'
    }
  }
  if (serves) {
    if (old === undefined) return 'done'
    return runs && sinceDue > drainMs ? 'stuck' : 'pending'
  }
  // After a restart of the operator nobody has asked it yet.
  if (next.status === undefined && old === undefined) return 'pending'
  // What a pod analyses that is being ended without having agreed nobody knows before it has gone.
  if (old?.terminating === true && !agreed) return 'pending'
  const from = agreed && !restartedSince(next, mark) ? { from: markOf(mark) } : {}
  try {
    const answer = await workers.activate(addressOf(next), from, signal)
    learn(next.pod, answer)
    return 'told'
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof WorkerClientError)) throw error
    return 'pending'
  }
}

/** By its own last answer. */
export function isServing({ status }: PodSnapshot): boolean {
  return status?.role === 'inference' && status.standby !== true
}

export const addressOf = ({ pod }: PodSnapshot): string => `${pod.status?.podIP}:${workerPort}`

function hasAgreed({ status, result }: PodSnapshot, mark: HandOver): boolean {
  const until =
    result?.kind === 'inference' ? result.until : status?.role === 'inference' ? status.until : undefined
  const last = lastBefore(mark)
  return (
    until?.window === last.window &&
    until.frame === last.frame &&
    Date.parse(until.startsAt) === Date.parse(last.startsAt)
  )
}

/**
 * A container that was started again has been on duty before: it goes on at what is due. Times in the API have whole seconds; kubelet's are
 * by its node's clock.
 */
function restartedSince({ pod, clockAheadMs = 0 }: PodSnapshot, { dueAt }: HandOver): boolean {
  const startedAt = pod.status?.containerStatuses?.[0]?.state?.running?.startedAt
  return startedAt !== undefined && Date.parse(startedAt) - clockAheadMs > Date.parse(dueAt)
}
