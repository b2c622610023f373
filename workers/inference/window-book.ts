/**
 * Keeps the sample of one window: images, frames.csv and summary.json in the window's folder.
 *
 * Frames are stored in the background, in order, a bounded number at a time; a row is appended once its image is whole. The folder
 * belongs to one window (index and start): a restarted pod goes on in it, a later generation of pods adds its own books to it, and what
 * another window of the same index left is cleared.
 * A failure to store never reaches the frames: it is kept in `error`, and the window goes on with what can be stored.
 */
import { appendFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { framesListOf } from '../../operator/api/storage.ts'
import type { FrameCounts, WorkerError } from '../../operator/api/worker.ts'
import type { Frame } from '../frames/source.ts'
import { failureOf } from '../runtime/failure.ts'
import {
  addFrames,
  formatKeptFrame,
  framesHeader,
  readFramesOf,
  readSummaries,
  type WindowSummary,
  writeSummary,
} from '../runtime/sample-folder.ts'
import type { ActiveWindow } from './window-schedule.ts'

/** Images on their way to the disk; more than that and the frames wait. */
const pendingLimit = 16
const sameStartMs = 1000

export interface WindowBookOptions {
  readonly folder: string
  readonly window: ActiveWindow
  readonly selected: ReadonlySet<number>
  /** Names of what is served and of the source's labels. */
  readonly classes: readonly string[]
  /** Whose books these are, from 1. */
  readonly generation: number
}

const noFrames: FrameCounts = { offered: 0, analysed: 0, skipped: 0, dropped: 0 }

export class WindowBook {
  readonly #folder: string
  readonly #window: ActiveWindow
  readonly #generation: number
  readonly #classes: readonly string[]
  readonly #kept: Set<number>
  /** Counts of this window from before a restart. */
  readonly before: FrameCounts
  /** What was analysed before it; undefined: not known. */
  readonly analysedBefore: WindowSummary['analysed']
  readonly droppedBefore: WindowSummary['dropped']
  #others: Pick<WindowSummary, 'frames' | 'samples'> = { frames: noFrames, samples: 0 }
  #selected: ReadonlySet<number>
  #refused: number
  #pending = 0
  #queue: Promise<void> = Promise.resolve()
  error: WorkerError['error'] | null = null

  private constructor(options: WindowBookOptions, kept: Set<number>, earlier: WindowSummary | null) {
    this.#folder = options.folder
    this.#window = options.window
    this.#generation = options.generation
    this.#classes = options.classes
    this.#selected = options.selected
    this.#kept = kept
    this.before = earlier?.frames ?? noFrames
    this.analysedBefore = earlier === null ? [] : earlier.analysed
    this.droppedBefore = earlier === null ? [] : earlier.dropped
    this.#refused = earlier?.refused ?? 0
  }

  /**
   * @returns null where the folder belongs to another window and this one's index is a guess: the other may be the one that is being labelled.
   * @throws the system's error if the folder cannot be had.
   */
  static async open(options: WindowBookOptions): Promise<WindowBook | null> {
    const { folder, window, generation } = options
    const there = await readSummaries(folder)
    const ofWindow = ({ startsAt }: WindowSummary): boolean =>
      Math.abs(Date.parse(startsAt) - window.startsAtMs) < sameStartMs
    const own = there.get(generation)
    if ([...there.values()].some(ofWindow)) {
      if (own !== undefined && ofWindow(own)) {
        await repair(join(folder, framesListOf(generation)))
        const rows = await readFramesOf(folder, generation).catch(() => null)
        if (rows !== null) {
          const book = new WindowBook(options, new Set(rows.map(row => row.frame)), own)
          await book.#readOthers()
          return book
        }
      }
    } else {
      if (there.size > 0 && !window.certain) return null
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true })
    }
    await writeFile(join(folder, framesListOf(generation)), framesHeader)
    const book = new WindowBook(options, new Set(), null)
    // A pod that has just begun is known to have had nothing, and not just not known to have had anything.
    await book.summarise({
      complete: false,
      frames: book.before,
      gpuSecondsPerFrame: null,
      analysed: [],
      dropped: [],
    })
    return book
  }

  /** What the other generations have of this window, as of their last summary. */
  get others(): Pick<WindowSummary, 'frames' | 'samples'> {
    return this.#others
  }

  get samples(): number {
    return this.#kept.size
  }

  get refused(): number {
    return this.#refused
  }

  select(frames: ReadonlySet<number>): void {
    this.#selected = frames
  }

  /** Stores the frame if it is one of the sample. Resolves at once unless too many are on their way. */
  async offer(frame: Frame, served: number | null, fresh: boolean): Promise<void> {
    if (!this.#selected.has(frame.index) || this.#kept.has(frame.index)) return
    this.#pending++
    const stored = this.#queue.then(() => this.#store(frame, served, fresh)).finally(() => this.#pending--)
    this.#queue = stored
    if (this.#pending >= pendingLimit) await stored
  }

  /** Waits for the images on their way and writes summary.json. */
  async summarise(
    totals: Pick<WindowSummary, 'complete' | 'frames' | 'gpuSecondsPerFrame' | 'analysed' | 'dropped'>,
  ): Promise<void> {
    await this.#queue
    await this.#readOthers()
    const { index, startsAt, durationSeconds } = this.#window
    await this.#guard(() =>
      writeSummary(
        this.#folder,
        {
          index,
          startsAt,
          durationSeconds,
          ...totals,
          samples: this.#kept.size,
          refused: this.#refused,
        },
        this.#generation,
      ),
    )
  }

  async #readOthers(): Promise<void> {
    const others = [...(await readSummaries(this.#folder))].flatMap(([generation, summary]) =>
      generation === this.#generation ? [] : [summary],
    )
    this.#others = {
      frames: others.reduce((sum, { frames }) => addFrames(sum, frames), noFrames),
      samples: others.reduce((sum, { samples }) => sum + samples, 0),
    }
  }

  async #store(frame: Frame, served: number | null, fresh: boolean): Promise<void> {
    let jpeg: Uint8Array
    try {
      jpeg = await frame.jpeg()
    } catch {
      this.#refused++
      return
    }
    await this.#guard(async () => {
      const image = `${String(frame.index).padStart(6, '0')}.jpg`
      await writeFile(join(this.#folder, image), jpeg)
      const row = formatKeptFrame(this.#kept.size, {
        frame: frame.index,
        image,
        fresh,
        served: this.#nameOf(served),
        label: this.#nameOf(frame.label),
      })
      await appendFile(join(this.#folder, framesListOf(this.#generation)), row)
      this.#kept.add(frame.index)
    })
  }

  #nameOf(index: number | null): string | null {
    return index === null ? null : this.#classes[index]!
  }

  async #guard(write: () => Promise<void>): Promise<void> {
    try {
      await write()
      this.error = null
    } catch (error) {
      this.error = failureOf(error)
    }
  }
}

/** Cuts off a row that a crash left half written. */
async function repair(file: string): Promise<void> {
  const text = await readFile(file).catch(() => null)
  if (text === null) return
  const whole = text.lastIndexOf(0x0a) + 1
  if (whole < text.length) await truncate(file, whole)
}
