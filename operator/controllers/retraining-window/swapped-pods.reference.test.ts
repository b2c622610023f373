/** Swaps with the operator killed at every write, and between any two share vectors: slow because each is a whole story. */
import { expect } from 'chai'
import fc from 'fast-check'
import { swapSiteAt as at, expectBooks } from '../testing/swap-site.ts'

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
})
