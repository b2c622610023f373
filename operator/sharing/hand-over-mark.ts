/** At which frame one pod takes over from another. Pure. */
import type { FrameMark } from '../api/worker.ts'

export interface HandOver extends FrameMark {
  /** RFC 3339, by the operator's clock: when the frame is due. */
  readonly dueAt: string
}

/** What both pods say of the window that they are in; null: none has been announced yet. */
export interface PodWindow {
  readonly index: number
  readonly startsAt: string
}

export interface HandOverRequest {
  readonly old: PodWindow | null
  readonly next: PodWindow | null
  readonly durationSeconds: number
  readonly frameRate: number
  /** By the operator's clock, as `dueAt` is. */
  readonly now: number
  /** Milliseconds by which the pods' clock, by which they begin frames, is ahead of it. */
  readonly aheadMs?: number
}

/** How far ahead the frame is: both pods must be told before it is due. */
export const leadMs = 1000
/** Nothing is handed over so close to the end of a window, where the next one may be announced. */
const endMs = 1500

/** undefined: not at this moment, because the pods are not in the same window or it is about to end. */
export function handOverMark({
  old,
  next,
  durationSeconds,
  frameRate,
  now,
  aheadMs = 0,
}: HandOverRequest): HandOver | undefined {
  if (old === null && next === null) {
    // Without a window there are no numbers to keep to, only a moment.
    const startsAt = new Date(now + aheadMs + leadMs).toISOString()
    return { window: 0, startsAt, frame: 0, dueAt: new Date(now + leadMs).toISOString() }
  }
  if (old === null || next === null || !isSame(old, next)) return undefined
  const start = Date.parse(old.startsAt)
  const frame = Math.max(0, Math.ceil(((now + aheadMs + leadMs - start) * frameRate) / 1000))
  const dueMs = start + (frame * 1000) / frameRate
  if (dueMs + endMs > start + durationSeconds * 1000) return undefined
  return { window: old.index, startsAt: old.startsAt, frame, dueAt: new Date(dueMs - aheadMs).toISOString() }
}

const isSame = (a: PodWindow, b: PodWindow): boolean =>
  a.index === b.index && Date.parse(a.startsAt) === Date.parse(b.startsAt)

export const markOf = ({ window, startsAt, frame }: HandOver): FrameMark => ({ window, startsAt, frame })
/** The old pod's last frame. */
export const lastBefore = ({ window, startsAt, frame }: HandOver): FrameMark => ({
  window,
  startsAt,
  frame: frame - 1,
})

/** As it stands in an annotation; undefined where it is none. */
export function parseHandOver(text: string | undefined): HandOver | undefined {
  try {
    const { window, startsAt, frame, dueAt } = JSON.parse(text ?? '') as Partial<HandOver>
    return Number.isInteger(window) &&
      Number.isInteger(frame) &&
      !Number.isNaN(Date.parse(startsAt ?? '')) &&
      !Number.isNaN(Date.parse(dueAt ?? ''))
      ? { window: window!, frame: frame!, startsAt: startsAt!, dueAt: dueAt! }
      : undefined
  } catch {
    return undefined
  }
}
