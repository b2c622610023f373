/**
 * Which frames are this pod's to analyse, where another pod of the stream has those before or after them. Pure: time comes in as an
 * argument.
 *
 *   standby ──activate──▶ on duty ──end, and the last frame is done──▶ off duty for good
 *
 * A mark names a frame; what is compared is the moment at which frames are due, with half a frame to spare. So two pods that are given the
 * same mark share the frames out exactly, also where a window is announced in the middle of it.
 */
import type { FrameMark } from '../../operator/api/worker.ts'
import { WorkerFailure } from '../runtime/failure.ts'
import type { ActiveWindow } from './window-schedule.ts'

/** A pod that is told late works off what was due meanwhile; what is due later than this has to be on time again. */
const catchUpMs = 10_000
const sameStartMs = 1000

export class Duty {
  readonly #periodMs: number
  #from: FrameMark | undefined
  #until: FrameMark | undefined
  #fromMs: number
  #untilMs = Number.POSITIVE_INFINITY
  /** When the newest frame was due that was begun. */
  #begunMs = Number.NEGATIVE_INFINITY
  /** Frames that were due before are worked off however late they are; null once the pod has caught up. */
  #catchesUpTo: number | null = null
  readonly #activated = Promise.withResolvers<void>()

  constructor({ frameRate, standby = false }: { readonly frameRate: number; readonly standby?: boolean }) {
    this.#periodMs = 1000 / frameRate
    this.#fromMs = standby ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    if (!standby) this.#activated.resolve()
  }

  get standby(): boolean {
    return this.#fromMs === Number.POSITIVE_INFINITY
  }

  get from(): FrameMark | undefined {
    return this.#from
  }

  get until(): FrameMark | undefined {
    return this.#until
  }

  /** Resolves once the pod is on duty. */
  get activated(): Promise<void> {
    return this.#activated.promise
  }

  /** @param from absent: at what is due. @throws WorkerFailure TooLate on a pod that has begun elsewhere. */
  activate(from: FrameMark | undefined, now: number): void {
    if (!this.standby) {
      if (from === undefined || (this.#from !== undefined && isSame(this.#from, from))) return
      throw new WorkerFailure(
        'TooLate',
        `frame ${from.frame} of window ${from.window}: the pod is on duty from ${this.#from === undefined ? 'its start' : `frame ${this.#from.frame} of window ${this.#from.window}`} on`,
      )
    }
    this.#from = from
    this.#fromMs = from === undefined ? Number.NEGATIVE_INFINITY : this.#dueAt(from) - this.#periodMs / 2
    this.#catchesUpTo = from === undefined ? null : now + catchUpMs
    this.#activated.resolve()
  }

  /** @throws WorkerFailure TooLate once a later frame has been begun. */
  end(until: FrameMark): void {
    if (this.#until !== undefined && isSame(this.#until, until)) return
    const untilMs = this.#dueAt(until) + this.#periodMs / 2
    if (this.#begunMs > untilMs)
      throw new WorkerFailure(
        'TooLate',
        `frame ${until.frame} of window ${until.window} cannot be the last one: a later one has been begun`,
      )
    this.#until = until
    this.#untilMs = untilMs
  }

  /** From when on windows matter to the pod: those that passed while it was told late, too. */
  beginsAt(now: number): number {
    return Math.min(now, this.#fromMs === Number.NEGATIVE_INFINITY ? now : this.#fromMs)
  }

  /** The first frame in a window; undefined: what is due. */
  firstFrame({ index, startsAtMs }: ActiveWindow): number | undefined {
    const { window, startsAt, frame } = this.#from ?? {}
    const same = window === index && Math.abs(Date.parse(startsAt ?? '') - startsAtMs) < sameStartMs
    return same ? Math.max(0, frame!) : undefined
  }

  isBefore(dueAt: number): boolean {
    return dueAt < this.#fromMs
  }

  isOver(dueAt: number): boolean {
    return dueAt > this.#untilMs
  }

  /** Nothing that comes after this frame is the pod's. */
  isLast(dueAt: number): boolean {
    return this.isOver(dueAt + this.#periodMs)
  }

  begin(dueAt: number): void {
    this.#begunMs = dueAt
  }

  /** How late a frame counts as, in milliseconds: what was due before the pod was told is not its fault. */
  lateMs(dueAt: number, now: number): number {
    const late = now - dueAt
    if (this.#catchesUpTo === null) return late
    if (late > this.#periodMs && dueAt < this.#catchesUpTo) return 0
    this.#catchesUpTo = null
    return late
  }

  #dueAt({ startsAt, frame }: FrameMark): number {
    return Date.parse(startsAt) + frame * this.#periodMs
  }
}

const isSame = (a: FrameMark, b: FrameMark): boolean =>
  a.window === b.window && a.frame === b.frame && Date.parse(a.startsAt) === Date.parse(b.startsAt)
