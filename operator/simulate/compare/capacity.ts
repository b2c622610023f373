/** Capacity (Ekya, Table 2): the most streams of a grid that so many GPUs keep at an accuracy target. */
import type { Sees } from '../trace-problem.ts'

export interface CellResult {
  readonly gpus: number
  readonly streams: number
  readonly sees: Sees
  readonly policy: string
  /** null: the policy failed. */
  readonly meanAccuracy: number | null
}

export interface Capacity {
  readonly sees: Sees
  readonly policy: string
  /** Accuracy. */
  readonly target: number
  readonly gpus: number
  /** The most streams whose mean accuracy is at least the target, 0: none; null: unknown, the policy failed at more streams. */
  readonly streams: number | null
  /** The grid ends there: it may be more. */
  readonly atLeast: boolean
}

/** In the order of targets, then of the cells. */
export function capacities(cells: readonly CellResult[], targets: readonly number[]): Capacity[] {
  const groups = Map.groupBy(cells, ({ gpus, sees, policy }) => JSON.stringify([gpus, sees, policy]))
  return targets.flatMap(target => [...groups.values()].map(group => capacity(group, target)))
}

function capacity(cells: readonly CellResult[], target: number): Capacity {
  const { gpus, sees, policy } = cells[0]!
  const falling = cells.toSorted((a, b) => b.streams - a.streams)
  const decides = falling.find(({ meanAccuracy }) => meanAccuracy === null || meanAccuracy >= target)
  const streams = decides?.meanAccuracy === null ? null : (decides?.streams ?? 0)
  return { sees, policy, target, gpus, streams, atLeast: streams === falling[0]!.streams }
}
