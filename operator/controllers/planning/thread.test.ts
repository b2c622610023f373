import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { after } from 'mocha'
import { predictPresent } from '../../profiler/pooled/present-windows.ts'
import { siteProfiling } from '../../profiler/pooled/site-profiling.ts'
import { planBy } from '../../scheduler/policies/registry.ts'
import { option, problem, stream } from '../../scheduler/testing/problems.ts'
import { planOf } from './request.ts'
import { createPlanningThread, PlanningFailed, type PlanningThread } from './thread.ts'

const given = problem({ streams: [stream('a', { retraining: [option('all-5', 0.9, 5)] }), stream('b')] })
const request = { policy: 'thief', problem: given, options: {} }

describe('the planning thread', () => {
  const threads: PlanningThread[] = []
  const thread = (...options: Parameters<typeof createPlanningThread>): PlanningThread => {
    const made = createPlanningThread(...options)
    threads.push(made)
    return made
  }
  /** A thread that does what the text says when it is asked. */
  const doing = (text: string) => () =>
    new Worker(`require('node:worker_threads').parentPort.on('message', () => { ${text} })`, { eval: true })
  const failure = (asked: Promise<unknown>): Promise<Error> =>
    asked.then(
      () => expect.fail('it answered'),
      (error: Error) => error,
    )
  after(() => Promise.all(threads.map(each => each.close())))

  it('plans as the policy does, one request after another', async () => {
    const planning = thread()
    const [first, second] = await Promise.all([
      planning.solve(request),
      planning.solve({ ...request, policy: 'none' }),
    ])
    expect(planOf(first)).to.deep.equal(planBy('thief', given, {}))
    expect(planOf(second)).to.deep.equal(planBy('none', given, {}))
    expect(first).to.have.property('seconds').that.is.at.least(0)
  })

  it('predicts as the pooled model does', async () => {
    const window = { accuracyBefore: 0.5, trainings: [{ configuration: 'a', gpuSeconds: 5, estimate: 0.8 }] }
    expect(await thread().estimate({ records: [[window, window]] })).to.deep.equal(
      predictPresent([[window, window]]),
    )
  })

  it('tells what to micro-profile as the question does in place', async () => {
    const window = { accuracyBefore: 0.5, trainings: [{ configuration: 'a', gpuSeconds: 5, estimate: 0.8 }] }
    const next = { trainings: [{ configuration: 'a', gpuSeconds: 5 }] }
    const question = {
      streams: [{ windows: [window, next], served: 0.5 }],
      groups: {},
      windowGpuSeconds: 50,
      chosenUnprofiled: false,
    }
    expect(await thread().profiling(question)).to.deep.equal([['a']])
    expect(siteProfiling(question)).to.deep.equal([['a']])
  })

  it('tells what a policy refuses as the policy does', async () => {
    const refused = await thread().solve({ ...request, options: { patience: -1 } })
    expect(() => planOf(refused)).to.throw('patience is -1')
  })

  for (const { name, text, says } of [
    { name: 'dies', text: 'process.exit(3)', says: 'ended with status 3' },
    { name: 'fails', text: "throw new Error('out of luck')", says: 'out of luck' },
    { name: 'is stuck', text: 'for (;;);', says: 'no plan within 0.3 s' },
  ])
    it(`fails the request at which a thread ${name}, and answers the next`, async () => {
      const starts = [doing(text), () => new Worker(new URL('./worker.ts', import.meta.url))]
      // Only the one that is stuck waits for this; a new thread has longer to load its modules.
      const timeoutMs = name === 'is stuck' ? 300 : 60_000
      const planning = thread({
        timeoutMs,
        start: () => (starts.length > 1 ? starts.shift()! : starts[0]!)(),
      })
      const error = await failure(planning.solve(request))
      expect(error).to.be.instanceOf(PlanningFailed)
      expect(error.message).to.include('policy thief, 2 streams: ').and.include(says)
      if (name !== 'is stuck') expect(await planning.solve(request)).to.have.property('plan')
    })

  it('refuses what comes after its end', async () => {
    const planning = thread()
    await planning.close()
    expect((await failure(planning.solve(request))).message).to.include('closed')
  })
})
