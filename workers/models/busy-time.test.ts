import { expect } from 'chai'
import { BusyTime } from './busy-time.ts'

describe('BusyTime', () => {
  it('counts work that overlaps once, failed and unfinished work too, and no pauses', async () => {
    let now = 10
    const busy = new BusyTime(() => now)
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    const works = [busy.during(() => first.promise)]
    now = 11
    works.push(busy.during(() => second.promise))
    now = 13
    expect(busy.seconds()).to.equal(3)
    first.resolve()
    await works[0]
    now = 14
    second.reject(new Error('failed'))
    await works[1]!.catch(() => {})
    expect(busy.seconds()).to.equal(4)
    now = 100
    expect(busy.seconds()).to.equal(4)
  })
})
