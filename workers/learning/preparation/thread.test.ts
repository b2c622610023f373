import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { after } from 'mocha'
import { random } from '../../models/random.ts'
import { randomAlteration } from '../alterations.ts'
import { type Rendering, render } from './render.ts'
import { createPreparationThread, type Preparation } from './thread.ts'

function rendering(seed: number): Rendering {
  const draw = random(seed, 'preparation')
  const shape = { channels: 3, height: 6, width: 5 }
  return {
    pixels: Uint8Array.from({ length: 4 * 90 }, () => draw.integer(256)),
    shape,
    indexes: Int32Array.of(3, 0, 3),
    alterations: Array.from({ length: 3 }, () => randomAlteration(draw, 0.4)),
  }
}

describe('the thread that prepares batches', () => {
  const made: Preparation[] = []
  const thread = (...start: Parameters<typeof createPreparationThread>): Preparation => {
    const each = createPreparationThread(...start)
    made.push(each)
    return each
  }
  after(() => Promise.all(made.map(each => each.close())))
  const failure = (asked: Promise<unknown>): Promise<Error> =>
    asked.then(
      () => expect.fail('it answered'),
      (error: Error) => error,
    )

  it('gives what is given in place, bit by bit, of one set after another', async () => {
    const preparation = thread()
    for (const seed of [1, 2, 1]) {
      const request = rendering(seed)
      expect(await preparation.render(request)).to.deep.equal(render(request))
    }
  })

  it('works while the caller is busy', async () => {
    // Says when it has answered, in memory that both see.
    const flag = new Int32Array(new SharedArrayBuffer(4))
    const telling = thread(
      () =>
        new Worker(
          `const { parentPort, workerData } = require('node:worker_threads')
           parentPort.on('message', () => {
             parentPort.postMessage(new Float32Array(1))
             Atomics.store(workerData, 0, 1)
             Atomics.notify(workerData, 0)
           })`,
          { eval: true, workerData: flag },
        ),
    )
    const answer = telling.render(rendering(1))
    // The event loop does not turn here, as in a step of the runtime.
    expect(Atomics.wait(flag, 0, 0, 20_000)).to.not.equal('timed-out')
    expect(await answer).to.deep.equal(new Float32Array(1))
  })

  for (const { name, text, says } of [
    { name: 'dies', text: 'process.exit(3)', says: 'ended with status 3' },
    { name: 'fails', text: "throw new Error('out of luck')", says: 'failed: out of luck' },
  ])
    it(`fails the batch at which it ${name}, and starts anew for the next`, async () => {
      const starts = [
        () =>
          new Worker(`require('node:worker_threads').parentPort.on('message', () => { ${text} })`, {
            eval: true,
          }),
        () => new Worker(new URL('./worker.ts', import.meta.url)),
      ]
      const preparation = thread(() => (starts.length > 1 ? starts.shift()! : starts[0]!)())
      const request = rendering(1)
      expect((await failure(preparation.render(request))).message).to.include(says)
      expect(await preparation.render(request)).to.deep.equal(render(request))
    })

  it('refuses what comes after its end', async () => {
    const preparation = thread()
    await preparation.close()
    expect((await failure(preparation.render(rendering(1)))).message).to.include('closed')
  })
})
