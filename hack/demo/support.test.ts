import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createCleanup } from './cleanup.ts'
import { frameRateFor, frameRateOfList, labelingShareFor, loadOf } from './load.ts'
import { logTail } from './operator-process.ts'
import { together } from './together.ts'

describe('load of the demo', () => {
  for (const { name, cost, cores, cameras, want } of [
    { name: 'four cameras on one and a half cores', cost: 0.006, cores: 1.5, cameras: 4, want: 37 },
    { name: 'at most what the resource accepts', cost: 0.0001, cores: 12, cameras: 1, want: 60 },
    { name: 'at least one frame a second', cost: 2, cores: 0.75, cameras: 8, want: 1 },
  ])
    it(name, () => expect(frameRateFor(cost, cores, cameras)).to.equal(want))

  it('plays a sample list once in a window', () => {
    expect(frameRateOfList(300, 60)).to.equal(5)
    expect(frameRateOfList(300, 40)).to.equal(7.5)
    expect(frameRateOfList(100_000, 60)).to.equal(60)
  })

  it('gives labelling most of what inference leaves', () =>
    expect([0.02, 0.5, 0.6, 0.9].map(labelingShareFor)).to.deep.equal([0.8, 0.6, 0.5, 0.3]))

  it('needs between half and seven tenths where the rate is free', () => {
    for (let cost = 0.004; cost < 0.03; cost += 0.0007) {
      expect(loadOf(frameRateFor(cost, 1.5, 4), cost, 1.5, 4)).to.be.within(0.5, 0.7)
    }
  })
})

describe('cleanup', () => {
  it('undoes in reverse order, once, and goes on after a failure', async () => {
    const done: string[] = []
    const cleanup = createCleanup()
    cleanup.add('first', () => void done.push('first'))
    cleanup.add('broken', () => Promise.reject(new Error('in use')))
    cleanup.add('last', async () => void done.push('last'))
    expect(await cleanup.run()).to.deep.equal(['broken: in use'])
    expect(await cleanup.run()).to.deep.equal([])
    expect(done).to.deep.equal(['last', 'first'])
  })
})

describe('together', () => {
  it('answers with all results', async () =>
    expect(await together([async () => 1, async () => 'b'], new AbortController().signal)).to.deep.equal([
      1,
      'b',
    ]))

  it('aborts and awaits the others when one fails', async () => {
    let cleaned = false
    const slow = (signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          queueMicrotask(() => {
            cleaned = true
            reject(signal.reason)
          })
        })
      })
    const error = await together(
      [slow, async () => Promise.reject(new Error('no model'))],
      new AbortController().signal,
    ).catch((reason: unknown) => reason as Error)
    expect((error as Error).message).to.equal('no model')
    expect(cleaned).to.equal(true)
  })
})

describe('tail of the operator log', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-demo-log-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const { name, text, want } of [
    {
      name: 'errors before all else',
      text: '{"level":30,"msg":"started"}\n{"level":50,"msg":"apply failed","err":{"message":"forbidden"}}\n',
      want: ['  apply failed: forbidden'],
    },
    {
      name: 'the last lines where there is no error',
      text: '{"level":30,"msg":"a"}\nplain text\n',
      want: ['  a', '  plain text'],
    },
  ])
    it(name, async () => {
      const file = join(folder, 'operator.log')
      writeFileSync(file, text)
      expect((await logTail(file)).split('\n').slice(1)).to.deep.equal(want)
    })

  it('survives a log that is not there', async () =>
    expect(await logTail(join(folder, 'none'))).to.include('the end of'))
})
