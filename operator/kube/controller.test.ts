import { expect } from 'chai'
import { type ControllerOptions, createController, type Reconcile, TerminalError } from './controller.ts'
import { statusError } from './errors.ts'
import { ManualClock, settle } from './testing/manual-clock.ts'

function start(reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const clock = new ManualClock()
  const stop = new AbortController()
  const outcomes: string[] = []
  const controller = createController({
    name: 'test',
    reconcile,
    clock,
    hooks: { onReconcile: (_, outcome) => outcomes.push(outcome) },
    ...options,
  })
  return { clock, stop, outcomes, controller, running: controller.run(stop.signal) }
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<undefined>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )

describe('controller', () => {
  it('begins when all caches have synced', async () => {
    const keys: string[] = []
    const cache = Promise.withResolvers<void>()
    const { controller, clock } = start(async key => void keys.push(key), {
      caches: [{ whenSynced: () => Promise.resolve() }, { whenSynced: () => cache.promise }],
    })
    controller.queue.add('a')
    await clock.advance(10)
    expect(keys).to.deep.equal([])
    cache.resolve()
    await clock.advance(0)
    expect(keys).to.deep.equal(['a'])
  })

  for (const { name, fail, want, atMs } of [
    {
      name: 'comes back when it was asked to',
      fail: () => ({ requeueAfterMs: 500 }),
      want: 'requeue',
      atMs: [0, 500],
    },
    {
      name: 'is retried after a conflict',
      fail: () => {
        throw statusError('PUT', 409, { reason: 'Conflict' })
      },
      want: 'conflict',
      atMs: [0, 5],
    },
    {
      name: 'is retried after a failure',
      fail: () => {
        throw new Error('oops')
      },
      want: 'error',
      atMs: [0, 5],
    },
    {
      name: 'is left alone after a failure that no repetition mends',
      fail: () => {
        throw new TerminalError('never')
      },
      want: 'terminal',
      atMs: [0],
    },
  ]) {
    it(`a key ${name}`, async () => {
      const at: number[] = []
      const { controller, clock, outcomes } = start(async () => {
        at.push(clock.monotonicMs())
        return at.length === 1 ? fail() : undefined
      })
      controller.queue.add('a')
      await clock.advance(2_000)
      expect(at).to.deep.equal(atMs)
      expect(outcomes).to.deep.equal(atMs.length > 1 ? [want, 'success'] : [want])
      expect(controller.queue.failures('a')).to.equal(0)
    })
  }

  it('works on several keys at once, and on one key never twice', async () => {
    const running: string[] = []
    let most = 0
    const { controller, clock } = start(
      async key => {
        expect(running).to.not.include(key)
        running.push(key)
        most = Math.max(most, running.length)
        await new Promise<void>(resolve => clock.schedule(resolve, 10))
        running.splice(running.indexOf(key), 1)
        return undefined
      },
      { concurrency: 2 },
    )
    for (const key of ['a', 'b', 'c']) controller.queue.add(key)
    await clock.advance(5)
    controller.queue.add('a')
    await clock.advance(100)
    expect(most).to.equal(2)
    expect(running).to.deep.equal([])
  })

  it('aborts a reconcile that takes too long, and retries it only when it has ended', async () => {
    let calls = 0
    let release = () => {}
    const { controller, clock, outcomes } = start(
      async (_, signal) => {
        calls++
        await untilAborted(signal).catch(() => {})
        await new Promise<void>(resolve => {
          release = resolve
        })
        throw signal.reason
      },
      { timeoutMs: 1_000 },
    )
    controller.queue.add('a')
    await clock.advance(5_000)
    expect(calls).to.equal(1)
    expect(outcomes).to.deep.equal([])
    release()
    await clock.advance(10)
    expect(outcomes).to.deep.equal(['timeout'])
    expect(calls).to.equal(2)
  })

  it('lets running reconciles end when it is stopped, and takes no more keys', async () => {
    const done: string[] = []
    const { controller, clock, stop, running } = start(async key => {
      await new Promise<void>(resolve => clock.schedule(resolve, 1_000))
      done.push(key)
      return undefined
    })
    controller.queue.add('a')
    controller.queue.add('b')
    await clock.advance(10)
    stop.abort(new Error('stop'))
    await clock.advance(2_000)
    await running
    expect(done).to.deep.equal(['a'])
  })

  it('aborts running reconciles that do not end in time when it is stopped', async () => {
    const { controller, clock, stop, running, outcomes } = start((_, signal) => untilAborted(signal), {
      drainMs: 500,
    })
    controller.queue.add('a')
    await clock.advance(10)
    stop.abort(new Error('stop'))
    await clock.advance(500)
    await running
    expect(outcomes).to.deep.equal([])
  })

  it('ends at once when it is stopped before the caches have synced', async () => {
    const { stop, running } = start(async () => undefined, {
      caches: [{ whenSynced: signal => untilAborted(signal) as Promise<never> }],
    })
    await settle()
    stop.abort(new Error('stop'))
    await running
  })
})
