import { expect } from 'chai'
import fc from 'fast-check'
import { ManualClock, settle } from './testing/manual-clock.ts'
import { createWorkQueue } from './workqueue.ts'

function make() {
  const clock = new ManualClock()
  return { clock, queue: createWorkQueue({ clock }) }
}

describe('workqueue', () => {
  it('hands out a key once however often it was added, in the order of the first adds', async () => {
    const { queue } = make()
    for (const key of ['a', 'b', 'a', 'b', 'c']) queue.add(key)
    expect(queue.depth).to.equal(3)
    expect([await queue.get(), await queue.get(), await queue.get()]).to.deep.equal(['a', 'b', 'c'])
  })

  it('keeps a key that is added while processed until it is done', async () => {
    const { queue } = make()
    queue.add('a')
    await queue.get()
    queue.add('a')
    queue.add('a')
    expect(queue.depth).to.equal(0)
    queue.done('a')
    expect(queue.depth).to.equal(1)
    await queue.get()
    queue.done('a')
    expect(queue.depth).to.equal(0)
  })

  it('wakes who waits for a key', async () => {
    const { queue } = make()
    const got = queue.get()
    queue.add('a')
    expect(await got).to.equal('a')
    expect(queue.processing).to.equal(1)
  })

  it('adds later, at the earliest of the times asked for', async () => {
    const { clock, queue } = make()
    queue.addAfter('a', 500)
    queue.addAfter('a', 100)
    queue.addAfter('a', 300)
    queue.addAfter('b', 200)
    await clock.advance(99)
    expect(queue.depth).to.equal(0)
    await clock.advance(1)
    expect(queue.depth).to.equal(1)
    await clock.advance(1000)
    expect(queue.depth).to.equal(2)
    expect(clock.timers).to.equal(0)
  })

  it('adds at once what is due at once', () => {
    const { queue } = make()
    queue.addAfter('a', 0)
    queue.addAfter('b', -5)
    expect(queue.depth).to.equal(2)
  })

  it('doubles the wait with each failure of a key, up to 1000 s, until it is forgotten', async () => {
    const { clock, queue } = make()
    const waits: number[] = []
    const measure = async () => {
      const startedMs = clock.monotonicMs()
      queue.addRateLimited('a')
      const got = queue.get()
      while (queue.processing === 0) await clock.advance(5)
      await got
      waits.push(clock.monotonicMs() - startedMs)
      queue.done('a')
    }
    for (let i = 0; i < 4; i++) await measure()
    expect(queue.failures('a')).to.equal(4)
    queue.forget('a')
    await measure()
    expect(waits).to.deep.equal([5, 10, 20, 40, 5])
  })

  it('waits at most 1000 s, however often a key failed', async () => {
    const { clock, queue } = make()
    for (let failures = 1; failures <= 40; failures++) {
      queue.addRateLimited('a')
      await clock.advance(1_000_000)
      expect(queue.depth).to.equal(1)
      await queue.get()
      queue.done('a')
    }
  })

  it('shuts down: drops what waits, wakes who waits, and lets what is processed end', async () => {
    const { clock, queue } = make()
    queue.add('a')
    await queue.get()
    queue.add('a')
    queue.add('b')
    queue.addAfter('c', 10)
    queue.shutDown()
    const waiting = queue.get()
    expect(await waiting).to.equal(undefined)
    let idle = false
    const ended = queue.idle().then(() => {
      idle = true
    })
    await settle()
    expect(idle).to.equal(false)
    queue.done('a')
    await ended
    queue.add('d')
    queue.addAfter('e', 1)
    await clock.advance(100)
    expect(queue.depth).to.equal(0)
    expect(clock.timers).to.equal(0)
  })

  it('tells metrics what it does', async () => {
    const clock = new ManualClock()
    const told: string[] = []
    const queue = createWorkQueue({
      name: 'q',
      clock,
      hooks: {
        onAdd: queue => told.push(`add ${queue}`),
        onDepth: (_, depth) => told.push(`depth ${depth}`),
        onWaited: (_, seconds) => told.push(`waited ${seconds}`),
        onWorked: (_, seconds) => told.push(`worked ${seconds}`),
        onRetry: () => told.push('retry'),
      },
    })
    queue.add('a')
    await clock.advance(2000)
    await queue.get()
    await clock.advance(3000)
    expect(queue.unfinishedSeconds()).to.equal(3)
    expect(queue.longestRunningSeconds()).to.equal(3)
    queue.done('a')
    queue.addRateLimited('a')
    expect(told).to.deep.equal(['add q', 'depth 1', 'depth 0', 'waited 2', 'worked 3', 'retry'])
  })

  it('never works on a key twice at once, and never loses an add', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({
        do: fc.constant('later' as const),
        key: fc.constantFrom('a', 'b', 'c'),
        delayMs: fc.nat(50),
      }),
      fc.record({ do: fc.constant('pass' as const), byMs: fc.nat(40) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, workers) => {
          const { clock, queue } = make()
          const running = new Set<string>()
          /** What was wanted after the last start of work on the key. */
          const owed = new Set<string>()
          const work = async () => {
            for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
              expect(running.has(key), `${key} twice at once`).to.equal(false)
              running.add(key)
              owed.delete(key)
              const working = key
              await new Promise<void>(resolve => clock.schedule(resolve, 7))
              running.delete(working)
              queue.done(working)
            }
          }
          const done = Promise.all(Array.from({ length: workers }, work))
          for (const step of steps) {
            if (step.do === 'pass') await clock.advance(step.byMs)
            else {
              owed.add(step.key)
              if (step.do === 'add') queue.add(step.key)
              else queue.addAfter(step.key, step.delayMs)
            }
          }
          await clock.advance(1000)
          expect([...owed]).to.deep.equal([])
          queue.shutDown()
          await done
        },
      ),
      { numRuns: 60 },
    )
  })
})
