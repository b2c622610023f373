/** What all jobs of a simulation held, as one sequence over its windows. */
import type { WindowResult } from '../simulate.ts'
import type { Trace } from '../trace.ts'

export interface HeldOverTime {
  readonly streams: readonly string[]
  /** In order of time, each from its moment to the next one's, the last to the end. */
  readonly changes: readonly AllocationChange[]
  /** The end, from the first window's begin. */
  readonly seconds: number
}

export interface AllocationChange {
  /** Seconds from the first window's begin. */
  readonly at: number
  /** By stream, in GPUs; 0 for a stream that its window does not have. */
  readonly inference: readonly number[]
  readonly training: readonly number[]
}

export function heldOverTime(
  { streams }: Pick<Trace, 'streams'>,
  windows: readonly Pick<WindowResult, 'index' | 'streams' | 'timeline'>[],
  windowSeconds: number,
): HeldOverTime {
  const names = streams.map(stream => stream.name)
  // Of changes at the same moment the last one counts.
  const changes = new Map<number, AllocationChange>()
  for (const window of windows)
    for (const { from, shares } of window.timeline.intervals) {
      const held = new Map(window.streams.map(({ name }, i) => [name, shares[i]!]))
      const at = window.index * windowSeconds + from
      changes.set(at, {
        at,
        inference: names.map(name => held.get(name)?.inference ?? 0),
        training: names.map(name => held.get(name)?.training ?? 0),
      })
    }
  return { streams: names, changes: [...changes.values()], seconds: windows.length * windowSeconds }
}
