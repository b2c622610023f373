import { expect } from 'chai'
import { oneAhead } from './one-ahead.ts'

/** Notes what happens in which order; items finish when the test lets them. */
function recorder() {
  const events: string[] = []
  const waiting = new Map<number, { finish: () => void; fail: (error: Error) => void }>()
  return {
    events,
    prepare: (item: number): Promise<string> => {
      events.push(`begin ${item}`)
      return new Promise((resolve, reject) => {
        waiting.set(item, { finish: () => resolve(`item ${item}`), fail: reject })
      })
    },
    finish: (item: number): void => waiting.get(item)!.finish(),
    fail: (item: number): void => waiting.get(item)!.fail(new Error(`no ${item}`)),
  }
}

describe('preparing one ahead', () => {
  it('begins the next item before the caller works on this one, and no more than that', async () => {
    const { events, prepare, finish } = recorder()
    const prepared = oneAhead([1, 2, 3], prepare)
    for (const item of [1, 2, 3]) {
      const next = prepared.next()
      // The first is begun when it is asked for, the others long before.
      expect(events)
        .to.include(`begin ${item}`)
        .and.not.include(`begin ${item + 1}`)
      finish(item)
      events.push(`work on ${(await next).value}`)
    }
    expect((await prepared.next()).done).to.equal(true)
    expect(events).to.deep.equal([
      'begin 1',
      'begin 2',
      'work on item 1',
      'begin 3',
      'work on item 2',
      'work on item 3',
    ])
  })

  it('tells an error when its item would come, not before', async () => {
    const { prepare, finish, fail } = recorder()
    const prepared = oneAhead([1, 2, 3], prepare)
    const first = prepared.next()
    finish(1)
    expect((await first).value).to.equal('item 1')
    fail(2)
    const error = await prepared.next().then(
      () => expect.fail('it went on'),
      (cause: Error) => cause,
    )
    expect(error.message).to.equal('no 2')
    expect((await prepared.next()).done).to.equal(true)
  })

  for (const outcome of ['finish', 'fail'] as const)
    it(`waits for what is under way when the caller stops, whether it comes to a ${outcome}, and begins no more`, async () => {
      const record = recorder()
      const prepared = oneAhead([1, 2, 3], record.prepare)
      const first = prepared.next()
      record.finish(1)
      await first
      let stopped = false
      const stopping = prepared.return().then(() => {
        stopped = true
      })
      await new Promise(setImmediate)
      expect(stopped).to.equal(false)
      record[outcome](2)
      await stopping
      expect(record.events).to.deep.equal(['begin 1', 'begin 2'])
    })

  it('gives nothing of nothing', async () => {
    const { events, prepare } = recorder()
    expect((await oneAhead([], prepare).next()).done).to.equal(true)
    expect(events).to.deep.equal([])
  })
})
