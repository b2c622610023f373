/**
 * The order in which workers of one GPU get to the amounts that they should hold, with as few new pods as possible.
 *
 * A worker (`Holder`: what it holds of the GPU) is where it is (`held`), `out` (it has no pod), or where it should be (`wanted`). One that
 * serves goes from held to wanted through both at once; one that can be interrupted through neither, so it can also wait outside until others have changed, and one
 * that is to stay as it is can step aside for the price of one more pod.
 *
 * First the order that is right where amounts are alike in all respects: what frees memory comes first, by how much it needs meanwhile,
 * then what takes more, the largest holder first (the exchange argument for jobs that need m_new while they hold m_old). If
 * that gets stuck, a search over all states, each worker in one of three, finds the way of fewest new pods, or that there is none.
 */

/** What a pod takes of a GPU. */
export interface Amount {
  /** Hundredths of the GPU, whole, from 1. */
  readonly units: number
  readonly memoryMiB: number
}

export interface OrderLimits {
  readonly steadyUnits: number
  readonly totalUnits: number
  readonly memoryMiB: number
  /** Pods at once. */
  readonly clients: number
}

export interface Holder {
  readonly name: string
  readonly interruptible: boolean
  readonly held: Amount | null
  readonly wanted: Amount | null
  /** It needs a new pod also where the amounts are equal. */
  readonly renews?: boolean
}

export interface Transition {
  readonly worker: string
  readonly to: 'out' | 'wanted'
}

export interface Order {
  readonly transitions: readonly Transition[]
  /** The first of them; null: nothing is to be done, or nothing can be. */
  readonly next: Transition | null
  readonly blocked: readonly { readonly worker: string; readonly reason: string }[]
}

type Place = 'held' | 'out' | 'wanted'
type State = readonly Place[]

/** States that the search looks at before it gives up. */
const mostStates = 3000

export function orderSwaps(workers: readonly Holder[], limits: OrderLimits): Order {
  const site = new Site(workers, limits)
  const direct = site.directly()
  const way = site.isDone(direct.state) ? direct.transitions : site.endFits() ? site.search() : null
  if (way !== null) return { transitions: way, next: way[0] ?? null, blocked: [] }
  // As far as it goes: who waits may fit once the limits or the wanted amounts have changed.
  return {
    transitions: direct.transitions,
    next: direct.transitions[0] ?? null,
    blocked: workers.flatMap((worker, i) =>
      site.isThere(direct.state, i) ? [] : [{ worker: worker.name, reason: site.lacks(direct.state, i) }],
    ),
  }
}

interface Use {
  units: number
  memoryMiB: number
  clients: number
}

class Site {
  readonly #workers: readonly Holder[]
  readonly #limits: OrderLimits
  /** By how much each frees and needs; the order of trying. */
  readonly #order: readonly number[]

  constructor(workers: readonly Holder[], limits: OrderLimits) {
    this.#workers = workers
    this.#limits = limits
    this.#order = workers.map((_, i) => i).sort((a, b) => compare(workers[a]!, workers[b]!))
  }

  isDone(state: State): boolean {
    return this.#workers.every((_, i) => this.isThere(state, i))
  }

  isThere(state: State, i: number): boolean {
    const worker = this.#workers[i]!
    const goal = worker.wanted === null ? 'out' : 'wanted'
    return state[i] === goal || (state[i] === 'held' && isUnchanged(worker))
  }

  endFits(): boolean {
    const { units, memoryMiB, clients } = this.#use(
      this.#workers.map(({ wanted }) => (wanted === null ? 'out' : 'wanted')),
    )
    const { steadyUnits, memoryMiB: memory, clients: most } = this.#limits
    return units <= steadyUnits && memoryMiB <= memory && clients <= most
  }

  start(): State {
    return this.#workers.map(({ held }) => (held === null ? 'out' : 'held'))
  }

  /** Without anyone stepping aside that would not have to end anyway. */
  directly(): { readonly state: State; readonly transitions: readonly Transition[] } {
    const transitions: Transition[] = []
    let state = this.start()
    const go = (i: number, to: 'out' | 'wanted'): void => {
      transitions.push({ worker: this.#workers[i]!.name, to })
      state = state.with(i, to)
    }
    for (let moved = true; moved && !this.isDone(state); ) {
      moved = false
      for (const i of this.#order) {
        const worker = this.#workers[i]!
        const place = state[i]!
        if (this.isThere(state, i)) continue
        if (
          place === 'held' &&
          (worker.wanted === null || (worker.interruptible && this.#fitsInstead(state, i)))
        )
          go(i, 'out')
        else if (worker.wanted !== null && (place === 'out' || !worker.interruptible) && this.#fits(state, i))
          go(i, 'wanted')
        else continue
        moved = true
        break
      }
    }
    return { state, transitions }
  }

  /** Fewest new pods, then fewest transitions; null: there is no way, or it is not found among so many states. */
  search(): readonly Transition[] | null {
    interface Node {
      readonly state: State
      readonly pods: number
      readonly length: number
      readonly from: Node | null
      readonly by: Transition | null
    }
    const cost = (node: Node): number => node.pods * 1000 + node.length
    const start: Node = { state: this.start(), pods: 0, length: 0, from: null, by: null }
    const cheapest = new Map<string, number>([[start.state.join(), 0]])
    // By cost, which only grows along a way: the next one to look at is never in a list that was left.
    const waiting: Node[][] = [[start]]
    let looked = 0
    for (let at = 0; at < waiting.length; at++)
      for (let node = waiting[at]?.shift(); node !== undefined; node = waiting[at]!.shift()) {
        if (at > cheapest.get(node.state.join())!) continue
        if (this.isDone(node.state)) {
          const way: Transition[] = []
          for (let back: Node = node; back.from !== null; back = back.from) way.unshift(back.by!)
          return way
        }
        if (++looked > mostStates) return null
        for (const i of this.#order)
          for (const to of this.#reachable(node.state, i)) {
            const next: Node = {
              state: node.state.with(i, to),
              pods: node.pods + (to === 'wanted' ? 1 : 0),
              length: node.length + 1,
              from: node,
              by: { worker: this.#workers[i]!.name, to },
            }
            const key = next.state.join()
            if (cost(next) >= (cheapest.get(key) ?? Number.POSITIVE_INFINITY)) continue
            cheapest.set(key, cost(next))
            const list = waiting[cost(next)] ?? []
            list.push(next)
            waiting[cost(next)] = list
          }
      }
    return null
  }

  #reachable(state: State, i: number): ('out' | 'wanted')[] {
    const worker = this.#workers[i]!
    switch (state[i]!) {
      case 'held':
        if (worker.interruptible || worker.wanted === null) return ['out']
        return !isUnchanged(worker) && this.#fits(state, i) ? ['wanted'] : []
      case 'out':
        return worker.wanted !== null && this.#fits(state, i) ? ['wanted'] : []
      default:
        return []
    }
  }

  /** Whether its new pod has room beside all that is there, its old pod included. */
  #fits(state: State, i: number): boolean {
    return this.#lacking(state, i) === null
  }

  #fitsInstead(state: State, i: number): boolean {
    return this.#lacking(state.with(i, 'out'), i) === null
  }

  lacks(state: State, i: number): string {
    const { interruptible, held } = this.#workers[i]!
    const alone = interruptible || held === null
    return this.#lacking(alone ? state.with(i, 'out') : state, i) ?? 'it waits for the others'
  }

  #lacking(state: State, i: number): string | null {
    const { steadyUnits, totalUnits, memoryMiB, clients } = this.#limits
    const { held, wanted } = this.#workers[i]!
    const use = this.#use(state)
    const old = state[i] === 'held' ? held : null
    const steady = use.units - (old?.units ?? 0) + wanted!.units
    const lack = (what: string, needed: number, limit: number): string | null =>
      needed > limit ? `${what}: ${needed - limit} more than the ${limit} there are` : null
    const beside = old === null ? '' : ' while its old pod is there'
    return (
      // What does not add to the books is allowed also where they are over the limit.
      (steady > use.units ? lack('units', steady, steadyUnits) : null) ??
      lack(`units with surge${beside}`, use.units + wanted!.units, totalUnits) ??
      lack(`MiB of memory${beside}`, use.memoryMiB + wanted!.memoryMiB, memoryMiB) ??
      lack(`clients${beside}`, use.clients + 1, clients)
    )
  }

  #use(state: State): Use {
    const use: Use = { units: 0, memoryMiB: 0, clients: 0 }
    for (const [i, place] of state.entries()) {
      const { held, wanted } = this.#workers[i]!
      const amount = place === 'held' ? held : place === 'wanted' ? wanted : null
      if (amount === null) continue
      use.units += amount.units
      use.memoryMiB += amount.memoryMiB
      use.clients += 1
    }
    return use
  }
}

function isUnchanged({ held, wanted, renews = false }: Holder): boolean {
  return (
    !renews &&
    held !== null &&
    wanted !== null &&
    held.units === wanted.units &&
    held.memoryMiB === wanted.memoryMiB
  )
}

/** Ends first, then what frees, by what it needs meanwhile, then what takes more, the largest holder first. */
function compare(a: Holder, b: Holder): number {
  const kind = ({ held, wanted }: Holder): number => {
    if (wanted === null) return 0
    const [more, units] = [wanted.memoryMiB - (held?.memoryMiB ?? 0), wanted.units - (held?.units ?? 0)]
    return more < 0 || (more === 0 && units <= 0) ? 1 : 2
  }
  const need = (holder: Holder): number =>
    kind(holder) === 1 ? holder.wanted!.memoryMiB : -(holder.held?.memoryMiB ?? 0)
  return kind(a) - kind(b) || need(a) - need(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}
