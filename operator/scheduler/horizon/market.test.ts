import { expect } from 'chai'
import fc from 'fast-check'
import { anyPool, linear, option, problem, stream } from '../testing/problems.ts'
import { createExactMarket, createTabledMarket } from './market.ts'
import { poolModel, streamModels } from './model.ts'

const pooled = anyPool.map(given => poolModel(given, streamModels(given)))

describe('a market of prices', () => {
  it('serves the same by a table as stream by stream, at the table’s prices', () => {
    fc.assert(
      fc.property(
        pooled,
        fc.array(fc.nat(20), { maxLength: 7 }),
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        (pool, picks, price) => {
          const [exact, tabled] = [createExactMarket(pool), createTabledMarket(pool)]
          for (const market of [exact, tabled])
            pool.streams.forEach(({ jobs }, i) => {
              const job = jobs[(picks[i] ?? 0) % (jobs.length + 1)]
              if (job !== undefined) market.set(i, job.after)
            })
          tabled.at(price)
          const between = [price * 1.03, price * 0.97].map(p => {
            exact.at(p)
            return { asked: exact.asked, served: exact.served }
          })
          expect(tabled.asked).to.be.within(between[0]!.asked - 1e-9, between[1]!.asked + 1e-9)
          expect(tabled.served).to.be.within(between[0]!.served - 1e-9, between[1]!.served + 1e-9)
        },
      ),
    )
  })

  it('fills a budget with nearly the same, however it is summed up', () => {
    fc.assert(
      fc.property(pooled, fc.double({ min: 0, max: 1, noNaN: true }), (pool, part) => {
        const [exact, tabled] = [createExactMarket(pool), createTabledMarket(pool)]
        const budget = part * pool.capacity
        const got = exact.fill(budget)
        expect(exact.asked).to.be.at.most(budget + 1e-9)
        expect(exact.shares().reduce((sum, share) => sum + share, 0)).to.be.closeTo(exact.asked, 1e-9)
        // What is left over goes to a part of a corner in the table, which the exact one may have to leave.
        expect(tabled.fill(budget)).to.be.at.least(got * 0.97 - 1e-9)
      }),
    )
  })

  it('forgets what was trained when it is reset', () => {
    const given = problem({
      gpuCapacity: 1,
      streams: [stream('a', { inference: [linear(0.4)], retraining: [option('x', 0.9, 5)] })],
    })
    const pool = poolModel(given, streamModels(given))
    for (const market of [createExactMarket(pool), createTabledMarket(pool)]) {
      const before = market.fill(1)
      market.set(0, pool.streams[0]!.jobs[0]!.after)
      expect(market.fill(1)).to.be.closeTo(0.9, 1e-9)
      market.reset()
      expect(market.fill(1)).to.be.closeTo(before, 1e-9)
    }
  })
})
