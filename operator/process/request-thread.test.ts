import { spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { afterEach } from 'mocha'
import { createRequestThread, type RequestThread, ThreadFailed } from './request-thread.ts'

/** A thread that does what the text says with each message. */
const script = (onMessage: string) =>
  `const { parentPort } = require('node:worker_threads'); parentPort.on('message', given => { ${onMessage} })`
const doing = (onMessage: string) => () => new Worker(script(onMessage), { eval: true })
const echo = doing('parentPort.postMessage(given)')

describe('a thread that answers requests', function () {
  // Threads load slowly on a busy machine.
  this.timeout(30_000)
  const threads: RequestThread<unknown, unknown>[] = []
  const thread = (starts: readonly (() => Worker)[], timeoutMs?: number) => {
    const started: Worker[] = []
    const made = createRequestThread<unknown, unknown>({
      name: 'the thread',
      start() {
        const each = starts[Math.min(started.length, starts.length - 1)]!()
        started.push(each)
        return each
      },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
    threads.push(made)
    return { ...made, started }
  }
  const failure = (asked: Promise<unknown>): Promise<Error> =>
    asked.then(
      () => expect.fail('it answered'),
      (error: Error) => error,
    )
  afterEach(() => Promise.all(threads.splice(0).map(each => each.close())))

  it('gives each of several requests at once its own answer, in their order', async () => {
    // The first takes longest: without turns the last would be answered first.
    const late = doing('setTimeout(() => parentPort.postMessage(given), 30 - 10 * given)')
    const { ask, started } = thread([late])
    const order: unknown[] = []
    const answers = await Promise.all(
      [0, 1, 2].map(async request => {
        const answer = await ask(request)
        order.push(answer)
        return answer
      }),
    )
    expect(answers).to.deep.equal([0, 1, 2])
    expect(order).to.deep.equal([0, 1, 2])
    expect(started).to.have.length(1)
  })

  for (const { name, does, code, says } of [
    { name: 'dies', does: 'process.exit(3)', code: 'ended', says: 'the thread ended with status 3' },
    {
      name: 'throws',
      does: "throw new Error('no luck')",
      code: 'failed',
      says: 'the thread failed: no luck',
    },
    { name: 'is stuck', does: 'for (;;);', code: 'late', says: 'the thread gave no answer within 0.3 s' },
  ])
    it(`fails the request at which the thread ${name}, and no other one`, async () => {
      const { ask, started } = thread([doing(does), echo], name === 'is stuck' ? 300 : undefined)
      const [first, second] = await Promise.allSettled([ask(1), ask(2)])
      expect(first).to.have.property('reason').that.is.instanceOf(ThreadFailed).and.include({ code })
      expect((first as PromiseRejectedResult).reason.message).to.equal(says)
      // The next thread may take longer than that to load on a busy machine.
      if (name !== 'is stuck') expect(second).to.deep.equal({ status: 'fulfilled', value: 2 })
      expect(started).to.have.length(2)
    })

  it('fails a request that cannot be posted alone, and leaves no listener behind', async () => {
    const { ask, start, started } = thread([echo])
    start()
    const names = ['message', 'messageerror', 'error', 'exit']
    const listeners = () => names.map(name => started[0]!.listenerCount(name))
    const before = listeners()
    for (let i = 0; i < 3; i++) expect((await failure(ask(() => {}))).name).to.equal('DataCloneError')
    expect(listeners()).to.deep.equal(before)
    expect(await ask(5)).to.equal(5)
    expect(listeners()).to.deep.equal(before)
    expect(started).to.have.length(1)
  })

  it('starts another thread where one ended between two requests', async () => {
    const { ask, started } = thread([echo])
    expect(await ask(1)).to.equal(1)
    await started[0]!.terminate()
    expect(await ask(2)).to.equal(2)
    expect(started).to.have.length(2)
  })

  it('fails what is under way, what waits and what comes after its end', async () => {
    const { ask, close } = thread([doing('')])
    const asked = [ask(1), ask(2)].map(failure)
    await new Promise(setImmediate)
    await close()
    for (const error of [...(await Promise.all(asked)), await failure(ask(3))])
      expect(error)
        .to.be.instanceOf(ThreadFailed)
        .and.include({ code: 'closed', message: 'the thread is closed' })
  })

  it('does not keep the process alive between requests', () => {
    const program = `
      import { Worker } from 'node:worker_threads'
      const { createRequestThread } = await import(${JSON.stringify(new URL('./request-thread.ts', import.meta.url).href)})
      const start = () => new Worker(${JSON.stringify(script('parentPort.postMessage(given)'))}, { eval: true, execArgv: [] })
      console.log(await createRequestThread({ name: 'the thread', start }).ask('answered'))`
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      timeout: 29_000,
    })
    expect({ status, stdout }).to.deep.equal({ status: 0, stdout: 'answered\n' })
  })
})
