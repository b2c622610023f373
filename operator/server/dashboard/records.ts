/** The records of past windows by stream, found once for each state of a window: a page shows many streams and must not search for each. */
import type { RetrainingWindow, StreamRecord, WindowRecord } from '../../api/generated/types.ts'

export interface Past {
  readonly index: number
  readonly record: StreamRecord
}

const known = new WeakMap<RetrainingWindow, ReadonlyMap<string, readonly Past[]>>()

/** Oldest first. */
export function pastOf(window: RetrainingWindow | undefined, stream: string): readonly Past[] {
  if (window === undefined) return []
  // Objects of a store are frozen: another state is another object.
  const found = known.get(window) ?? index(window.status?.history ?? [])
  known.set(window, found)
  return found.get(stream) ?? []
}

function index(history: readonly WindowRecord[]): ReadonlyMap<string, readonly Past[]> {
  const byStream = new Map<string, Past[]>()
  for (const entry of history.toReversed()) {
    for (const record of entry.streams ?? []) {
      const list = byStream.get(record.name)
      if (list === undefined) byStream.set(record.name, [{ index: entry.index, record }])
      else list.push({ index: entry.index, record })
    }
  }
  return byStream
}
