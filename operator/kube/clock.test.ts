import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import { sleep, systemClock } from './clock.ts'
import { abortable, DeadlineExceeded, followBoth, startDeadline } from './deadline.ts'
import { ManualClock } from './testing/manual-clock.ts'

describe('sleep', () => {
  it('resolves when its time has come, and leaves no listener on the signal', async () => {
    const clock = new ManualClock()
    const { signal } = new AbortController()
    let done = false
    const sleeping = sleep(clock, 100, signal).then(() => {
      done = true
    })
    await clock.advance(99)
    expect(done).to.equal(false)
    await clock.advance(1)
    await sleeping
    expect(getEventListeners(signal, 'abort')).to.have.length(0)
  })

  it('rejects with the reason at once when the signal aborts, and leaves no timer', async () => {
    const clock = new ManualClock()
    const controller = new AbortController()
    const sleeping = sleep(clock, 100, controller.signal).catch(error => error)
    controller.abort(new Error('enough'))
    expect(await sleeping).to.have.property('message', 'enough')
    expect(clock.timers).to.equal(0)
  })

  it('does not start when the signal has aborted before', async () => {
    const error = await sleep(new ManualClock(), 1, AbortSignal.abort(new Error('no'))).catch(error => error)
    expect(error).to.have.property('message', 'no')
  })
})

describe('systemClock', () => {
  it('does not fire a timer of more than 2^31 ms at once', async () => {
    let fired = false
    const timer = systemClock.schedule(
      () => {
        fired = true
      },
      2 ** 32,
      { background: true },
    )
    await sleep(systemClock, 20)
    timer.cancel()
    expect(fired).to.equal(false)
  })
})

describe('startDeadline', () => {
  it('aborts when time is up, and says so', async () => {
    const clock = new ManualClock()
    const deadline = startDeadline(clock, 50)
    await clock.advance(50)
    expect(deadline.signal.reason).to.be.instanceOf(DeadlineExceeded)
    expect(deadline.expired()).to.equal(true)
  })

  it('follows the caller, and tells that apart from lateness', () => {
    const caller = new AbortController()
    const deadline = startDeadline(new ManualClock(), 50, caller.signal)
    caller.abort(new Error('stop'))
    expect(deadline.signal.reason).to.have.property('message', 'stop')
    expect(deadline.expired()).to.equal(false)
  })

  it('starts anew with each extension', async () => {
    const clock = new ManualClock()
    const deadline = startDeadline(clock, 50)
    await clock.advance(40)
    deadline.extend()
    await clock.advance(40)
    expect(deadline.signal.aborted).to.equal(false)
    await clock.advance(10)
    expect(deadline.signal.aborted).to.equal(true)
  })

  it('leaves neither timer nor listener after release', () => {
    const clock = new ManualClock()
    const { signal } = new AbortController()
    startDeadline(clock, 50, signal).release()
    expect(clock.timers).to.equal(0)
    expect(getEventListeners(signal, 'abort')).to.have.length(0)
  })
})

describe('followBoth', () => {
  it('aborts with the reason of the first to abort, and leaves no listener after release', () => {
    const first = new AbortController()
    const second = new AbortController()
    const both = followBoth(first.signal, second.signal)
    second.abort(new Error('second'))
    first.abort(new Error('first'))
    expect(both.signal.reason).to.have.property('message', 'second')
    both.release()
    const released = followBoth(new AbortController().signal, new AbortController().signal)
    released.release()
    expect(getEventListeners(released.signal, 'abort')).to.have.length(0)
  })
})

describe('abortable', () => {
  it('gives up waiting when the signal aborts', async () => {
    const controller = new AbortController()
    const waiting = abortable(new Promise(() => {}), controller.signal).catch(error => error)
    controller.abort(new Error('enough'))
    expect(await waiting).to.have.property('message', 'enough')
  })
})
