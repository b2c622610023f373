import { expect } from 'chai'
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import { at, pod, profiled, retrainingWindow, site, trained } from '../testing/site.ts'
import { inference, item, phaseAfter, planner, running, training } from '../testing/window.ts'
import { advance } from './phases.ts'
import { siteProblem } from './site-problem.ts'

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

  const interrupted = trained(1, { model: undefined, error: { code: 'Interrupted', message: 'goes on' } })

  it('waits for the pod in which an interrupted training goes on', () => {
    const { window, streams } = withPod({ result: interrupted })
    const { status, notes } = advance(site(window, streams, 30), planner)
    expect(status.plan!.items[0]).to.deep.equal(training('cam-0'))
    expect(notes).to.deep.equal([])
  })

  it('counts what an interrupted training has cost where the window ends before it goes on', () => {
    const { window, streams } = withPod({ result: interrupted })
    const { status } = advance(site(window, streams, 101), planner)
    expect(status.plan!.items[0]).to.include({ state: 'Unfinished', gpuSeconds: interrupted.gpuSeconds })
  })

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

  it('says of a training that waits for its GPU after a fault that it was not done', () => {
    const planned = training('cam-0', { state: 'Planned', trainingShare: 0, startsAt: at(90), faults: 1 })
    const window = retrainingWindow(running('Retraining', [planned]))
    const { status } = advance(site(window, [inference('cam-0')], 100), planner)
    expect(status.plan!.items[0]).to.include({ state: 'Unfinished' })
    expect(status.plan!.items[0]!.reason).to.contain('was not done when the window ended')
  })

  for (const { faults, want } of [
    { faults: 0, want: { gpuSeconds: 6 } },
    { faults: 1, want: undefined },
  ])
    it(`records ${want === undefined ? 'no cost' : 'the cost'} of a training after ${faults} faults`, () => {
      const estimate = { accuracyAfter: 0.7, gpuSeconds: 5 }
      const done = training('cam-0', { state: 'Accepted', trainingShare: 0, gpuSeconds: 6, estimate, faults })
      const closing = retrainingWindow(running('Closing', [done]))
      const { status } = advance(site(closing, [inference('cam-0')], 101), planner)
      expect(status.history![0]!.streams![0]!.outcome).to.deep.equal(want)
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

describe('a training on GPUs whose speed is not in proportion to the share', () => {
  const curve = [
    [0.4, 0.8],
    [1, 1],
  ] as const
  const late = {
    ...{
      role: 'training' as const,
      stream: 'cam-0',
      window: 1,
      phase: 'training' as const,
      epoch: 1,
      epochs: 5,
    },
    ...{
      progress: 0.1,
      validationAccuracy: null,
      gpuSeconds: 1,
      remainingGpuSeconds: 10,
      imagesPerSecond: 10,
    },
  }
  const snapshot = site(
    retrainingWindow(running('Retraining', [training('cam-0')])),
    [{ ...inference('cam-0'), training: pod<never>('cam-0', 'training', { index: 1, status: late }) }],
    35,
  )

  it('is late by its speed, not by its share', () => {
    expect(advance(snapshot, planner).notes.map(n => n.reason)).to.deep.equal(['Replanned'])
    const faster = { ...snapshot, training: { resizeSeconds: 0, throughputCurve: curve } }
    expect(advance(faster, planner).notes).to.deep.equal([])
  })
})

describe('advance when the policy makes no plan in the middle of a window', () => {
  const scheduler = { policy: 'thief' as const, step: 0.1, options: { patience: 'long' } }
  const streams = (...names: string[]) => [
    { ...inference('cam-0'), training: pod<never>('cam-0', 'training', { index: 1 }) },
    ...names.map(inference),
  ]
  const window = retrainingWindow(running('Retraining', [training('cam-0', { inferenceShare: 0.6 })]), {
    scheduler,
  })

  it('serves who came, beside the training that runs, and settles', () => {
    const { status, notes } = advance(site(window, streams('cam-1'), 30), planner)
    const [old, newcomer] = status.plan!.items
    expect(old).to.include({
      state: 'Training',
      trainingShare: 0.4,
      completesAt: at(40),
      inferenceShare: 0.3,
    })
    expect(newcomer).to.include({ stream: 'cam-1', state: 'None', trainingShare: 0, inferenceShare: 0.3 })
    expect(notes.map(({ reason }) => reason)).to.deep.equal(['PlanFailed'])
    expect(status.plan!.warnings![0]).to.match(/policy thief made no plan: .*patience/)
    const next = advance(site({ ...window, status }, streams('cam-1'), 31), planner)
    expect(next.status).to.deep.equal(status)
    expect(next.notes).to.deep.equal([])
  })

  it('serves them from what a training holds where nothing else is left, which takes longer then', () => {
    const names = Array.from({ length: 7 }, (_, i) => `cam-${i + 1}`)
    const { status } = advance(site(window, streams(...names), 30), planner)
    const [old] = status.plan!.items
    expect(status.plan!.items.map(i => i.inferenceShare)).to.deep.equal(Array(8).fill(0.1))
    expect(old).to.include({ state: 'Training', trainingShare: 0.2, completesAt: at(50) })
  })

  it('gives the training up where there is no share for it', () => {
    const names = Array.from({ length: 9 }, (_, i) => `cam-${i + 1}`)
    const { status } = advance(site(window, streams(...names), 30), planner)
    expect(status.plan!.items[0]).to.include({ state: 'Unfinished', trainingShare: 0, inferenceShare: 0.1 })
    expect(status.plan!.items[0]!.reason).to.match(/^all-5 was given up: there is no share left for it/)
  })
})

describe('a training whose first epochs surprise', () => {
  const planned = { estimate: { accuracyAfter: 0.8, gpuSeconds: 8 } }
  const answer = (points: readonly (readonly [number, number])[]) => ({
    ...{ role: 'training' as const, stream: 'cam-0', window: 1, phase: 'training' as const },
    ...{ epoch: points.length, epochs: 5, progress: points.length / 5, validationAccuracy: null },
    ...{ points, gpuSeconds: 1, remainingGpuSeconds: 1, imagesPerSecond: 10 },
  })
  const shown = (reached: number, change: object = {}, threshold = 0.05, seconds = 35) => {
    const { microProfiler } = retrainingWindow().spec
    const status = answer([1, 2, 3].map(epoch => [epoch, reached] as const))
    return site(
      retrainingWindow(running('Retraining', [training('cam-0', { ...planned, ...change })]), {
        microProfiler: { ...microProfiler, replanThreshold: threshold },
      }),
      [
        {
          ...inference('cam-0'),
          profile: pod('cam-0', 'profile', { index: 1, result: profiled(1) }),
          training: pod<never>('cam-0', 'training', { index: 1, status }),
        },
      ],
      seconds,
    )
  }
  const reasons = (snapshot: ReturnType<typeof shown>) =>
    advance(snapshot, planner).notes.map(({ reason }) => reason)

  it('makes the rest of the window be planned again, once', () => {
    const snapshot = shown(0.56)
    const { status, notes } = advance(snapshot, planner)
    expect(notes.map(({ reason }) => reason)).to.deep.equal(['Replanned'])
    expect(notes[0]!.message).to.match(/all-5 of cam-0 is expected to reach [0-9.]+ %, not 80.0 %/)
    const [item] = status.plan!.items
    expect(item!.expectedAfter).to.be.within(0.6, 0.75)
    expect(item!.estimate, 'what was estimated is learned from').to.deep.equal(planned.estimate)
    const later = { ...snapshot, window: { ...snapshot.window, status }, now: snapshot.now + 11_000 }
    expect(reasons(later)).to.deep.equal([])
  })

  for (const { name, snapshot } of [
    { name: 'as was expected', snapshot: shown(0.77) },
    { name: 'within a wide threshold', snapshot: shown(0.56, {}, 1) },
    { name: 'as the plan reckons with already', snapshot: shown(0.56, { expectedAfter: 0.68 }) },
    { name: 'just after a plan was made', snapshot: shown(0.56, {}, 0.05, 25) },
    { name: 'without an estimate', snapshot: shown(0.56, { estimate: undefined }) },
  ])
    it(`leaves the plan as it is: ${name}`, () => expect(reasons(snapshot)).to.deep.equal([]))
})
