import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { keyOf } from '../../kube/objects.ts'
import type { SiteProfilingQuestion } from '../../profiler/pooled/site-profiling.ts'
import { siteProfiling } from '../../profiler/pooled/site-profiling.ts'
import type { HistoryEntry } from '../plan-status.ts'
import { PlanningFailed } from '../planning/thread.ts'
import { gpu, retrainingWindow, site } from '../testing/site.ts'
import { swapSiteAt } from '../testing/swap-site.ts'
import { inference, item, running } from '../testing/window.ts'
import { profileConfig } from '../worker-config.ts'
import { configInput } from './pod-actuator.ts'
import {
  type OrderedProfiling,
  type ProfilingOrders,
  profilingOrders,
  profilingQuestion,
} from './profiling-order.ts'

const knobs = retrainingWindow().spec.retraining.configurations[0]!
const configurations = [
  { ...knobs, name: 'head', trainableLayers: 'head' as const },
  { ...knobs, name: 'slow', learningRate: 0.001 },
  knobs,
  { ...knobs, name: 'all-20', epochs: 20 },
]
const costs = { head: 2, slow: 6, 'all-5': 6, 'all-20': 20 } as const
const streams = ['cam-0', 'cam-1', 'cam-2', 'cam-3']

/** Five windows in which `slow` never came to anything and all else was known by its micro-profiles. */
function history(without: readonly string[] = []): HistoryEntry[] {
  return [5, 4, 3, 2, 1].map(index => ({
    index,
    streams: streams.map((name, s) => {
      const turn = (7 * s + 3 * index) % 5
      const worth = {
        head: 0.62,
        slow: 0.3,
        'all-5': 0.75 + 0.03 * (turn - 2),
        'all-20': 0.76 - 0.03 * (turn - 2),
      }
      const configuration = Object.keys(worth)[(s + index) % 4]! as keyof typeof worth
      return {
        name,
        accuracyBefore: 0.55,
        configuration,
        estimate: { accuracyAfter: worth[configuration], gpuSeconds: costs[configuration] },
        outcome: { accuracyAfter: worth[configuration], gpuSeconds: costs[configuration] },
        profiled: Object.entries(worth).flatMap(([of, accuracyAfter]) =>
          without.includes(of)
            ? []
            : [{ configuration: of, accuracyAfter, gpuSeconds: costs[of as keyof typeof costs] }],
        ),
      }
    }),
  }))
}

const siteOf = (
  estimator: 'ekya' | 'pooled' = 'ekya',
  {
    index = 6,
    past = history(),
    phase = 'Labeling',
    duration = '200s',
  }: {
    readonly index?: number
    readonly past?: HistoryEntry[]
    readonly phase?: 'Labeling' | 'Planning'
    readonly duration?: string
  } = {},
) => {
  const base = retrainingWindow().spec
  return site(
    retrainingWindow(
      {
        ...running(
          phase,
          streams.map(name => item(name)),
          index,
        ),
        history: past,
      },
      {
        duration,
        microProfiler: { ...base.microProfiler, estimator },
        retraining: { ...base.retraining, configurations },
      },
    ),
    streams.map(inference),
    10,
  )
}

const solver = (asked: SiteProfilingQuestion[] = []) => ({
  profiling: async (question: SiteProfilingQuestion) => {
    asked.push(question)
    return siteProfiling(structuredClone(question))
  },
})

/** What is known once the answer is there. */
async function answered(ask: ProfilingOrders, snapshot: SiteSnapshot): Promise<OrderedProfiling> {
  for (;;) {
    const ordered = ask.of(snapshot)
    if (ordered.awaited !== true) return ordered
    await setImmediate()
  }
}

/** What the profile pod of a stream is told. */
async function told(snapshot: ReturnType<typeof siteOf>, ask = profilingOrders(solver())) {
  const { order } = await answered(ask, snapshot)
  const stream = snapshot.streams[0]!
  const target = {
    name: 'p',
    role: 'profile' as const,
    stream,
    item: item('cam-0'),
    share: 0.1,
    gpu,
    priority: 1,
  }
  const options = { storage: { mountPath: '/storage' } } as Parameters<typeof configInput>[2]['options']
  const config = profileConfig(
    configInput(target, snapshot, { options, seed: 1, ...(order && { profilingOrder: order }) }),
  )
  return { names: config.configurations.map(({ name }) => name), order: config.microProfiler.order }
}

describe('the order of micro-profiles', () => {
  it('is that of their worth, of all that is worth trying, where nothing is chosen without one', async () => {
    const { names, order } = await told(siteOf('ekya'))
    expect(names).to.deep.equal(['head', 'all-5', 'all-20'])
    expect(order!.slice(0, 2)).to.have.members(['all-5', 'all-20'])
    expect(order![2]).to.equal('head')
  })

  it('leaves out what would change no choice, where one can be chosen without', async () => {
    const { names, order } = await told(siteOf('pooled', { duration: '2000s' }))
    expect(names).to.deep.equal(['all-5', 'all-20'])
    expect(order).to.have.members(names)
    // A fourth of 110 s is too short for all-20 to be worth it: the choice is clear.
    expect((await told(siteOf('pooled'))).names).to.deep.equal([])
  })

  it('begins with what nobody knows the cost of', async () => {
    const past = history(['head']).map(entry => ({
      ...entry,
      streams: entry.streams!.map(each =>
        each.configuration === 'head' ? { ...each, configuration: 'slow' } : each,
      ),
    }))
    for (const estimator of ['ekya', 'pooled'] as const) {
      const { names, order } = await told(siteOf(estimator, { past }))
      expect(order![0]).to.equal('head')
      expect(names).to.include('head')
    }
  })

  it('is the same when it is asked for again by another process', async () => {
    for (const estimator of ['ekya', 'pooled'] as const) {
      const again = structuredClone(siteOf(estimator))
      expect(await told(again)).to.deep.equal(await told(siteOf(estimator)))
    }
  })

  it('is asked for once in a window, and again in the next', async () => {
    const asked: SiteProfilingQuestion[] = []
    const ask = profilingOrders(solver(asked))
    const first = await answered(ask, siteOf())
    expect(ask.of(siteOf()).order).to.equal(first.order)
    expect(asked).to.have.lengthOf(1)
    await answered(ask, siteOf('ekya', { index: 7 }))
    expect(asked).to.have.lengthOf(2)
  })

  it('is forgotten with its window', async () => {
    const asked: SiteProfilingQuestion[] = []
    const ask = profilingOrders(solver(asked))
    const snapshot = siteOf()
    await answered(ask, snapshot)
    ask.forget(keyOf(snapshot.window))
    await answered(ask, snapshot)
    expect(asked).to.have.lengthOf(2)
  })

  for (const { name, snapshot } of [
    { name: 'before a window was profiled', snapshot: siteOf('ekya', { past: [] }) },
    { name: 'in the first window', snapshot: siteOf('ekya', { index: 0 }) },
    { name: 'after profiling', snapshot: siteOf('ekya', { phase: 'Planning' }) },
  ])
    it(`is not asked for ${name}`, async () => {
      const asked: SiteProfilingQuestion[] = []
      expect(await answered(profilingOrders(solver(asked)), snapshot)).to.deep.equal({ notes: [] })
      expect(asked).to.deep.equal([])
    })

  it('is left to the pods where it cannot be made, with a word, and not asked for again', async () => {
    let asked = 0
    const ask = profilingOrders({
      profiling: () => {
        asked++
        return Promise.reject(new PlanningFailed('the thread died'))
      },
    })
    const { notes, order } = await answered(ask, siteOf())
    expect(order).to.equal(undefined)
    expect(notes[0]).to.include({ type: 'Warning', reason: 'PlanFailed' })
    expect(notes[0]!.message).to.include('window 6').and.include('the thread died')
    expect(await told(siteOf(), ask)).to.deep.equal({ names: ['head', 'all-5', 'all-20'], order: undefined })
    expect(ask.of(siteOf()).notes, 'said once').to.deep.equal([])
    expect(asked).to.equal(1)
  })

  it('fails where the solver fails otherwise', async () => {
    const bug = new TypeError('a bug')
    const ask = profilingOrders({ profiling: () => Promise.reject(bug) })
    expect(await answered(ask, siteOf()).catch((thrown: unknown) => thrown)).to.equal(bug)
  })

  it('is waited for by profile pods that are to be made, and by nothing else', async () => {
    const awaited = await swapSiteAt({ a: 40, b: 30 }, { labels: 'awaited' })
    expect(Object.keys(awaited.held())).to.deep.equal(['a-inference', 'b-inference'])
    const told = await swapSiteAt({ a: 40, b: 30 }, { labels: 'told' })
    expect(Object.keys(told.held()).toSorted()).to.deep.equal([
      'a-inference',
      'a-profile-1',
      'b-inference',
      'b-profile-1',
    ])
  })

  it('reckons with what is left of the window for trainings, divided among the streams', () => {
    // One GPU for four streams, 200 s less what profiling takes.
    expect(profilingQuestion(siteOf())!.question.windowGpuSeconds).to.be.closeTo(27.5, 1e-9)
  })
})
