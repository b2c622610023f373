/**
 * Which window an inference pod is in. Pure: time comes in as an argument.
 *
 *   unscheduled ──announced──▶ announced ──its end──▶ the announced next window, else rolled over (index + 1, same length)
 *                                  ▲                                             │
 *                                  └──────────────announced──────────────────────┘
 *
 * Before anything is announced the pod serves window 0 from its own start and keeps no samples. It rolls over by itself so that no
 * frame and no sample is lost while the operator is away; after two windows in a row without a word of the operator (an announcement,
 * or a look at the status that tells it that the pod is where it should be) it keeps no more samples, which nobody would clear away.
 */
import type { WindowClock } from '../../operator/api/worker.ts'

export interface ActiveWindow extends WindowClock {
  /** Milliseconds since the epoch; a window that starts earlier cuts this one short. */
  readonly startsAtMs: number
  readonly endsAtMs: number
  /** Windows since the operator was last heard of; 0 for the one in which it was. */
  readonly unheard: number
  /** False where the index is guessed from an old configuration: another window may really have it. */
  readonly certain: boolean
  /** False for the time before anything was announced. */
  readonly scheduled: boolean
}

/** Length of the windows while none is announced. */
const unscheduledSeconds = 3600
const keepingUnheard = 2
/** Times in the Kubernetes API have whole seconds. */
const sameStartMs = 1000

export class WindowSchedule {
  #current: ActiveWindow
  #next: WindowClock | null = null

  /** Goes on where `first` would be by `now`, however long ago it began: a restarted pod has its first configuration again. */
  constructor(first: WindowClock | undefined, now: number) {
    const start = first ?? {
      index: 0,
      startsAt: new Date(now).toISOString(),
      durationSeconds: unscheduledSeconds,
      maxSamples: 0,
    }
    this.#current = activate(start, 0, first !== undefined)
    const guessed = rolled(this.#current, now)
    if (guessed !== this.#current) this.#current = { ...guessed, certain: false }
    if (this.#current.startsAtMs > now) {
      // Frames are due before it begins as well.
      this.#next = start
      this.#current = activate({ ...start, startsAt: new Date(now).toISOString(), maxSamples: 0 }, 0, false)
    }
  }

  get current(): ActiveWindow {
    const next = this.#next === null ? Number.POSITIVE_INFINITY : Date.parse(this.#next.startsAt)
    return next < this.#current.endsAtMs ? { ...this.#current, endsAtMs: next } : this.#current
  }

  /** Samples to keep of the current window. */
  get maxSamples(): number {
    const { unheard, maxSamples } = this.#current
    return unheard > keepingUnheard ? 0 : maxSamples
  }

  /** @returns whether the window or its samples change by it, so that whoever follows them has to look again. */
  announce(clock: WindowClock, now: number): boolean {
    const startsAtMs = Date.parse(clock.startsAt)
    if (startsAtMs > now && !this.#isCurrent(clock)) {
      const same =
        this.#next !== null && isSame(this.#next, clock) && this.#next.maxSamples === clock.maxSamples
      this.#next = clock
      return !same
    }
    // An operator that lags behind announces a window that is over: what follows from it is what counts.
    const announced = activate(clock, 0, true)
    const due = rolled(announced, now)
    if (this.#isCurrent(due)) {
      const kept = this.maxSamples
      const { maxSamples, unheard } = due
      this.#current = { ...this.#current, maxSamples, unheard, scheduled: true, certain: true }
      return this.maxSamples !== kept
    }
    this.#current = due
    this.#next = null
    return true
  }

  /** The operator has seen where the pod is. @returns whether samples are kept again. */
  heard(): boolean {
    const kept = this.maxSamples
    if (this.#current.scheduled && this.#current.certain) this.#current = { ...this.#current, unheard: 0 }
    return this.maxSamples !== kept
  }

  /** Moves on over every window that is over by `now`. */
  advance(now: number): void {
    while (this.current.endsAtMs <= now) this.next(now)
  }

  /** To the window after the current one: once all its frames were offered, which is a moment before its end. */
  next(now: number): void {
    if (this.#next !== null && Date.parse(this.#next.startsAt) <= this.#current.endsAtMs) {
      this.#current = activate(this.#next, 0, true)
      this.#next = null
      return
    }
    // One at a time, so that the frames of a window that was slept through are accounted for; far behind, at once.
    const behind = now - this.#current.endsAtMs > 2 * this.#current.durationSeconds * 1000
    this.#current = behind ? rolled(this.#current, now) : following(this.#current)
  }

  #isCurrent(clock: WindowClock): boolean {
    return isSame(this.#current, clock)
  }
}

const isSame = (a: WindowClock, b: WindowClock): boolean =>
  a.index === b.index &&
  a.durationSeconds === b.durationSeconds &&
  Math.abs(Date.parse(a.startsAt) - Date.parse(b.startsAt)) < sameStartMs

function activate(clock: WindowClock, unheard: number, scheduled: boolean): ActiveWindow {
  const startsAtMs = Date.parse(clock.startsAt)
  const endsAtMs = startsAtMs + clock.durationSeconds * 1000
  return { ...clock, startsAtMs, endsAtMs, unheard, scheduled, certain: true }
}

/** The window that follows by itself. */
function following(window: ActiveWindow, count = 1): ActiveWindow {
  const startsAtMs = window.startsAtMs + count * window.durationSeconds * 1000
  const clock = {
    index: window.index + count,
    startsAt: new Date(startsAtMs).toISOString(),
    durationSeconds: window.durationSeconds,
    maxSamples: window.maxSamples,
  }
  return { ...activate(clock, window.unheard + count, window.scheduled), certain: window.certain }
}

function rolled(window: ActiveWindow, now: number): ActiveWindow {
  const passed = Math.floor((now - window.startsAtMs) / (window.durationSeconds * 1000))
  return passed > 0 ? following(window, passed) : window
}
