import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { gridRuns } from './grid.ts'
import { failed, type RunResult } from './run.ts'
import { smallComparison, smallSite, smallTrace } from './testing/small.ts'
import { runAll } from './worker-pool.ts'

const runs = gridRuns(smallComparison, smallSite)
const script = (onMessage: string) => () =>
  new Worker(
    `const { parentPort } = require('node:worker_threads'); parentPort.on('message', run => { ${onMessage} })`,
    { eval: true },
  )
const echo = 'parentPort.postMessage({ meanAccuracy: run.gpus * 10 + run.streams, windows: [] })'
const reached = (outcomes: readonly RunResult[]) =>
  outcomes.map(outcome => (failed(outcome) ? outcome.error : outcome.meanAccuracy))

describe('runAll', () => {
  it('keeps outcomes in the order of the runs, whichever is done first', async () => {
    const late = script(`setTimeout(() => ${echo}, run.gpus === 2 ? 20 : 0)`)
    const outcomes = await runAll(smallTrace, runs, { jobs: 3, start: late })
    expect(reached(outcomes)).to.deep.equal(runs.map(({ gpus, streams }) => gpus * 10 + streams))
  })

  for (const { name, dies, want } of [
    { name: 'ends', dies: 'process.exit(3)', want: 'the worker thread ended with status 3' },
    { name: 'throws', dies: 'throw new Error("no luck")', want: 'the worker thread failed: no luck' },
  ])
    it(`fails the run at which a thread ${name}, and starts another`, async () => {
      let started = 0
      const start = script(`if (run.gpus === 2 && run.streams === 3) ${dies}; else ${echo}`)
      const outcomes = await runAll(smallTrace, runs, {
        jobs: 1,
        start: () => {
          started++
          return start()
        },
      })
      const fails = runs.filter(run => run.gpus === 2 && run.streams === 3).length
      expect(reached(outcomes)).to.deep.equal(
        runs.map(({ gpus, streams }) => (gpus === 2 && streams === 3 ? want : gpus * 10 + streams)),
      )
      expect(started).to.equal(fails + 1)
    })

  it('starts no more threads than there are runs', async () => {
    let started = 0
    await runAll(smallTrace, runs.slice(0, 2), {
      jobs: 8,
      start: () => {
        started++
        return script(echo)()
      },
    })
    expect(started).to.equal(2)
    expect(await runAll(smallTrace, [], { jobs: 8 })).to.deep.equal([])
  })
})
