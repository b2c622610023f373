/**
 * The loop of an inference pod: window after window, frame after frame, each offered exactly once and in order.
 *
 * Between two frames it looks at nothing but the window schedule; models and configurations change under it without its knowledge.
 * Invariant, at any moment and for any load: offered = analysed + skipped + dropped.
 */
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { samplesFolder } from '../../operator/api/storage.ts'
import type { FrameCounts, InferenceConfiguration, WorkerError } from '../../operator/api/worker.ts'
import type { Clock } from '../frames/clock.ts'
import { type Frame, type FrameSource, framesInWindow } from '../frames/source.ts'
import { failureOf } from '../runtime/failure.ts'
import type { Logger } from '../runtime/log.ts'
import { addFrames } from '../runtime/sample-folder.ts'
import { Duty } from './duty.ts'
import { decideFrame, type FrameResult } from './frame-decision.ts'
import { FrameRanges } from './frame-ranges.ts'
import { selectFrames } from './frame-selection.ts'
import { WindowBook } from './window-book.ts'
import type { ActiveWindow, WindowSchedule } from './window-schedule.ts'

export interface FrameLoopOptions {
  readonly namespace: string
  readonly stream: string
  readonly storage: string
  readonly classes: readonly string[]
  readonly seed: number
  readonly frameRate: number
  readonly schedule: WindowSchedule
  readonly clock: Clock
  readonly log: Logger
  readonly configuration: () => InferenceConfiguration
  readonly gpuSecondsPerFrame: () => number | null
  /** Which frames are this pod's; absent: all. */
  readonly duty?: Duty
  /** Default 1. */
  readonly generation?: number
  /** The class of a frame. */
  analyse(frame: Frame): Promise<number>
  /** Each frame once, after it was counted; `latencySeconds` for analysed ones. */
  onFrame?(result: FrameResult, latencySeconds: number | null): void
}

type Counts = { -readonly [Key in keyof FrameCounts]: FrameCounts[Key] }

const failuresInRow = 30

interface OpenWindow {
  readonly active: ActiveWindow
  readonly frames: Counts
  readonly analysed: FrameRanges
  readonly dropped: FrameRanges
  book: WindowBook | null
}

/** How often a window's counts are saved for the case of a crash. */
const saveEveryMs = 10_000
/** Frames that cost nothing (skipped, dropped) before others get a turn of the event loop. */
const turnEvery = 64

export class FrameLoop {
  readonly #options: FrameLoopOptions
  readonly #duty: Duty
  readonly #total = noFrames()
  #window: OpenWindow | null = null
  #segment = new AbortController()
  #draining = false
  #served: number | null = null
  #sinceAnalysed = Number.POSITIVE_INFINITY
  #last: { readonly window: ActiveWindow; readonly frame: number } | null = null
  #refused = 0
  /** Of the last frames that were tried, since one succeeded. */
  #failures: unknown[] = []
  #running: Promise<void> = Promise.resolve()
  #closing: Promise<void> = Promise.resolve()
  #savedAt = 0
  #error: WorkerError['error'] | null = null

  constructor(options: FrameLoopOptions) {
    this.#options = options
    this.#duty = options.duty ?? new Duty(options)
  }

  get total(): FrameCounts {
    return this.#total
  }

  /** Frames that could not be read. */
  get refused(): number {
    return this.#refused
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Why samples are not kept; null where all is well. */
  get error(): WorkerError['error'] | null {
    return this.#window?.book?.error ?? this.#error
  }

  /** With what other pods of the stream have of it. */
  get window(): {
    readonly active: ActiveWindow
    readonly frames: FrameCounts
    readonly samples: number
  } | null {
    if (this.#window === null) return null
    const { active, frames, book } = this.#window
    if (book === null) return { active, frames, samples: 0 }
    return {
      active,
      frames: addFrames(frames, book.others.frames),
      samples: book.samples + book.others.samples,
    }
  }

  get lastFrame(): { readonly window: number; readonly frame: number } | null {
    return this.#last && { window: this.#last.window.index, frame: this.#last.frame }
  }

  /** The schedule has changed. */
  reschedule(): void {
    this.#segment.abort(new DOMException('the window has changed', 'AbortError'))
  }

  /** Stops offering for good; resolves when the frame at hand is finished and stored. */
  async drain(): Promise<void> {
    this.#draining = true
    this.reschedule()
    await this.#running
  }

  /** Offers frames until drained or aborted. @throws FrameError if the source fails as a whole. */
  async run(source: FrameSource, signal: AbortSignal): Promise<void> {
    const run = this.#run(source, signal)
    this.#running = run.catch(() => {})
    await run
  }

  async #run(source: FrameSource, signal: AbortSignal): Promise<void> {
    const { schedule, clock } = this.#options
    schedule.advance(this.#last === null ? this.#duty.beginsAt(clock.now()) : clock.now())
    let firstFrame = this.#resumeAt(schedule.current)
    try {
      while (!signal.aborted && !this.#draining) {
        this.#segment = new AbortController()
        const window = schedule.current
        await this.#enter(window)
        const ended = await this.#offerAll(source, window, firstFrame, signal)
        const next = ended ? this.#rollOver(window) : schedule.current
        firstFrame = this.#nextFrame(window, next, firstFrame)
      }
    } finally {
      // A new attempt of the caller goes on in the same window. Behind a save that is under way: the last one written must be the newest.
      this.#saveLater()
      await this.#closing
    }
  }

  /** @returns whether the window was offered to its end. */
  async #offerAll(
    source: FrameSource,
    window: ActiveWindow,
    firstFrame: number | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { index, startsAt, durationSeconds, maxSamples, endsAtMs } = window
    const segment = this.#segment.signal
    const stop = AbortSignal.any([signal, segment])
    const clock = { index, startsAt, durationSeconds, maxSamples }
    try {
      for await (const frame of source.frames(
        firstFrame === undefined ? clock : { ...clock, firstFrame },
        stop,
      )) {
        // A next window that begins early; the source knows nothing of it.
        if (frame.dueAt >= endsAtMs) return true
        if (this.#duty.isBefore(frame.dueAt)) continue
        if (!this.#duty.isOver(frame.dueAt)) {
          this.#duty.begin(frame.dueAt)
          await this.#take(frame, window)
        }
        if (this.#duty.isLast(frame.dueAt)) this.#draining = true
        if (stop.aborted || this.#draining) return false
      }
      return true
    } catch (error) {
      if (stop.aborted) return false
      throw error
    }
  }

  /** Where to go on: after the last frame of the same window, at the first of one that follows; undefined: at what is due. */
  #nextFrame(before: ActiveWindow, next: ActiveWindow, begunAt: number | undefined): number | undefined {
    const last = this.#last
    if (last !== null && isSame(last.window, next)) return last.frame + 1
    if (isSame(before, next)) return begunAt
    return next.startsAtMs === before.endsAtMs && last !== null && isSame(last.window, before) ? 0 : undefined
  }

  /** After a failure of the source: what is due, but no frame twice. */
  #resumeAt(window: ActiveWindow): number | undefined {
    if (this.#last === null) return this.#duty.firstFrame(window)
    if (!isSame(this.#last.window, window)) return undefined
    const { clock, frameRate } = this.#options
    const due = Math.floor(((clock.now() - window.startsAtMs) * frameRate) / 1000)
    return Math.max(this.#last.frame + 1, due)
  }

  #rollOver(window: ActiveWindow): ActiveWindow {
    const { schedule, clock } = this.#options
    // An announcement may have come while the last frame was at hand.
    if (schedule.current.index === window.index && schedule.current.startsAtMs === window.startsAtMs)
      schedule.next(clock.now())
    return schedule.current
  }

  async #take(frame: Frame, window: ActiveWindow): Promise<void> {
    const { clock, frameRate, configuration, onFrame } = this.#options
    const { frames, book, ...numbers } = this.#window!
    let result = decideFrame({
      lateMs: this.#duty.lateMs(frame.dueAt, clock.now()),
      frameRate,
      frameInterval: configuration().frameInterval,
      sinceAnalysed: ++this.#sinceAnalysed,
    })
    if (result === 'analysed') result = await this.#analyse(frame)
    else if (this.#total.offered % turnEvery === 0) await turn()
    this.#last = { window, frame: frame.index }
    for (const counts of [this.#total, frames]) {
      counts.offered++
      counts[result]++
    }
    if (result !== 'skipped') numbers[result].add(frame.index)
    onFrame?.(result, result === 'analysed' ? (clock.now() - frame.dueAt) / 1000 : null)
    await book?.offer(frame, this.#served, result === 'analysed')
    if (clock.now() - this.#savedAt > saveEveryMs) this.#saveLater()
    // One bad frame is bad luck; a row of them is a source that has gone.
    if (this.#failures.length >= failuresInRow) throw this.#failures.splice(0)[0]
  }

  async #analyse(frame: Frame): Promise<FrameResult> {
    // Requests get their turn even where a frame is always due.
    await turn()
    try {
      this.#served = await this.#options.analyse(frame)
      this.#sinceAnalysed = 0
      this.#failures = []
      return 'analysed'
    } catch (error) {
      this.#refused++
      this.#failures.push(error)
      const { code, message } = failureOf(error)
      this.#options.log.warn({ code, frame: frame.index }, `a frame could not be analysed: ${message}`)
      return 'dropped'
    }
  }

  async #enter(window: ActiveWindow): Promise<void> {
    const { schedule, frameRate, seed, stream } = this.#options
    const { maxSamples } = schedule
    const frames = framesInWindow(window.durationSeconds, frameRate)
    const selected = () => selectFrames({ seed, stream, window: window.index, frames, maxSamples })
    const before = this.#window
    if (before !== null && isSame(before.active, window)) {
      this.#window = { ...before, active: window }
      if (before.book !== null) before.book.select(selected())
      else if (maxSamples > 0) this.#window.book = await this.#openBook(window, selected())
      return
    }
    if (before !== null) this.#closeLater(before)
    // The folder may be the one that is being closed: an announcement can repeat an index.
    if (before?.active.index === window.index) await this.#closing
    const book = maxSamples > 0 ? await this.#openBook(window, selected()) : null
    this.#window = {
      active: window,
      frames: { ...(book?.before ?? noFrames()) },
      analysed: new FrameRanges(book === null ? [] : book.analysedBefore),
      dropped: new FrameRanges(book === null ? [] : book.droppedBefore),
      book,
    }
    this.#savedAt = this.#options.clock.now()
  }

  async #openBook(window: ActiveWindow, selected: ReadonlySet<number>): Promise<WindowBook | null> {
    const { storage, namespace, stream, classes, log, generation = 1 } = this.#options
    const folder = join(storage, samplesFolder(namespace, stream, window.index))
    try {
      this.#error = null
      return await WindowBook.open({ folder, window, selected, classes, generation })
    } catch (error) {
      this.#error = failureOf(error)
      log.error(
        { code: this.#error.code, window: window.index },
        `no samples are kept: ${this.#error.message}`,
      )
      return null
    }
  }

  #closeLater(window: OpenWindow): void {
    const { active, frames, analysed, dropped, book } = window
    const samples = book?.samples ?? 0
    this.#options.log.info(
      { window: active.index, frames, samples, analysed: analysed.list, dropped: dropped.list },
      'window over',
    )
    const totals = this.#totals(window, true)
    if (book !== null) this.#closing = this.#closing.then(() => book.summarise(totals))
  }

  #totals({ frames, ...numbers }: OpenWindow, complete: boolean) {
    const [analysed, dropped] = [numbers.analysed.list, numbers.dropped.list]
    return {
      complete,
      frames: { ...frames },
      gpuSecondsPerFrame: this.#options.gpuSecondsPerFrame(),
      ...(analysed && { analysed }),
      ...(dropped && { dropped }),
    }
  }

  #saveLater(): void {
    this.#savedAt = this.#options.clock.now()
    this.#closing = this.#closing.then(() => this.#save())
  }

  async #save(): Promise<void> {
    if (!this.#window?.book) return
    await this.#window.book.summarise(this.#totals(this.#window, false))
  }
}

const noFrames = (): Counts => ({ offered: 0, analysed: 0, skipped: 0, dropped: 0 })

const isSame = (a: ActiveWindow, b: ActiveWindow): boolean =>
  a.index === b.index && a.startsAtMs === b.startsAtMs
