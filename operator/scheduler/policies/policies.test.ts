import { expect } from 'chai'
import fc from 'fast-check'
import { SchedulerError } from '../errors.ts'
import { quickSchedule } from '../inference/quick-schedule.ts'
import { trainable } from '../objective.ts'
import { createPicker, isBetter } from '../pick-configurations.ts'
import type { Plan } from '../plan.ts'
import type { Gpu, Problem } from '../problem.ts'
import { stepsPerGpu, toSteps } from '../share-grid.ts'
import { anyProblem, gpus, linear, option, problem, stream } from '../testing/problems.ts'
import { planBy, policies, policy } from './registry.ts'
import { fairShares, thief } from './thief.ts'

const runs = { numRuns: 60, seed: 7 }

const physical: [string, (problem: Problem) => Plan][] = [
  ...Object.entries(policies)
    .filter(([, { poolOnly }]) => !poolOnly)
    .map(([name, { plan }]): [string, (problem: Problem) => Plan] => [name, given => plan(given, {})]),
  ['thief as released', given => thief.plan(given, { variant: 'released' })],
]

describe('every policy', () => {
  for (const [name, plan] of physical)
    describe(name, () => {
      it('gives whole steps, never more than a GPU has, and inference first', () => {
        fc.assert(
          fc.property(anyProblem, given => checkShares(given, plan(given))),
          runs,
        )
      })

      it('answers for every stream, within what was asked', () => {
        fc.assert(
          fc.property(anyProblem, given => checkItems(given, plan(given))),
          runs,
        )
      })

      it('gives the same plan for the same problem', () => {
        fc.assert(
          fc.property(anyProblem, given => {
            expect(plan(given)).to.deep.equal(plan(given))
          }),
          { ...runs, numRuns: 50 },
        )
      })

      it('puts nothing new on a GPU that takes no streams while another has room, and leaves there what is there', () => {
        fc.assert(
          fc.property(anyClosed, given => checkClosed(given, plan(given).items)),
          runs,
        )
      })

      it('answers for every stream where no GPU takes any', () => {
        fc.assert(
          fc.property(anyProblem, whole => {
            const given = { ...whole, gpus: whole.gpus.map(closed) }
            checkItems(given, plan(given))
            checkClosed(given, plan(given).items)
          }),
          { ...runs, numRuns: 30 },
        )
      })

      it('does not change the problem', () => {
        fc.assert(
          fc.property(anyProblem, given => {
            const copy = structuredClone(given)
            plan(given)
            expect(given).to.deep.equal(copy)
          }),
          { ...runs, numRuns: 50 },
        )
      })
    })

  for (const [name, { plan, options }] of Object.entries(policies))
    it(`${name} refuses options that it does not know`, () => {
      expect(() => plan(problem(), { speed: 1 })).to.throw(
        SchedulerError,
        Object.keys(options).length === 0
          ? /speed is not an option; it has no options/
          : /speed is not an option; accepted: \w+ \(/,
      )
    })

  for (const name of ['cloud', 'replay', 'oracle-best-fixed'])
    it(`${name} refuses physical GPUs`, () => {
      expect(() => policy(name).plan(problem(), {})).to.throw(
        SchedulerError,
        `policy ${name} is for comparisons in the simulator, where all GPUs are one pool; it cannot plan for 1 physical GPUs`,
      )
    })
})

describe('the quick schedule', () => {
  it('puts nothing new on a GPU that takes no streams while another has room, and leaves there what is there', () => {
    fc.assert(
      fc.property(anyClosed, fc.boolean(), (given, keepsTrainings) => {
        if (given.gpus.length === 0) return
        const { items } = quickSchedule({ ...given, reserve: 0.3, keepsTrainings })
        expect(items).to.have.lengthOf(given.streams.length)
        checkClosed(given, items)
      }),
      { ...runs, numRuns: 300 },
    )
  })
})

const closed = (gpu: Gpu): Gpu => ({ ...gpu, takesStreams: false })

/** Some GPUs, or all of them, take no streams. */
const anyClosed: fc.Arbitrary<Problem> = fc
  .tuple(anyProblem, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
  .map(([given, taking]) => ({ ...given, gpus: given.gpus.map((gpu, g) => (taking[g] ? gpu : closed(gpu))) }))

function checkClosed(
  { gpus: all, streams, step }: Problem,
  items: readonly (Gpu & { readonly inferenceShare: number })[],
): void {
  const on = (gpu: Gpu) => (item: Gpu | undefined) => item?.node === gpu.node && item.gpu === gpu.gpu
  const room = all.filter(
    gpu => gpu.takesStreams !== false && items.filter(on(gpu)).length < stepsPerGpu(step),
  )
  for (const gpu of all.filter(each => each.takesStreams === false))
    items.forEach((item, i) => {
      if (on(gpu)(streams[i]!.current)) expect(on(gpu)(item), 'stays').to.equal(true)
      else if (on(gpu)(item)) expect(room, 'no other has room').to.deep.equal([])
    })
  const stay = all.map(gpu =>
    gpu.takesStreams === false ? streams.filter(({ current }) => on(gpu)(current)).length : 0,
  )
  const free = stay.reduce((sum, each) => sum + Math.max(0, stepsPerGpu(step) - each), 0)
  const others = streams.length - stay.reduce((a, b) => a + b, 0)
  if (others > free || streams.some(({ running }) => running !== undefined)) return
  for (const gpu of all.filter(each => each.takesStreams !== false))
    for (const item of items.filter(on(gpu)))
      expect(item.inferenceShare, 'there is a step for it').to.be.above(0)
}

function checkShares(given: Problem, plan: Plan): void {
  const perGpu = stepsPerGpu(given.step)
  const steps = (share: number): number => {
    expect(share).to.be.at.least(0)
    expect(share / given.step).to.be.closeTo(Math.round(share / given.step), 1e-6)
    return toSteps(share, given.step)
  }
  for (const { node, gpu } of given.gpus) {
    const here = plan.items.filter(i => i.node === node && i.gpu === gpu)
    const held = here.reduce((sum, i) => sum + steps(i.inferenceShare) + steps(i.trainingShare), 0)
    expect(held).to.be.at.most(perGpu)
  }
  // Without trainings that tie streams to a GPU there is a step for everybody as long as there are as many.
  if (given.streams.length <= perGpu * given.gpus.length && given.streams.every(s => s.running === undefined))
    for (const i of plan.items) expect(i.inferenceShare).to.be.above(0)
}

function checkItems(given: Problem, plan: Plan): void {
  if (given.gpus.length === 0) {
    expect(plan.items).to.deep.equal([])
    return
  }
  expect(plan.items.map(i => i.stream)).to.deep.equal(given.streams.map(s => s.name))
  plan.items.forEach((i, k) => {
    const asked = given.streams[k]!
    expect(given.gpus.map(({ node, gpu }) => ({ node, gpu }))).to.deep.include({ node: i.node, gpu: i.gpu })
    expect(asked.inference.map(o => o.configuration)).to.include(i.inferenceConfiguration)
    expect(i.trainingShare > 0).to.equal(i.retrainingConfiguration !== null && i.startsAtSeconds === 0)
    if (i.retrainingConfiguration !== null)
      expect(trainable(asked).map(o => o.configuration)).to.include(i.retrainingConfiguration)
    for (const accuracy of [i.predictedBefore, i.predictedAfter, i.predictedWindow])
      if (accuracy !== null) expect(accuracy).to.be.within(0, 1 + 1e-9)
    expect(i.predictedWindow === null).to.equal(asked.accuracyNow === null)
    expect(i.reason).to.match(/^\S.{10,}/)
    expect(i.reason).not.to.match(/NaN|Infinity|undefined|null/)
  })
}

describe('thief', () => {
  it('never predicts less than the fair shares that it starts from', () => {
    fc.assert(
      fc.property(anyProblem, whole => {
        const given = { ...whole, gpus: whole.gpus.slice(0, 1) }
        if (given.gpus.length === 0 || given.streams.length === 0) return
        const perGpu = stepsPerGpu(given.step)
        const picker = createPicker(given)
        const plan = thief.plan(given, {})
        const got = plan.items.map(i => ({
          inference: toSteps(i.inferenceShare, given.step),
          training: toSteps(i.trainingShare, given.step),
        }))
        expect(isBetter(picker.total(fairShares(given, perGpu, perGpu)), picker.total(got))).to.equal(false)
      }),
      runs,
    )
  })

  it('is never worse off with another GPU, from the same shares in force', () => {
    fc.assert(
      fc.property(anyProblem, given => {
        if (given.gpus.length === 0 || given.streams.length === 0) return
        const before = thief.plan(given, {})
        const streams = given.streams.map((s, i) => ({ ...s, current: { ...before.items[i]! } }))
        const after = thief.plan({ ...given, gpus: gpus(given.gpus.length + 1), streams }, {})
        const floors = (plan: Plan) => plan.warnings.filter(w => w.includes('floor')).length
        if (floors(before) > 0 || before.predictedAccuracy === null) return
        // Compared without the past, which stands for itself where it is unknown.
        if (given.windowSeconds > given.remainingSeconds) return
        expect(after.predictedAccuracy).to.be.at.least(before.predictedAccuracy - 1e-9)
      }),
      runs,
    )
  })
})

describe('fair', () => {
  const streams = [
    stream('a', {
      retraining: [option('cheap', 0.7, 5), option('middle', 0.8, 20), option('dear', 0.9, 200)],
    }),
    stream('b', {
      retraining: [option('cheap', 0.7, 5), option('middle', 0.8, 20), option('dear', 0.9, 200)],
    }),
  ]
  for (const { name, options, want } of [
    {
      name: 'halves the GPU and trains the middle configuration',
      options: {},
      want: ['middle', 0.3, 0.3, 0.2],
    },
    {
      name: 'takes the weight of inference',
      options: { inferenceWeight: 0.3 },
      want: ['middle', 0.2, 0.4, 0.3],
    },
    { name: 'takes the configuration', options: { configuration: 'dear' }, want: ['dear', 0.3, 0.3, 0.2] },
  ])
    it(name, () => {
      const plan = policy('fair').plan(problem({ streams }), options)
      const [a, b] = plan.items
      expect([
        a!.retrainingConfiguration,
        a!.inferenceShare,
        a!.trainingShare,
        b!.trainingShare,
      ]).to.deep.equal(want)
    })

  it('says so when its configuration misses the end of the window or is not on offer', () => {
    const dear = policy('fair').plan(problem({ streams }), { configuration: 'dear' })
    expect(dear.items[0]!.reason).to.equal(
      "retrain dear: 60.0 → 90.0 % for 200 GPU-s, which takes 667 s and so misses the window's end in 100 s",
    )
    const other = policy('fair').plan(problem({ streams }), { configuration: 'other' })
    expect(other.items[0]!.reason).to.equal(
      'no retraining: policy fair uses other, which is not on offer to this stream',
    )
    expect(other.items[0]!.inferenceShare).to.equal(0.5)
  })
})

describe('none', () => {
  it('gives all to inference, equally', () => {
    const streams = Array.from({ length: 3 }, (_, i) => stream(`${i}`, { inference: [linear(0.9)] }))
    const plan = policy('none').plan(problem({ gpus: gpus(2), streams }), {})
    expect(plan.items.map(i => [i.gpu, i.inferenceShare])).to.deep.equal([
      ['0', 0.5],
      ['1', 1],
      ['0', 0.5],
    ])
    expect(plan.items[0]!.reason).to.equal('no retraining: policy none')
  })
})

describe('policy', () => {
  it('names the policies there are', () => {
    expect(() => policy('greedy')).to.throw(
      SchedulerError,
      'no policy "greedy", accepted: thief, horizon, fair, none',
    )
    expect(() => policy('toString')).to.throw(SchedulerError, /accepted/)
  })
})

describe('options', () => {
  for (const { name, options, want } of [
    {
      name: 'a wrong type',
      options: { iterations: 'three' },
      want: /iterations is "three", accepted is a whole number from 1 to 100/,
    },
    {
      name: 'a number out of range',
      options: { patience: -1 },
      want: /patience is -1, accepted is a whole number from 0/,
    },
    { name: 'a fraction', options: { iterations: 1.5 }, want: /iterations is 1\.5/ },
    {
      name: 'all faults together',
      options: { iterations: 0, x: 1 },
      want: /iterations is 0, .*; x is not an option; accepted: variant \(listing or released\), iterations \(a whole number from 1 to 100\), patience/,
    },
  ])
    it(`refuses ${name}`, () => expect(() => thief.plan(problem(), options)).to.throw(SchedulerError, want))

  it('refuses a step outside (0, 1]', () =>
    expect(() => thief.plan(problem({ step: 0 }), {})).to.throw(SchedulerError, /step is 0, accepted is/))
})

describe('planBy', () => {
  const site = (count: number) =>
    problem({
      gpus: gpus(count / 5),
      step: 0.1,
      streams: Array.from({ length: count }, (_, i) =>
        stream(`cam-${i}`, { inference: [linear(0.1)], retraining: [option('all-5', 0.9, 5)] }),
      ),
    })

  it('plans by the policy that is asked for, and refuses one that there is not', () => {
    expect(planBy('thief', site(10), {})).to.deep.equal(thief.plan(site(10), {}))
    expect(() => planBy('greedy', site(10), {})).to.throw(SchedulerError, /no policy "greedy"/)
  })

  it('plans by horizon where the policy would take too long, and says so', () => {
    const plan = planBy('thief', site(105), { iterations: 2 })
    expect(plan.policy).to.equal('horizon')
    expect(plan.items).to.have.lengthOf(105)
    expect(() => planBy('thief', site(105), { patience: -1 })).to.throw(SchedulerError, /patience is -1/)
    expect(plan.warnings[0]).to.match(/policy thief is for up to 100 streams.*105 are planned by horizon/)
  })
})
