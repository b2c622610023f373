import { expect } from 'chai'
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import type { SiteSnapshot } from '../../cluster/snapshot.ts'
import { planBy } from '../../scheduler/policies/registry.ts'
import type { PlanItem, PlanStatus } from '../plan-status.ts'
import { at, camera, pod, profiled, retrainingWindow, site, trained } from '../testing/site.ts'
import { advance, type Phase } from './phases.ts'
import { createPlanner } from './planner.ts'
import { siteProblem } from './site-problem.ts'

const planner = createPlanner(({ policy, problem, options }) => planBy(policy, problem, options))
const inference = (name: string) => ({ name, inference: pod<never>(name, 'inference') })

const item = (stream: string, overrides: Partial<PlanItem> = {}): PlanItem => ({
  stream,
  node: 'edge-0',
  gpu: '0',
  inferenceShare: 0.3,
  inferenceConfiguration: 'every-frame',
  trainingShare: 0,
  state: 'None',
  ...overrides,
})

const training = (stream: string, overrides: Partial<PlanItem> = {}): PlanItem =>
  item(stream, {
    trainingShare: 0.4,
    plannedTrainingShare: 0.4,
    retrainingConfiguration: 'all-5',
    state: 'Training',
    startsAt: at(20),
    completesAt: at(40),
    gpuSeconds: 8,
    ...overrides,
  })

function running(
  phase: Phase,
  items: readonly PlanItem[],
  index = 1,
  rest: Partial<RetrainingWindowStatus> = {},
): RetrainingWindowStatus {
  const plan: PlanStatus = { window: index, decidedAt: at(20), policy: 'thief', items }
  return { current: { index, phase, startedAt: at(0), endsAt: at(100) }, plan, ...rest }
}

const phaseAfter = (snapshot: SiteSnapshot): Phase | undefined =>
  advance(snapshot, planner).status.current?.phase

describe('advance', () => {
  for (const { name, snapshot, want } of [
    { name: 'begins in Pending', snapshot: site(retrainingWindow(), [inference('cam-0')]), want: 'Pending' },
    {
      name: 'stays in Pending while a stream starts',
      snapshot: site(
        retrainingWindow({
          current: { index: 0, phase: 'Pending', startedAt: at(0) },
          plan: { window: 0, decidedAt: at(0), policy: 'quick', items: [item('cam-0'), item('cam-1')] },
        }),
        [inference('cam-0'), { name: 'cam-1' }],
        10,
      ),
      want: 'Pending',
    },
    {
      name: 'begins without a stream that does not come up',
      snapshot: site(
        retrainingWindow({
          current: { index: 0, phase: 'Pending', startedAt: at(0) },
          plan: { window: 0, decidedAt: at(0), policy: 'quick', items: [item('cam-0'), item('cam-1')] },
        }),
        [inference('cam-0'), { name: 'cam-1' }],
        31,
      ),
      want: 'Labeling',
    },
    {
      name: 'does not wait for a stream that no node of the site suits',
      snapshot: site(
        retrainingWindow({
          current: { index: 0, phase: 'Pending', startedAt: at(0) },
          plan: { window: 0, decidedAt: at(0), policy: 'quick', items: [item('cam-0')] },
        }),
        [inference('cam-0'), { name: 'cam-1', stream: camera('cam-1', { nodeSelector: { disk: 'fast' } }) }],
        1,
      ),
      want: 'Labeling',
    },
    {
      name: 'begins at once when a stream says that it cannot serve',
      snapshot: site(
        retrainingWindow({
          current: { index: 0, phase: 'Pending', startedAt: at(0) },
          plan: { window: 0, decidedAt: at(0), policy: 'quick', items: [item('cam-0'), item('cam-1')] },
        }),
        [
          inference('cam-0'),
          {
            name: 'cam-1',
            inference: {
              ...pod<never>('cam-1', 'inference', { ready: false }),
              error: { code: 'ModelInvalid', message: 'no' },
            },
          },
        ],
        2,
      ),
      want: 'Labeling',
    },
    {
      name: 'never begins when nothing serves',
      snapshot: site(
        retrainingWindow({
          current: { index: 0, phase: 'Pending', startedAt: at(0) },
          plan: { window: 0, decidedAt: at(0), policy: 'quick', items: [item('cam-0')] },
        }),
        [{ name: 'cam-0' }],
        500,
      ),
      want: 'Pending',
    },
    {
      name: 'has nothing to label in window 0',
      snapshot: site(retrainingWindow(running('Labeling', [item('cam-0')], 0)), [inference('cam-0')], 1),
      want: 'Planning',
    },
    {
      name: 'labels while a profile pod does',
      snapshot: site(retrainingWindow(running('Labeling', [item('cam-0')])), [inference('cam-0')], 5),
      want: 'Labeling',
    },
    {
      name: 'profiles once all streams are labelled',
      snapshot: site(
        retrainingWindow(running('Labeling', [item('cam-0')])),
        [
          {
            ...inference('cam-0'),
            profile: pod('cam-0', 'profile', {
              index: 1,
              status: { role: 'profile', stream: 'cam-0', window: 1, phase: 'profiling', progress: 0.5 },
            }),
          },
        ],
        5,
      ),
      want: 'Profiling',
    },
    {
      name: 'waits for profiles',
      snapshot: site(retrainingWindow(running('Profiling', [item('cam-0')])), [inference('cam-0')], 49),
      want: 'Profiling',
    },
    {
      name: 'plans without a profile that is late',
      snapshot: site(retrainingWindow(running('Profiling', [item('cam-0')])), [inference('cam-0')], 51),
      want: 'Planning',
    },
    {
      name: 'plans once all profiles are in',
      snapshot: site(
        retrainingWindow(running('Profiling', [item('cam-0')])),
        [{ ...inference('cam-0'), profile: pod('cam-0', 'profile', { index: 1, result: profiled(1) }) }],
        12,
      ),
      want: 'Planning',
    },
    {
      name: 'acts on the plan',
      snapshot: site(retrainingWindow(running('Planning', [item('cam-0')])), [inference('cam-0')], 12),
      want: 'Retraining',
    },
    {
      name: 'retrains until the end',
      snapshot: site(retrainingWindow(running('Retraining', [item('cam-0')])), [inference('cam-0')], 99),
      want: 'Retraining',
    },
    {
      name: 'closes at the end',
      snapshot: site(retrainingWindow(running('Retraining', [item('cam-0')])), [inference('cam-0')], 100),
      want: 'Closing',
    },
    {
      name: 'goes on with the next window',
      snapshot: site(retrainingWindow(running('Closing', [item('cam-0')])), [inference('cam-0')], 100),
      want: 'Labeling',
    },
    {
      name: 'is suspended in any phase',
      snapshot: site(
        retrainingWindow(running('Retraining', [item('cam-0')]), { suspended: true }),
        [inference('cam-0')],
        50,
      ),
      want: 'Suspended',
    },
    {
      name: 'resumes with Pending',
      snapshot: site(
        retrainingWindow({ current: { index: 1, phase: 'Suspended' } }),
        [inference('cam-0')],
        50,
      ),
      want: 'Pending',
    },
    {
      name: 'completes a window that runs once after it was measured',
      snapshot: site(
        retrainingWindow(running('Profiling', [item('cam-0')], 2), { repeat: 'Once' }),
        [{ ...inference('cam-0'), profile: pod('cam-0', 'profile', { index: 2, result: profiled(2) }) }],
        12,
      ),
      want: 'Completed',
    },
  ] as const) {
    it(name, () => expect(phaseAfter(snapshot)).to.equal(want))
  }

  it('answers with the same status when nothing is to be done', () => {
    for (const phase of ['Labeling', 'Retraining'] as const) {
      const window = retrainingWindow(running(phase, [item('cam-0')]))
      expect(advance(site(window, [inference('cam-0')], 25), planner).status).to.equal(window.status)
    }
  })

  it('lets the next window begin where the last one ended', () => {
    const { status } = advance(
      site(retrainingWindow(running('Closing', [item('cam-0')])), [inference('cam-0')], 103),
      planner,
    )
    expect(status.current).to.deep.include({ index: 2, startedAt: at(100), endsAt: at(200) })
  })

  it('does not make up for windows that passed while no operator ran', () => {
    const { status } = advance(
      site(retrainingWindow(running('Closing', [item('cam-0')])), [inference('cam-0')], 750),
      planner,
    )
    expect(status.current).to.deep.include({ index: 2, startedAt: at(750), endsAt: at(850) })
  })

  it('gives the index after the last recorded one when resumed', () => {
    const window = retrainingWindow({ current: { index: 4, phase: 'Suspended' }, history: [{ index: 3 }] })
    expect(advance(site(window, [inference('cam-0')]), planner).status.current?.index).to.equal(4)
  })

  it('reserves room for labelling from window 1 on', () => {
    const begin = (index: number) => {
      const plan = {
        window: index,
        decidedAt: at(0),
        policy: 'quick',
        items: [item('cam-0', { inferenceShare: 1 })],
      }
      const status: RetrainingWindowStatus = {
        current: { index, phase: 'Closing', startedAt: at(0), endsAt: at(100) },
        plan,
      }
      return advance(site(retrainingWindow(status), [inference('cam-0')], 100), planner).status.plan?.items[0]
        ?.inferenceShare
    }
    expect(begin(0)).to.be.at.most(0.7)
  })
})

describe('advance while retraining', () => {
  const withPod = (result: Parameters<typeof pod>[2]) =>
    site(
      retrainingWindow(running('Retraining', [training('cam-0'), item('cam-1')])),
      [
        { ...inference('cam-0'), training: pod<never>('cam-0', 'training', { index: 1, ...result }) },
        inference('cam-1'),
      ],
      45,
    )

  for (const { name, result, want } of [
    { name: 'accepts a model that gained', result: { result: trained(1) }, want: 'Accepted' },
    {
      name: 'rejects a model that gained too little',
      result: { result: trained(1, { validationAccuracy: 0.555 }) },
      want: 'Rejected',
    },
    {
      name: 'rejects a model that lost',
      result: { result: trained(1, { validationAccuracy: 0.4 }) },
      want: 'Rejected',
    },
    {
      name: 'keeps the model in use when the loss diverged',
      result: { result: trained(1, { model: undefined, error: { code: 'LossDiverged', message: 'NaN' } }) },
      want: 'Failed',
    },
    {
      name: 'notes a training that was stopped',
      result: { result: trained(1, { model: undefined, error: { code: 'Cancelled', message: 'told to' } }) },
      want: 'Unfinished',
    },
    { name: 'fails without a result', result: { failure: 'ended with exit code 137' }, want: 'Failed' },
  ] as const) {
    it(name, () => {
      const { status, notes } = advance(withPod(result), planner)
      const [first, second] = status.plan!.items
      expect(first).to.include({ state: want, trainingShare: 0 })
      if ('failure' in result) expect(first!.gpuSeconds, 'nothing is known of its cost').to.equal(0)
      expect(first!.model?.digest).to.equal(want === 'Accepted' ? 'abc' : undefined)
      expect(first!.inferenceShare + second!.inferenceShare, 'the freed share is handed on').to.be.closeTo(
        1,
        1e-9,
      )
      expect(notes).to.have.lengthOf(1)
    })
  }

  it('expects the trainings that get a freed share to end sooner', () => {
    const other = training('cam-1', { trainingShare: 0.2, completesAt: at(95) })
    const snapshot = site(
      retrainingWindow(running('Retraining', [training('cam-0'), other])),
      [
        {
          ...inference('cam-0'),
          training: pod<never>('cam-0', 'training', { index: 1, result: trained(1) }),
        },
        { ...inference('cam-1'), training: pod<never>('cam-1', 'training', { index: 1 }) },
      ],
      45,
    )
    const handed = advance(snapshot, planner).status.plan!.items[1]!
    expect(handed.trainingShare).to.be.above(0.2)
    expect(handed.completesAt).to.equal(at(45 + (50 * 0.2) / handed.trainingShare!))
  })

  it('writes that a training began once its pod is there', () => {
    const planned = training('cam-0', { state: 'Planned', startsAt: undefined })
    const snapshot = (pods: object) =>
      site(retrainingWindow(running('Retraining', [planned])), [{ ...inference('cam-0'), ...pods }], 21)
    expect(advance(snapshot({}), planner).status.plan?.items[0]?.state).to.equal('Planned')
    const begun = advance(snapshot({ training: pod('cam-0', 'training', { index: 1 }) }), planner)
    expect(begun.status.plan?.items[0]).to.include({ state: 'Training', startsAt: at(21) })
  })

  it('does not train a second time when the pod is lost', () => {
    const lost = advance(
      site(retrainingWindow(running('Retraining', [training('cam-0')])), [inference('cam-0')], 45),
      planner,
    )
    expect(lost.status.plan?.items[0]).to.include({ state: 'Failed', trainingShare: 0 })
  })

  it('gives a stream that appears its share at once, and takes back that of one that goes', () => {
    const status = running('Retraining', [training('cam-0'), item('cam-1')])
    const streams = [
      { ...inference('cam-0'), training: pod<never>('cam-0', 'training', { index: 1 }) },
      { name: 'cam-2' },
    ]
    const { plan } = advance(site(retrainingWindow(status), streams, 45), planner).status
    expect(plan?.items.map(i => i.stream)).to.deep.equal(['cam-0', 'cam-2'])
    expect(plan?.items[1]?.inferenceShare).to.be.above(0)
    const total = plan!.items.reduce((sum, i) => sum + i.inferenceShare + i.trainingShare, 0)
    expect(total).to.be.at.most(1 + 1e-9)
  })

  it('lets trainings of a plan over time wait, and begins them when the one before has ended', () => {
    const spec = { scheduler: { policy: 'horizon' as const, step: 0.1, options: {} } }
    const ready = (name: string) => ({
      ...inference(name),
      profile: pod<never>(name, 'profile', { index: 1, result: profiled(1) }),
    })
    const window = (status: RetrainingWindowStatus) => retrainingWindow(status, spec)
    const { status } = advance(
      site(window(running('Planning', [item('cam-0'), item('cam-1')])), [ready('cam-0'), ready('cam-1')], 20),
      planner,
    )
    const [first, second] = status.plan!.items
    expect(first).to.include({ state: 'Planned', startsAt: at(20) })
    expect(first!.trainingShare).to.be.above(0)
    expect(second).to.include({ state: 'Planned', trainingShare: 0, startsAt: first!.completesAt })
    expect(second!.reason).to.match(/^waits for cam-0 until \d+ s, then retrain/)

    const items = status.plan!.items.map((i, k) => (k === 0 ? { ...i, state: 'Training' as const } : i))
    const done = pod<never>('cam-0', 'training', { index: 1, result: trained(1) })
    const after = advance(
      site(
        window({ ...status, plan: { ...status.plan!, items } }),
        [{ ...ready('cam-0'), training: done }, ready('cam-1')],
        30,
      ),
      planner,
    ).status.plan!.items
    expect(after[0]).to.include({ state: 'Accepted', trainingShare: 0 })
    expect(after[1]).to.include({ state: 'Planned', startsAt: at(30) })
    expect(after[1]!.trainingShare).to.be.above(0)
  })

  const waiting = training('cam-1', { state: 'Planned', trainingShare: 0, startsAt: at(40) })

  it('hands a share on where the policy refuses to plan for those that wait, or the window is over', () => {
    const ended = {
      ...inference('cam-0'),
      training: pod<never>('cam-0', 'training', { index: 1, result: trained(1) }),
    }
    const status = running('Retraining', [training('cam-0'), waiting])
    for (const { options, seconds } of [
      { options: { effort: 'much' }, seconds: 45 },
      { options: {}, seconds: 101 },
    ]) {
      const scheduler = { policy: 'horizon' as const, step: 0.1, options }
      const window = retrainingWindow(status, { scheduler })
      const { plan } = advance(site(window, [ended, inference('cam-1')], seconds), planner).status
      expect(plan!.items[0]).to.include({ state: 'Accepted', trainingShare: 0 })
    }
  })

  it('takes a training that has a pod for begun, whatever ends meanwhile', () => {
    const done = {
      ...inference('cam-0'),
      training: pod<never>('cam-0', 'training', { index: 1, result: trained(1) }),
    }
    const fresh = { ...inference('cam-1'), training: pod<never>('cam-1', 'training', { index: 1 }) }
    const planned = training('cam-1', { state: 'Planned' })
    const status = running('Retraining', [training('cam-0'), planned])
    const { items } = advance(site(retrainingWindow(status), [done, fresh], 45), planner).status.plan!
    expect(items.map(i => i.state)).to.deep.equal(['Training', 'Training'])
  })

  it('plans again when a training that tells nothing of itself should have ended', () => {
    const silent = { ...inference('cam-0'), training: pod<never>('cam-0', 'training', { index: 1 }) }
    const look = (seconds: number) =>
      advance(site(retrainingWindow(running('Retraining', [training('cam-0')])), [silent], seconds), planner)
    expect(look(39).notes).to.deep.equal([])
    expect(look(41).notes[0]).to.include({ reason: 'Replanned' })
  })

  it('remembers what was estimated, not what the policy believes of it', () => {
    const scheduler = { policy: 'horizon' as const, step: 0.1, options: {} }
    const ready = {
      ...inference('cam-0'),
      profile: pod<never>('cam-0', 'profile', { index: 1, result: profiled(1) }),
    }
    const snapshot = site(retrainingWindow(running('Planning', [item('cam-0')]), { scheduler }), [ready], 20)
    const [option] = siteProblem(snapshot).streams[0]!.retraining
    expect(advance(snapshot, planner).status.plan!.items[0]!.estimate).to.deep.equal({
      accuracyAfter: Number(option!.accuracyAfter.toFixed(4)),
      gpuSeconds: Number(option!.gpuSeconds.toFixed(2)),
    })
  })

  it('keeps an outcome when the rest of the window is planned again', () => {
    const accepted = training('cam-0', {
      state: 'Accepted',
      trainingShare: 0,
      reason: 'accepted',
      model: { uri: 'm', digest: 'd' },
    })
    const { plan } = advance(
      site(retrainingWindow(running('Retraining', [accepted])), [inference('cam-0'), inference('cam-1')], 45),
      planner,
    ).status
    expect(plan?.items[0]).to.deep.include({
      state: 'Accepted',
      reason: 'accepted',
      model: { uri: 'm', digest: 'd' },
    })
  })

  it('plans again when a training will be much later than planned', () => {
    const late = {
      role: 'training',
      stream: 'cam-0',
      window: 1,
      phase: 'training',
      epoch: 1,
      epochs: 5,
      progress: 0.1,
      validationAccuracy: null,
      gpuSeconds: 1,
      remainingGpuSeconds: 20,
      imagesPerSecond: 10,
    } as const
    const status = running('Retraining', [training('cam-0')])
    const snapshot = site(
      retrainingWindow(status),
      [{ ...inference('cam-0'), training: pod<never>('cam-0', 'training', { index: 1, status: late }) }],
      35,
    )
    const { notes } = advance(snapshot, planner)
    expect(notes.map(n => n.reason)).to.deep.equal(['Replanned'])
    expect(notes[0]?.message).to.match(/all-5 of cam-0 will end \d+ s later than planned/)
  })
})

describe('advance at the end of the window', () => {
  const ending = (parts: object) =>
    advance(
      site(
        retrainingWindow(running('Retraining', [training('cam-0')])),
        [{ ...inference('cam-0'), ...parts }],
        101,
      ),
      planner,
    )

  it('takes a training that ended in time, however late somebody looks', () => {
    const { status } = ending({ training: pod('cam-0', 'training', { index: 1, result: trained(1) }) })
    expect(status.plan!.items[0]).to.include({ state: 'Accepted', accuracyAfter: 0.85 })
    expect(status.current!.phase).to.equal('Retraining')
  })

  it('takes no model that was trained from another one than spec names since', () => {
    const status = running('Retraining', [training('cam-0', { initialUri: 'models/before.onnx' })])
    const done = pod<never>('cam-0', 'training', { index: 1, result: trained(1) })
    const snapshot = site(retrainingWindow(status), [{ ...inference('cam-0'), training: done }], 60)
    const after = advance(snapshot, planner).status.plan!.items[0]!
    expect(after.state).to.equal('Failed')
    expect(after.reason).to.contain('spec.model.uri names another model since')
    expect(after.model).to.equal(undefined)
  })

  it('says of a training that it was cut off, and what it has cost, before the window closes', () => {
    const answer = {
      role: 'training' as const,
      ...{ stream: 'cam-0', window: 1, phase: 'training' as const, epoch: 3, epochs: 5, progress: 0.6 },
      ...{ validationAccuracy: null, gpuSeconds: 5.5, remainingGpuSeconds: 3, imagesPerSecond: null },
    }
    const { status, notes } = ending({ training: pod('cam-0', 'training', { index: 1, status: answer }) })
    expect(status.plan!.items[0]).to.include({ state: 'Unfinished', gpuSeconds: 5.5, trainingShare: 0 })
    expect(notes[0]).to.include({ type: 'Warning', stream: 'cam-0' })
    expect(notes[0]!.message).to.contain('was not done when the window ended (60 %)')
    const closed = site(retrainingWindow(status), [inference('cam-0')], 101)
    expect(phaseAfter(closed)).to.equal('Closing')
  })

  it('says of a training that waited in vain that it never began, and records none', () => {
    const planned = training('cam-0', { state: 'Planned', trainingShare: 0, startsAt: at(90) })
    const window = retrainingWindow(running('Retraining', [planned]))
    const { status, notes } = advance(site(window, [inference('cam-0')], 100), planner)
    expect(status.plan!.items[0]).to.include({ state: 'None', gpuSeconds: 0 })
    expect(status.plan!.items[0]!.reason).to.match(/the window ended before all-5 could begin/)
    expect(notes).to.deep.equal([])
    const closing = advance(site(retrainingWindow(status), [inference('cam-0')], 101), planner).status
    const next = advance(site(retrainingWindow(closing), [inference('cam-0')], 101), planner).status
    expect(next.history![0]).to.include({ gpuSecondsTrained: 0 })
    expect(next.history![0]!.streams![0]).to.not.have.property('configuration')
  })
})

describe('advance when suspended', () => {
  for (const { phase, index, want } of [
    { phase: 'Retraining', index: 1, want: 2 },
    { phase: 'Profiling', index: 1, want: 2 },
    { phase: 'Pending', index: 0, want: 0 },
  ] as const)
    it(`in ${phase} of window ${index}, goes on with window ${want} when resumed`, () => {
      const before = retrainingWindow(running(phase, [item('cam-0')], index), { suspended: true })
      const { status } = advance(site(before, [inference('cam-0')], 50), planner)
      expect(status.current!.phase).to.equal('Suspended')
      const resumed = advance(site(retrainingWindow(status), [inference('cam-0')], 70), planner)
      expect(resumed.status.current).to.include({ phase: 'Pending', index: want })
    })
})

describe('advance with a policy that refuses its options', () => {
  it('serves the window on the quick schedule and says what is wrong', () => {
    const scheduler = { policy: 'thief' as const, step: 0.1, options: { patience: 'long' } }
    const window = retrainingWindow(running('Planning', [item('cam-0')]), { scheduler })
    const { status, notes } = advance(site(window, [inference('cam-0')], 20), planner)
    expect(status.current!.phase).to.equal('Retraining')
    expect(status.plan).to.include({ policy: 'quick' })
    expect(status.plan!.items[0]!.inferenceShare).to.be.above(0)
    expect(status.plan!.warnings![0]).to.match(/policy thief made no plan: .*patience/)
    expect(notes[0]).to.include({ type: 'Warning', reason: 'PlanFailed' })
  })
})

describe('advance at the end of profiling', () => {
  it('completes the record of the window that was labelled', () => {
    const status = running('Profiling', [item('cam-0')], 1, {
      history: [
        {
          index: 0,
          predicted: 0.6,
          streams: [
            {
              name: 'cam-0',
              predicted: 0.6,
              retrained: true,
              estimate: { accuracyAfter: 0.7, gpuSeconds: 5 },
              outcome: { gpuSeconds: 6 },
            },
          ],
        },
      ],
    })
    const snapshot = site(
      retrainingWindow(status),
      [
        {
          name: 'cam-0',
          stream: camera('cam-0'),
          inference: pod<never>('cam-0', 'inference'),
          profile: pod('cam-0', 'profile', { index: 1, result: profiled(1) }),
        },
      ],
      12,
    )
    const entry = advance(snapshot, planner).status.history?.[0]
    expect(entry).to.deep.include({ realised: 0.5, withoutRetraining: 0.45, gain: 0.05, profilerError: 0.1 })
    expect(entry?.streams?.[0]?.outcome).to.deep.equal({ gpuSeconds: 6, accuracyAfter: 0.55 })
    expect(entry?.streams?.[0]).to.include({
      realised: 0.5,
      withoutRetraining: 0.45,
      framesOffered: 1000,
      framesAnalysed: 900,
      framesDropped: 100,
    })
  })
})
