/**
 * Where frames come from: one interface for every kind of source, and the pacing that all of them share.
 *
 * Frame i of a window is due at startsAt + i / frameRate, on the wall clock. A source yields each frame when it is due, or at
 * once when it is late: in order, each exactly once. It never leaves one out: what to drop is the consumer's decision.
 * Yielding a frame costs next to nothing; decoding or rendering happens only in `pixels` and `jpeg`.
 */
import type { Source, WindowClock } from '../../operator/api/worker.ts'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import { FrameError } from './errors.ts'
import type { Shape } from './resize.ts'

export interface Frame {
  /** In its window, from 0. */
  readonly index: number
  /** Milliseconds since the epoch. */
  readonly dueAt: number
  /** Class by the source's own truth; null where it knows none. */
  readonly label: number | null
  /** RGB bytes, channel by channel (CHW), at the asked size. */
  pixels(shape: Shape): Promise<Uint8Array>
  /** The frame as it would be stored. */
  jpeg(): Promise<Uint8Array>
}

export interface FrameWindow extends WindowClock {
  /** Where to go on; absent: at the frame that is due now. */
  readonly firstFrame?: number
}

export interface FrameSource {
  /** Whether frames carry labels. */
  readonly labelled: boolean
  /** Corrupt entries that were left out when the source was opened. */
  readonly refused: number
  /** Ends with the window; rejects with the signal's reason. */
  frames(window: FrameWindow, signal?: AbortSignal): AsyncIterable<Frame>
  close(): Promise<void>
}

export interface SourceOptions {
  /** In the model's output order; labels index into it. */
  readonly classes: readonly string[]
  /** Frames per second offered. */
  readonly frameRate: number
  /** Root that relative URIs start from. */
  readonly storage: string
  readonly clock?: Clock
}

/** What is shown at one frame of one window; the part that differs between sources. */
export interface Footage {
  readonly labelled: boolean
  readonly refused: number
  frame(window: WindowClock, index: number): Pick<Frame, 'label' | 'pixels' | 'jpeg'>
}

/** @throws FrameError SourceNotFound, SourceInvalid or LabelsInvalid. */
export async function openSource(
  source: Source,
  options: SourceOptions,
  signal?: AbortSignal,
): Promise<FrameSource> {
  const { frameRate, clock = systemClock } = options
  if (!(frameRate > 0)) throw new FrameError('SourceInvalid', `frameRate ${frameRate}: must be above 0`)
  return pace(await openFootage(source, options, signal), frameRate, clock)
}

async function openFootage(
  source: Source,
  { classes, frameRate, storage }: SourceOptions,
  signal?: AbortSignal,
): Promise<Footage> {
  // Loaded on demand: a worker starts under a small cpu limit and needs one of them.
  if ('scene' in source) {
    const { openScene } = await import('./scene-source.ts')
    return openScene(source.scene, { classes, frameRate })
  }
  const { openSamples } = await import('./samples-source.ts')
  return openSamples(source.samples, { classes, storage }, signal)
}

/** How many frames a window has: those that are due before its end. */
export const framesInWindow = (durationSeconds: number, frameRate: number): number =>
  Math.ceil(durationSeconds * frameRate - 1e-6)

export function pace(footage: Footage, frameRate: number, clock: Clock): FrameSource {
  const closed = new AbortController()
  async function* frames(window: FrameWindow, signal?: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    const startsAt = Date.parse(window.startsAt)
    if (Number.isNaN(startsAt)) {
      throw new FrameError('BadRequest', `window startsAt ${window.startsAt}: not an RFC 3339 time`)
    }
    const stop = signal ? AbortSignal.any([signal, closed.signal]) : closed.signal
    const count = framesInWindow(window.durationSeconds, frameRate)
    const due = Math.floor(((clock.now() - startsAt) * frameRate) / 1000)
    for (let index = window.firstFrame ?? Math.max(0, due); index < count; index++) {
      const dueAt = startsAt + (index * 1000) / frameRate
      stop.throwIfAborted()
      if (clock.now() < dueAt) await clock.sleepUntil(dueAt, stop)
      const { label, pixels, jpeg } = footage.frame(window, index)
      yield { index, dueAt, label, pixels, jpeg }
    }
  }
  return {
    labelled: footage.labelled,
    refused: footage.refused,
    frames,
    async close() {
      closed.abort(new FrameError('Cancelled', 'the frame source was closed'))
    },
  }
}
