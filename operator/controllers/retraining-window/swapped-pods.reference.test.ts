/** Swaps with the operator killed at every write, and between any two share vectors: slow because each is a whole story. */
import { expect } from 'chai'
import fc from 'fast-check'
import { swapSiteAt as at, expectBooks, SwapSite } from '../testing/swap-site.ts'

describe('pods that take over from each other, the operator killed', function () {
  this.timeout(120_000)

  it('lead to the same end at whichever write', async () => {
    const reference = await at({ a: 40, b: 60 })
    reference.plan({ a: 60, b: 40 })
    await reference.settle()
    for (let kill = 2; kill < reference.writes.length; kill++) {
      const site = await at({ a: 40, b: 60 })
      site.plan({ a: 60, b: 40 })
      site.killAt = kill
      await site.settle()
      expect(site.deaths, reference.writes[kill]).to.equal(1)
      expect(site.held()).to.deep.equal(reference.held())
      expectBooks(site, ['a', 'b'])
    }
  })

  it('get from any shares to any others, killed anywhere, and lose no frame', async () => {
    const vector = fc
      .array(fc.integer({ min: 1, max: 12 }), { minLength: 3, maxLength: 3 })
      .filter(steps => steps.reduce((sum, step) => sum + step, 0) <= 20)
      .map(([a, b, c]) => ({ a: a! * 5, b: b! * 5, c: c! * 5 }))
    await fc.assert(
      fc.asyncProperty(vector, vector, fc.integer({ min: 3, max: 14 }), async (from, to, kill) => {
        const site = await at(from)
        site.plan(to)
        site.killAt = kill
        await site.settle()
        expect(Object.values(site.held())).to.have.members(Object.values(to))
        expectBooks(site, ['a', 'b', 'c'])
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  it('lead to the same end at whichever write of a move to another GPU and of a new template', async () => {
    for (const { name, change } of [
      {
        name: 'a move',
        change: (site: SwapSite) => site.plan({ a: 70, b: 60 }, ['a']),
      },
      {
        name: 'a new template',
        change: (site: SwapSite) => {
          site.image = 'ekya:2'
        },
      },
    ]) {
      const reference = await at({ a: 40, b: 60 })
      change(reference)
      await reference.settle()
      for (let kill = 2; kill < reference.writes.length; kill++) {
        const site = await at({ a: 40, b: 60 })
        change(site)
        site.killAt = kill
        await site.settle()
        const what = `${name}, killed after ${reference.writes[kill]}`
        expect(site.deaths, what).to.equal(1)
        expect(site.held(), what).to.deep.equal(reference.held())
        expectBooks(site, ['a', 'b'])
      }
    }
  })

  it('get from anywhere on two GPUs to anywhere else, killed anywhere, and never analyse a frame twice', async () => {
    const streams = ['a', 'b', 'c'] as const
    const place = fc.record({
      shares: fc
        .array(fc.integer({ min: 1, max: 12 }), { minLength: 3, maxLength: 3 })
        .map(([a, b, c]) => ({ a: a! * 5, b: b! * 5, c: c! * 5 })),
      second: fc.subarray([...streams]),
    })
    const fits = ({
      shares,
      second,
    }: {
      shares: Record<(typeof streams)[number], number>
      second: string[]
    }) =>
      [true, false].every(
        on =>
          streams.filter(name => second.includes(name) === on).reduce((sum, name) => sum + shares[name], 0) <=
          100,
      )
    await fc.assert(
      fc.asyncProperty(
        place.filter(fits),
        place.filter(fits),
        fc.integer({ min: 3, max: 20 }),
        async (from, to, kill) => {
          const site = new SwapSite()
          site.plan(from.shares, from.second)
          await site.settle()
          site.plan(to.shares, to.second)
          site.killAt = kill
          await site.settle()
          expect(Object.values(site.held())).to.have.members(Object.values(to.shares))
          expect(site.most.steady).to.be.at.most(100)
          expect(site.most.total).to.be.at.most(200)
          const frames = streams.map(name => site.frames(name))
          expect(frames.map(({ twice }) => twice)).to.deep.equal([0, 0, 0])
          // Only who went without being told a last frame has lost any.
          const without = site.past
            .filter(({ fromMs, untilMs }) => Number.isFinite(fromMs) && !Number.isFinite(untilMs))
            .map(({ stream }) => stream)
          expect(without).to.include.members(streams.filter(name => site.frames(name).lost > 0))
        },
      ),
      { numRuns: 60, seed: 2 },
    )
  })
})
