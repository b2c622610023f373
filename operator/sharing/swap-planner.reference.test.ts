import { expect } from 'chai'
import fc from 'fast-check'
import type { Amount } from './swap-order.ts'
import { type HeldPod, planSwaps, type SwapLimits, type SwapStep, type Worker } from './swap-planner.ts'

const limits: SwapLimits = { steadyUnits: 100, totalUnits: 200, memoryMiB: 10_000, clients: 44, swaps: 1 }
const amount = (units: number, memoryMiB = units * 50): Amount => ({ units, memoryMiB })
const pod = (name: string, of: Amount, state: HeldPod['state'] = 'serving'): HeldPod => ({
  pod: name,
  ...of,
  state,
})
const worker = (
  name: string,
  held: number | null,
  wanted: number | null,
  more: Partial<Worker> = {},
): Worker => ({
  name,
  interruptible: false,
  pods: held === null ? [] : [pod(`${name}-1`, amount(held))],
  wanted: wanted === null ? null : amount(wanted),
  ...more,
})
const training = { interruptible: true }
const told = (step: SwapStep): string => {
  switch (step.kind) {
    case 'create':
      return `create ${step.worker} ${step.amount.units}`
    case 'take-over':
      return `take over ${step.from} → ${step.to}`
    default:
      return `${step.kind} ${step.pod}`
  }
}
const planned = (workers: readonly Worker[], more: Partial<SwapLimits> = {}) =>
  planSwaps({ workers, limits: { ...limits, ...more }, step: 5 })

describe('planSwaps', () => {
  for (const { name, workers, want, more = {} } of [
    { name: 'nothing to do', workers: [worker('a', 50, 50), worker('b', 50, 50)], want: [] },
    {
      name: 'shrinks before it grows',
      workers: [worker('a', 40, 60), worker('b', 60, 40)],
      want: ['create b 40'],
    },
    {
      name: 'waits for a pod that starts',
      workers: [
        worker('a', 40, 60),
        worker('b', 60, 40, { pods: [pod('b-1', amount(60)), pod('b-2', amount(40), 'starting')] }),
      ],
      want: [],
    },
    {
      name: 'hands over to a pod that is ready',
      workers: [worker('b', 60, 40, { pods: [pod('b-1', amount(60)), pod('b-2', amount(40), 'ready')] })],
      want: ['take over b-1 → b-2'],
    },
    {
      name: 'keeps the old share in the books until its pod is gone',
      workers: [
        worker('a', 40, 60),
        worker('b', 60, 40, { pods: [pod('b-1', amount(60), 'ending'), pod('b-2', amount(40))] }),
      ],
      more: { swaps: 2 },
      want: [],
    },
    {
      name: 'deletes what has ended',
      workers: [worker('b', 60, 40, { pods: [pod('b-1', amount(60), 'ended'), pod('b-2', amount(40))] })],
      want: ['delete b-1'],
    },
    {
      name: 'gives up a pod that is not ready in time',
      workers: [worker('b', 60, 40, { pods: [pod('b-1', amount(60)), pod('b-2', amount(40), 'failed')] })],
      want: ['abort b-2'],
    },
    {
      name: 'gives up a pod of a size that is not wanted any more',
      workers: [worker('b', 60, 30, { pods: [pod('b-1', amount(60)), pod('b-2', amount(40), 'ready')] })],
      want: ['abort b-2'],
    },
    {
      name: 'ends a training at its checkpoint',
      workers: [worker('t', 50, 30, training)],
      want: ['end t-1'],
    },
    { name: 'ends what is to go', workers: [worker('t', 50, null, training)], want: ['end t-1'] },
    { name: 'makes what is not there', workers: [worker('a', null, 30)], want: ['create a 30'] },
    {
      name: 'leaves changes below a step out',
      workers: [worker('a', 50, 53), worker('b', 40, 38)],
      want: [],
    },
    {
      name: 'gives more memory at the same share',
      workers: [worker('a', 50, 50, { pods: [pod('a-1', amount(50, 1000))], wanted: amount(50, 3000) })],
      want: ['create a 50'],
    },
    {
      name: 'makes small changes that another one needs',
      workers: [worker('a', 50, 46), worker('b', 50, 46), worker('c', null, 8)],
      want: ['create a 46'],
    },
    {
      name: 'takes a training off for memory that a swap needs',
      workers: [
        worker('a', 50, 40, { pods: [pod('a-1', amount(50, 6000))], wanted: amount(40, 4000) }),
        worker('t', 50, 50, { ...training, pods: [pod('t-1', amount(50, 3000))], wanted: amount(50, 3000) }),
      ],
      want: ['end t-1'],
    },
    {
      name: 'takes a training off early that changes anyway',
      workers: [
        worker('a', 50, 40, { pods: [pod('a-1', amount(50, 6000))], wanted: amount(40, 4000) }),
        worker('t', 50, 60, { ...training, pods: [pod('t-1', amount(50, 3000))], wanted: amount(60, 3600) }),
      ],
      want: ['end t-1'],
    },
  ] as { name: string; workers: Worker[]; want: string[]; more?: Partial<SwapLimits> }[])
    it(name, () => expect(planned(workers, more).steps.map(told)).to.deep.equal(want))

  it('says what keeps a swap from being made', () => {
    const full = worker('a', 50, 60, { pods: [pod('a-1', amount(50, 6000))], wanted: amount(60, 6000) })
    expect(planned([full]).blocked).to.deep.equal([
      {
        worker: 'a',
        reason: 'MiB of memory while its old pod is there: 2000 more than the 10000 there are',
      },
    ])
  })

  it('changes nothing that exists in what is left of a window that is not worth it', () => {
    const workers = [worker('a', 50, 30), worker('b', null, 20)]
    const { steps } = planSwaps({ workers, limits, step: 5, worthSwapping: false })
    expect(steps.map(told)).to.deep.equal(['create b 20'])
  })

  it('keeps within all limits at every moment, and gets there with the fewest pods', () => {
    fc.assert(
      fc.property(sites, seeds, ({ workers, memoryMiB, clients, swaps }, seed) => {
        const own = { ...limits, memoryMiB, clients, swaps }
        const least = fewestPods(workers, own)
        const world = new World(workers, own, seed)
        world.run()
        if (least === null) expect(world.blocked, 'says that there is no way').to.not.deep.equal([])
        else {
          expect(world.differences(), 'reaches what is wanted').to.deep.equal([])
          if (swaps === 1) expect(world.created, 'with the fewest pods').to.equal(least)
        }
      }),
      { seed: 7, numRuns: 400 },
    )
  })

  it('finds an order for a full GPU of many workers, where memory is short', () => {
    fc.assert(
      fc.property(largeSites, seeds, ({ workers, memoryMiB }, seed) => {
        const world = new World(workers, { ...limits, memoryMiB }, seed)
        world.run()
        expect(world.differences()).to.deep.equal([])
        expect(world.created).to.equal(workers.length)
      }),
      { seed: 9, numRuns: 15 },
    )
  })

  it('gets there though pods fail to start and the operator is killed between any two steps', () => {
    fc.assert(
      fc.property(sites, seeds, ({ workers, memoryMiB, clients, swaps }, seed) => {
        const own = { ...limits, memoryMiB, clients, swaps }
        if (fewestPods(workers, own) === null) return
        const world = new World(workers, own, seed, 3)
        world.run()
        expect(world.differences()).to.deep.equal([])
      }),
      { seed: 8, numRuns: 200 },
    )
  })
})

// ── random sites ─────────────────────────────────────────────────────────────

const seeds = fc.integer({ min: 1, max: 1_000_000 })
const sites = fc
  .record({
    shares: fc.array(
      fc.record({
        held: fc.integer({ min: 0, max: 8 }),
        wanted: fc.integer({ min: 0, max: 8 }),
        interruptible: fc.boolean(),
        perUnit: fc.constantFrom(20, 50, 80),
        keeps: fc.boolean(),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    memoryMiB: fc.integer({ min: 30, max: 100 }),
    clients: fc.integer({ min: 3, max: 8 }),
    swaps: fc.constantFrom(1, 1, 2),
  })
  .map(({ shares, memoryMiB, clients, swaps }) => {
    let [held, wanted] = [0, 0]
    const workers = shares.map((share, i): Worker => {
      const units = (of: number, used: number) => Math.max(0, Math.min(of * 5, 100 - used))
      const before = units(share.held, held)
      const after = share.keeps ? units(before / 5, wanted) : units(share.wanted, wanted)
      held += before
      wanted += after
      const sized = (size: number) => ({ units: size, memoryMiB: size * share.perUnit })
      return {
        name: `w${i}`,
        interruptible: share.interruptible,
        pods: before === 0 ? [] : [pod(`w${i}-1`, sized(before))],
        wanted: after === 0 ? null : sized(after),
      }
    })
    const memory = Math.max(
      memoryMiB * 100,
      workers.reduce((total, { pods }) => total + (pods[0]?.memoryMiB ?? 0), 0),
    )
    const present = workers.filter(({ pods }) => pods.length > 0).length
    return { workers, memoryMiB: memory, clients: Math.max(clients, present), swaps }
  })

/** Twenty workers that all change, with room for the largest holder's new pod when the GPU is as full as it gets. */
const largeSites = fc
  .array(
    fc.record({
      held: fc.integer({ min: 1, max: 5 }),
      more: fc.constantFrom(-1, 1),
      perUnit: fc.constantFrom(20, 50, 80),
      interruptible: fc.boolean(),
    }),
    { minLength: 20, maxLength: 20 },
  )
  .map(all => {
    const workers = all.map(({ held, more, perUnit, interruptible }, i): Worker => {
      const sized = (units: number) => ({ units, memoryMiB: units * perUnit })
      return {
        name: `w${i}`,
        interruptible,
        pods: [pod(`w${i}-1`, sized(held))],
        wanted: sized(held + more === 0 ? 2 : held + more),
      }
    })
    const total = (of: (w: Worker) => number) => workers.reduce((sum, w) => sum + of(w), 0)
    const [before, after] = [total(w => w.pods[0]!.memoryMiB), total(w => w.wanted!.memoryMiB)]
    const held = Math.max(...workers.map(w => Math.min(w.pods[0]!.memoryMiB, w.wanted!.memoryMiB)))
    return { workers, memoryMiB: Math.max(before, after) + held }
  })

/** A node on which things happen in any order; each call of the planner sees what is true then and nothing else. */
class World {
  #workers: Worker[]
  readonly #limits: SwapLimits
  #random: number
  #failures: number
  #generation = 1
  created = 0
  blocked: readonly { readonly worker: string; readonly reason: string }[] = []

  constructor(workers: readonly Worker[], limits: SwapLimits, seed: number, failures = 0) {
    this.#workers = [...workers]
    this.#limits = limits
    this.#random = seed
    this.#failures = failures
  }

  run(): void {
    for (let round = 0; round < 500; round++) {
      const { steps, blocked } = planSwaps({ workers: this.#workers, limits: this.#limits, step: 1 })
      this.blocked = blocked
      // An operator that is killed carries out only some of them.
      const done = this.#failures > 0 && this.#chance(3) ? steps.slice(0, -1) : steps
      for (const step of done) this.#carryOut(step)
      const happened = this.#happen()
      if (steps.length === 0 && !happened) return
    }
    expect.fail('the planner never comes to an end')
  }

  differences(): string[] {
    return this.#workers.flatMap(({ name, pods, wanted }) => {
      const [only, ...others] = pods
      const same =
        others.length === 0 &&
        (wanted === null
          ? only === undefined
          : only?.state === 'serving' && only.units === wanted.units && only.memoryMiB === wanted.memoryMiB)
      return same ? [] : [`${name}: ${JSON.stringify({ pods, wanted })}`]
    })
  }

  #carryOut(step: SwapStep): void {
    const change = (name: string, to: HeldPod['state'] | null) =>
      this.#edit(step.worker, pods =>
        pods.flatMap(each => (each.pod !== name ? [each] : to === null ? [] : [{ ...each, state: to }])),
      )
    switch (step.kind) {
      case 'create': {
        this.created += 1
        this.#generation += 1
        const name = `${step.worker}-${this.#generation}`
        this.#edit(step.worker, pods => [...pods, { pod: name, ...step.amount, state: 'starting' }])
        break
      }
      case 'take-over':
        change(step.from, 'ending')
        change(step.to, 'serving')
        break
      case 'end':
        change(step.pod, 'ending')
        break
      default:
        change(step.pod, null)
    }
    this.#check()
  }

  /** One thing that the node does by itself, if there is any. */
  #happen(): boolean {
    const able = this.#workers.flatMap(({ name, pods }) =>
      pods.filter(({ state }) => state === 'starting' || state === 'ending').map(each => ({ name, each })),
    )
    const chosen = able[this.#next() % Math.max(1, able.length)]
    if (chosen === undefined) return false
    const { name, each } = chosen
    const alone = this.#workers.find(w => w.name === name)!.pods.length === 1
    let state: HeldPod['state'] = each.state === 'ending' ? 'ended' : alone ? 'serving' : 'ready'
    if (each.state === 'starting' && this.#failures > 0 && this.#chance(2)) {
      this.#failures -= 1
      state = 'failed'
    }
    this.#edit(name, pods => pods.map(p => (p === each ? { ...p, state } : p)))
    return true
  }

  #edit(name: string, change: (pods: readonly HeldPod[]) => readonly HeldPod[]): void {
    this.#workers = this.#workers.map(w => (w.name === name ? { ...w, pods: change(w.pods) } : w))
  }

  #check(): void {
    const pods = this.#workers.flatMap(w => w.pods)
    const total = (of: (p: HeldPod) => number) => pods.reduce((all, p) => all + of(p), 0)
    const books = this.#workers.reduce((all, w) => all + Math.max(0, ...w.pods.map(p => p.units)), 0)
    expect(books, 'steady sum').to.be.at.most(this.#limits.steadyUnits)
    expect(
      total(p => p.units),
      'surge',
    ).to.be.at.most(this.#limits.totalUnits)
    expect(
      total(p => p.memoryMiB),
      'memory',
    ).to.be.at.most(this.#limits.memoryMiB)
    expect(pods.length, 'clients').to.be.at.most(this.#limits.clients)
    for (const { name, interruptible, pods: own, wanted } of this.#workers) {
      expect(own.length, `pods of ${name}`).to.be.at.most(interruptible ? 1 : 2)
      if (!interruptible && wanted !== null && own.length > 1)
        expect(
          own.some(p => p.state === 'serving'),
          `${name} serves`,
        ).to.equal(true)
    }
  }

  #next(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    return this.#random >>> 8
  }

  #chance(of: number): boolean {
    return this.#next() % of === 0
  }
}

/** Exhaustively, over single creations and deletions of pods. */
function fewestPods(workers: readonly Worker[], { steadyUnits, totalUnits, memoryMiB, clients }: SwapLimits) {
  const same = (a: Amount | null, b: Amount | null) => a?.units === b?.units && a?.memoryMiB === b?.memoryMiB
  const start = workers.map(({ pods }) => (pods.length > 0 ? 'o' : '-')).join('')
  const allowed = (state: string): boolean => {
    let [books, units, memory, count] = [0, 0, 0, 0]
    for (const [i, { pods, wanted }] of workers.entries()) {
      const present = [
        ...('ob'.includes(state[i]!) ? [pods[0]!] : []),
        ...('nb'.includes(state[i]!) ? [wanted!] : []),
      ]
      books += Math.max(0, ...present.map(p => p.units))
      units += present.reduce((all, p) => all + p.units, 0)
      memory += present.reduce((all, p) => all + p.memoryMiB, 0)
      count += present.length
    }
    return books <= steadyUnits && units <= totalUnits && memory <= memoryMiB && count <= clients
  }
  const done = (state: string) =>
    workers.every(({ pods, wanted }, i) =>
      wanted === null ? state[i] === '-' : state[i] === 'n' || (state[i] === 'o' && same(pods[0]!, wanted)),
    )
  const moves = (state: string): [string, number][] =>
    workers.flatMap(({ interruptible, wanted }, i): [string, number][] => {
      const to = (place: string): string => state.slice(0, i) + place + state.slice(i + 1)
      switch (state[i]) {
        case 'o':
          return interruptible || wanted === null ? [[to('-'), 0]] : [[to('b'), 1]]
        case 'b':
          return [[to('n'), 0]]
        case '-':
          return wanted === null ? [] : [[to('n'), 1]]
        default:
          return []
      }
    })
  const cost = new Map([[start, 0]])
  for (let layer = [start]; layer.length > 0; ) {
    const next: string[] = []
    for (const state of layer)
      for (const [to, more] of moves(state)) {
        const value = cost.get(state)! + more
        if (!allowed(to) || value >= (cost.get(to) ?? Number.POSITIVE_INFINITY)) continue
        cost.set(to, value)
        next.push(to)
      }
    layer = next
  }
  const ends = [...cost].filter(([state]) => done(state)).map(([, value]) => value)
  return ends.length === 0 ? null : Math.min(...ends)
}
