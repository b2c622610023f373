/**
 * Which pod held what share of which GPU, and when: what a plan in the status cannot tell, because it holds only the shares in force.
 *
 * Kept in memory from the pods as they change, so every replica has it, and it begins with the process. Bounded: what ended longest ago goes
 * first.
 */
import type { WorkerRole } from '../api/worker.ts'

export interface Holder {
  readonly uid: string
  readonly namespace: string
  readonly stream: string
  readonly role: WorkerRole
  readonly node: string
  readonly gpu: string
  /** In [0, 1]. */
  readonly share: number
}

export interface HeldShare extends Holder {
  /** Milliseconds since the epoch. */
  readonly from: number
  /** null: it is held. */
  readonly to: number | null
}

export class ShareLog {
  /** Milliseconds since the epoch: nothing is known of what was before. */
  readonly begin: number
  readonly #now: () => number
  readonly #most: number
  readonly #open = new Map<string, HeldShare>()
  /** In the order in which they ended. */
  readonly #ended: HeldShare[] = []

  /** @param most shares that are no longer held and remembered */
  constructor(now: () => number, most = 20_000) {
    this.#now = now
    this.#most = most
    this.begin = now()
  }

  holds(holder: Holder): void {
    const before = this.#open.get(holder.uid)
    if (before?.share === holder.share && before.node === holder.node && before.gpu === holder.gpu) return
    this.ends(holder.uid)
    if (holder.share > 0) this.#open.set(holder.uid, { ...holder, from: this.#now(), to: null })
  }

  ends(uid: string): void {
    const open = this.#open.get(uid)
    if (open === undefined) return
    this.#open.delete(uid)
    const to = this.#now()
    if (to > open.from) this.#ended.push({ ...open, to })
    // A little at a time costs as much as many at once.
    if (this.#ended.length > this.#most * 1.1) this.#ended.splice(0, this.#ended.length - this.#most)
  }

  /** What was held of a GPU at any time from `from` on, the earliest first. */
  of(node: string, gpu: string, from: number): readonly HeldShare[] {
    const here = (share: HeldShare): boolean => share.node === node && share.gpu === gpu
    const recent: HeldShare[] = []
    for (let i = this.#ended.length - 1; i >= 0 && this.#ended[i]!.to! > from; i--)
      if (here(this.#ended[i]!)) recent.push(this.#ended[i]!)
    return [...recent, ...[...this.#open.values()].filter(here)].sort((a, b) => a.from - b.from)
  }
}
