/** What became of the frames of a window, by the books of the pods that had them. */
import type { WindowSummary } from '../../workers/runtime/sample-folder.ts'

export interface Account {
  /** First and last frame that were analysed, and all that pods had. */
  readonly first: number
  readonly last: number
  readonly offered: number
  readonly dropped: number
  /** Frames that two pods have analysed. */
  readonly twice: readonly number[]
  /** Frames between first and last that nobody has analysed. */
  readonly missing: readonly number[]
  /** Those of them that no pod says it has dropped either. */
  readonly lost: readonly number[]
  /** Frames that two pods have had, whatever became of them. */
  readonly shared: readonly number[]
  /** Frames that were dropped, being too late. */
  readonly late: readonly number[]
  /** The first frame of each pod that took over. */
  readonly handOvers: readonly number[]
  readonly pods: number
}

/** @throws where the books do not tell frames by number: there were too many runs of them. */
export function accountOf(parts: readonly WindowSummary[]): Account {
  const numbers = parts.map(part => ({
    analysed: framesOf(part, 'analysed'),
    dropped: framesOf(part, 'dropped'),
  }))
  const analysed = timesOf(numbers.flatMap(part => part.analysed))
  const dropped = timesOf(numbers.flatMap(part => part.dropped))
  const had = timesOf(numbers.flatMap(part => [...part.analysed, ...part.dropped]))
  const frames = [...analysed.keys()].sort((a, b) => a - b)
  const [first = 0, last = -1] = [frames[0], frames.at(-1)]
  const missing = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter(
    frame => !analysed.has(frame),
  )
  return {
    first,
    last,
    offered: parts.reduce((sum, part) => sum + part.frames.offered, 0),
    dropped: parts.reduce((sum, part) => sum + part.frames.dropped, 0),
    twice: severalTimes(analysed),
    missing,
    lost: missing.filter(frame => !dropped.has(frame)),
    shared: severalTimes(had),
    late: [...dropped.keys()],
    handOvers: numbers
      .flatMap(({ analysed: [first], dropped: [late] }) =>
        first === undefined && late === undefined ? [] : [Math.min(first ?? late!, late ?? first!)],
      )
      .sort((a, b) => a - b)
      .slice(1),
    pods: parts.length,
  }
}

function framesOf(part: WindowSummary, result: 'analysed' | 'dropped'): readonly number[] {
  const runs = part[result]
  if (runs === undefined) throw new Error(`The books do not tell which frames were ${result}`)
  return runs.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
}

function timesOf(frames: readonly number[]): ReadonlyMap<number, number> {
  const times = new Map<number, number>()
  for (const frame of frames) times.set(frame, (times.get(frame) ?? 0) + 1)
  return times
}

const severalTimes = (times: ReadonlyMap<number, number>): readonly number[] =>
  [...times].filter(([, count]) => count > 1).map(([frame]) => frame)
