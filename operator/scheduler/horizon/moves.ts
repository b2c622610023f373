/**
 * From one placement of streams on GPUs to a better one: streams are moved, swapped and moved on in chains (one goes to a second GPU,
 * from which another goes to a third) as long as that gains, floors first.
 *
 * Most moves are not worth planning for: a stream adds to a GPU at most what it is worth alone on one, and what comes of a GPU's present
 * plan with the stream put in or left out tells well enough what a full search would find.
 */
import { type Group, groupOf, judge, type Site, solve, type Worth, withOne, without } from './groups.ts'

/** GPU by stream, and what that is worth. */
export interface Placement extends Worth {
  readonly target: readonly number[]
}

/** More than any floor: that a stream is served at all. */
const starving = 1e6
/** A move that loses less than this part when judged quickly may gain when planned in full. */
const promising = 5e-4
const epsilon = 1e-6

export const isBetter = (a: Worth, b: Worth): boolean =>
  a.floors > b.floors + 1e-9 || (a.floors > b.floors - 1e-9 && a.value > b.value + epsilon)

/** Streams of a GPU for which there is no step. */
function starved({ problem, capacity }: Site, members: number): number {
  if (problem.gpuCapacity !== undefined) return 0
  return Math.max(0, members - Math.floor(capacity / problem.step + 1e-6))
}

/** The streams of a GPU as they would be. */
interface Change {
  readonly gpu: number
  readonly next: Group
}

/** Moves, swaps and chains as long as they gain and the budget lasts. */
export function moved(site: Site, from: readonly number[]): Placement {
  const { problem, models, current, pinned, allowed, budget } = site
  const move = problem.moveSeconds ?? 0
  const groups = problem.gpus.map((_, g) =>
    groupOf(
      site,
      from.flatMap((t, i) => (t === g ? [i] : [])),
    ),
  )
  const allFloors = models.reduce((sum, { stream }) => sum + stream.weight, 0)

  const charged = ({ floors, value }: Worth, { members }: Group, g: number): Worth => {
    const empty = starved(site, members.length)
    let cost = 0
    if (move > 0) for (const i of members) if (current[i]! >= 0 && current[i] !== g) cost += move
    return cost === 0 && empty === 0
      ? { floors, value }
      : { floors: floors - starving * empty, value: value - cost }
  }
  const worth = (group: Group, g: number): Worth =>
    group.members.length === 0 ? nothing : charged(solve(site, group), group, g)
  const quick = ({ gpu, next }: Change): Worth =>
    next.members.length === 0 ? nothing : charged(judge(site, groups[gpu]!, next), next, gpu)
  const alone = (i: number): number => solve(site, groupOf(site, [i])).value
  const planned = (group: Group): number => (group.members.length === 0 ? 0 : solve(site, group).value)
  /** What streams lose by each other on a GPU: one that leaves it can gain no more. */
  const contention = (group: Group): number => {
    if (group.members.length < 2) return 0
    let sum = -planned(group)
    for (const i of group.members) sum += alone(i)
    return sum
  }
  const atMost = ({ gpu, next }: Change): number => {
    if (next.solved !== undefined) return next.solved.value
    const here = groups[gpu]!
    let value = planned(here)
    for (const i of next.members) if (!here.members.includes(i)) value += alone(i)
    return value
  }
  const everyFloor = (): boolean => total(groups.map((group, g) => worth(group, g))).floors > allFloors - 1e-9
  let floorsKept = everyFloor()
  let lost = groups.map(contention)
  /** Whether there is anything to gain when streams leave these GPUs. */
  const worthwhile = (...gpus: readonly number[]): boolean => {
    let sum = 0
    for (const g of gpus) sum += lost[g]!
    return sum > epsilon || !floorsKept || move > 0
  }

  /** By bounds, then from the plans as they are, then planned in full. */
  const gains = (changes: readonly Change[]): boolean => {
    const before = total(changes.map(({ gpu }) => worth(groups[gpu]!, gpu)))
    if (floorsKept && move === 0 && changes.reduce((sum, c) => sum + atMost(c), 0) <= before.value + epsilon)
      return false
    const judged = total(changes.map(quick))
    if (judged.floors < before.floors - 1e-9) return false
    if (judged.floors < before.floors + 1e-9 && judged.value < before.value * (1 - promising)) return false
    return isBetter(total(changes.map(({ gpu, next }) => worth(next, gpu))), before)
  }
  const tried = (changes: readonly Change[]): boolean => {
    if (!gains(changes)) return false
    for (const { gpu, next } of changes) {
      groups[gpu] = next
      lost = lost.with(gpu, contention(next))
    }
    floorsKept ||= everyFloor()
    return true
  }

  const plus = (group: Group, i: number): Group => withOne(site, group, i)
  const minus = (group: Group, i: number): Group => without(site, group, i)
  const may = (i: number, g: number) => !pinned[i] && allowed[i]!.includes(g)
  const pressure = (g: number): number => {
    if (groups[g]!.members.length === 0) return -1
    let free = 0
    for (const i of groups[g]!.members) free += (models[i]!.jobs.at(-1)?.gain ?? 0) + models[i]!.before.scale
    return free - planned(groups[g]!) / problem.remainingSeconds
  }
  const ranked = (): number[] => {
    const by = problem.gpus.map((_, g) => pressure(g))
    return problem.gpus.map((_, g) => g).sort((a, b) => by[b]! - by[a]! || a - b)
  }

  const movesAndSwaps = (): boolean => {
    let improved = false
    const swapped = new Set<string>()
    const order = ranked()
    for (const a of order)
      for (const b of order.toReversed()) {
        if (a === b || budget.left <= 0 || !worthwhile(a, b)) continue
        for (const i of groups[a]!.members) {
          if (budget.left <= 0 || !groups[a]!.members.includes(i) || !may(i, b)) continue
          const left = minus(groups[a]!, i)
          if (
            worthwhile(a) &&
            tried([
              { gpu: a, next: left },
              { gpu: b, next: plus(groups[b]!, i) },
            ])
          ) {
            improved = true
            continue
          }
          for (const j of groups[b]!.members) {
            if (budget.left <= 0 || !may(j, a)) continue
            const key = i < j ? `${i},${j}` : `${j},${i}`
            if (swapped.has(key)) continue
            swapped.add(key)
            const swap = [
              { gpu: a, next: plus(left, j) },
              { gpu: b, next: plus(minus(groups[b]!, j), i) },
            ]
            if (!tried(swap)) continue
            improved = true
            swapped.clear()
            break
          }
        }
      }
    return improved
  }

  /** The first one that gains. */
  const chain = (): boolean => {
    const order = ranked()
    for (const a of order)
      for (const b of order.toReversed())
        for (const c of order.toReversed()) {
          if (a === b || a === c || b === c || !worthwhile(a, b)) continue
          for (const i of groups[a]!.members)
            for (const j of groups[b]!.members) {
              if (budget.left <= 0) return false
              if (!may(i, b) || !may(j, c)) continue
              const changes = [
                { gpu: a, next: minus(groups[a]!, i) },
                { gpu: b, next: plus(minus(groups[b]!, j), i) },
                { gpu: c, next: plus(groups[c]!, j) },
              ]
              if (tried(changes)) return true
            }
        }
    return false
  }

  while (budget.left > 0 && (movesAndSwaps() || chain()));
  const target = models.map(() => 0)
  groups.forEach(({ members }, g) => {
    for (const i of members) target[i] = g
  })
  return { target, ...total(groups.map((group, g) => worth(group, g))) }
}

const nothing: Worth = { floors: 0, value: 0 }

function total(worths: readonly Worth[]): Worth {
  let [floors, value] = [0, 0]
  for (const worth of worths) {
    floors += worth.floors
    value += worth.value
  }
  return { floors, value }
}
