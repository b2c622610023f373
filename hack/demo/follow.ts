/**
 * Follows the site until the wanted windows are over and measured, or until nothing moves any more.
 *
 * Window k is measured while window k + 1 labels its frames; so the end is the moment when the last wanted window has its
 * realised accuracy, or when the window after it has gone past measuring without one.
 */
import type { CameraStream, RetrainingWindow, WindowRecord } from '../../operator/api/generated/types.ts'
import { type SiteView, siteView } from './site-view.ts'

export interface FollowOptions {
  readonly read: (
    signal?: AbortSignal,
  ) => Promise<{ readonly cameras: readonly CameraStream[]; readonly window: RetrainingWindow | undefined }>
  readonly show: (view: SiteView, now: number) => void
  /** Null: until the signal is aborted. */
  readonly windows: number | null
  readonly windowSeconds: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Resolves after a moment; rejects when aborted. */
  readonly pause: (signal?: AbortSignal) => Promise<void>
  /** A read that failed; the next one may succeed. */
  readonly onReadFailure: (error: unknown) => void
}

/** Nothing moves: the reason is in the message. */
export class StalledError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StalledError'
  }
}

const measuring = new Set(['Pending', 'Labeling', 'Profiling'])
/** Streams begin to serve within seconds; a cold start of everything on a busy machine takes longer. */
const firstWindowWithinMs = 90_000
const readFailuresWithinMs = 30_000

/**
 * @returns the records of all windows that were seen, oldest first
 * @throws StalledError; the signal's reason
 */
export async function follow(options: FollowOptions, signal?: AbortSignal): Promise<readonly WindowRecord[]> {
  const { windows, windowSeconds, now } = options
  const records = new Map<number, WindowRecord>()
  let progressAt = now()
  let readAt = now()
  let last = ''
  for (;;) {
    signal?.throwIfAborted()
    let view: SiteView
    try {
      const { cameras, window } = await options.read(signal)
      view = siteView(window, cameras)
      readAt = now()
    } catch (error) {
      signal?.throwIfAborted()
      options.onReadFailure(error)
      if (now() - readAt > readFailuresWithinMs) throw error
      await options.pause(signal)
      continue
    }
    // The history is bounded: what drops out of it has been seen here.
    for (const record of view.history) records.set(record.index, record)
    options.show(view, now())
    if (windows !== null && isOver(view, records, windows)) {
      return [...records.values()].sort((a, b) => a.index - b.index)
    }

    const position = `${view.index} ${view.phase}`
    if (position !== last) progressAt = now()
    last = position
    const begun = view.index !== null && view.phase !== 'Pending'
    const limit = begun ? windowSeconds * 1500 + 30_000 : firstWindowWithinMs
    if (windows !== null && now() - progressAt > limit) throw new StalledError(stalled(view, limit))
    await options.pause(signal)
  }
}

export function isOver(view: SiteView, records: ReadonlyMap<number, WindowRecord>, windows: number): boolean {
  const record = records.get(windows - 1)
  const streams = record?.streams ?? []
  if (record?.realised !== undefined && streams.every(stream => stream.realised !== undefined)) return true
  if (view.index === null) return false
  return view.index > windows || (view.index === windows && !measuring.has(view.phase))
}

function stalled(view: SiteView, limitMs: number): string {
  const where = view.index === null ? view.phase : `window ${view.index}, phase ${view.phase}`
  const problems = view.cameras
    .filter(camera => !camera.ready)
    .map(camera => `  ${camera.name}: ${camera.problem ?? 'no condition Ready yet'}`)
  return [`nothing has moved for ${Math.round(limitMs / 1000)} s (${where})`, ...problems].join('\n')
}
