/** A fault of a GPU with the operator killed at every write: slow because each is a whole story. */
import { expect } from 'chai'
import { faultySite, served, states } from '../testing/faulty-site.ts'

describe('a GPU with a fault, the operator killed', function () {
  this.timeout(60_000)

  it('comes to the same end wherever the operator is killed', async () => {
    const reference = await faultySite()
    await reference.settle()
    for (const [kill, write] of reference.writes.entries()) {
      const site = await faultySite(kill)
      await site.settle()
      expect(site.deaths, write).to.equal(1)
      expect(site.held(), write).to.deep.equal(served)
      expect(states(site), write).to.deep.equal(states(reference))
      expect(site.most.steady).to.be.at.most(100)
    }
  })
})
