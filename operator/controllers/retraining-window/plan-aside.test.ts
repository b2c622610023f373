import { expect } from 'chai'
import { predictPresent } from '../../profiler/pooled/present-windows.ts'
import { answer, type EstimateRequest, type PlanRequest } from '../planning/request.ts'
import { PlanningFailed } from '../planning/thread.ts'
import { at, pod, profiled, retrainingWindow, site } from '../testing/site.ts'
import { planner } from '../testing/window.ts'
import { advance } from './phases.ts'
import { advanceAside, type PlanSolver } from './plan-aside.ts'

const inPlace: PlanSolver = {
  solve: async request => answer(request, () => 0),
  estimate: async ({ records }) => predictPresent(records),
}

const planning = (options: object = {}, estimator = 'ekya') => {
  const window = retrainingWindow({
    current: { index: 3, phase: 'Planning', startedAt: at(0), endsAt: at(100) },
  })
  const spec = {
    ...window.spec,
    scheduler: { ...window.spec.scheduler, options },
    microProfiler: { ...window.spec.microProfiler, estimator },
  }
  return site(
    { ...window, spec } as typeof window,
    [{ name: 'cam-0', profile: pod('cam-0', 'profile', { index: 3, result: profiled(3) }) }],
    20,
  )
}

describe('advanceAside', () => {
  for (const { name, snapshot } of [
    { name: 'a plan', snapshot: planning() },
    { name: 'a policy that refuses its options', snapshot: planning({ patience: -1 }) },
  ])
    it(`advances with ${name} as if it had been made in place`, async () => {
      const asked: PlanRequest[] = []
      const scheduled: string[] = []
      const step = await advanceAside(
        snapshot,
        {
          ...inPlace,
          solve: async request => {
            asked.push(request)
            // It passes between threads.
            return answer(structuredClone(request), () => 0)
          },
        },
        policy => scheduled.push(policy),
      )
      expect(step).to.deep.equal(advance(snapshot, planner))
      expect(asked).to.have.lengthOf(1)
      expect(scheduled).to.deep.equal(name === 'a plan' ? ['thief'] : [])
    })

  it('prepares a question once, though the state machine runs again', async () => {
    const { window, streams, ...rest } = planning()
    let read = 0
    // Of a profile the problem alone reads what one frame costs.
    const profile = streams[0]!.profile!
    const result = Object.defineProperty({ ...profile.result }, 'gpuSecondsPerFrame', {
      get: () => {
        read++
        return 0.005
      },
    }) as typeof profile.result
    const snapshot = { ...rest, window, streams: [{ ...streams[0]!, profile: { ...profile, result } }] }
    advance(snapshot, planner)
    const once = read
    read = 0
    await advanceAside(snapshot as typeof snapshot, inPlace)
    expect(once).to.be.above(0)
    expect(read).to.equal(once)
  })

  it('asks nobody where no plan is needed', async () => {
    const idle = site(retrainingWindow(), [], 20)
    const solver = { solve: () => expect.fail('it asked'), estimate: () => expect.fail('it asked') }
    expect(await advanceAside(idle, solver)).to.deep.equal(advance(idle, planner))
  })

  it('plans with estimates of the pooled model that are made elsewhere as if they had been made in place', async () => {
    const snapshot = planning({}, 'pooled')
    const asked: EstimateRequest[] = []
    const solver: PlanSolver = {
      ...inPlace,
      estimate: request => {
        asked.push(request)
        return inPlace.estimate(structuredClone(request))
      },
    }
    const step = await advanceAside(snapshot, solver)
    expect(step).to.deep.equal(advance(snapshot, planner))
    expect(step.status.plan?.items[0]?.estimate).to.be.an('object')
    expect(asked.map(({ records }) => records.length)).to.deep.equal([1])
  })

  it('goes on without estimates that cannot be made, and says so', async () => {
    const failing = { ...inPlace, estimate: () => Promise.reject(new PlanningFailed('the thread died')) }
    const { status, notes } = await advanceAside(planning({}, 'pooled'), failing)
    expect(status.current?.phase).to.equal('Retraining')
    expect(status.plan?.items[0]?.inferenceShare).to.be.above(0)
    expect(notes[0]?.message).to.include('the thread died')
  })

  it('goes on without a plan that cannot be made, and says so', async () => {
    const failing = { ...inPlace, solve: () => Promise.reject(new PlanningFailed('the thread died')) }
    const { status, notes } = await advanceAside(planning(), failing)
    expect(status.current?.phase).to.equal('Retraining')
    expect(status.plan?.items[0]?.inferenceShare).to.be.above(0)
    expect(notes[0]).to.include({ reason: 'PlanFailed', type: 'Warning' })
    expect(notes[0]?.message).to.include('the thread died')
  })

  it('passes on what else goes wrong', async () => {
    const failing = { ...inPlace, solve: () => Promise.reject(new Error('out of luck')) }
    const failed = await advanceAside(planning(), failing).catch((error: Error) => error.message)
    expect(failed).to.equal('out of luck')
  })
})
