import { expect } from 'chai'
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import { at, camera, pod, profiled, retrainingWindow, site } from '../testing/site.ts'
import { inference, item, phaseAfter, planner, running } from '../testing/window.ts'
import { advance } from './phases.ts'

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
  for (const { policy, options, want } of [
    { policy: 'thief', options: { patience: 'long' }, want: /policy thief made no plan: .*patience/ },
    {
      policy: 'fair',
      options: { configuration: 'all-50' },
      want: /policy fair made no plan: .*configuration is "all-50", .*; accepted: all-5$/,
    },
  ] as const)
    it(`serves the window on the quick schedule and says what is wrong (${policy})`, () => {
      const scheduler = { policy, step: 0.1, options }
      const window = retrainingWindow(running('Planning', [item('cam-0')]), { scheduler })
      const { status, notes } = advance(site(window, [inference('cam-0')], 20), planner)
      expect(status.current!.phase).to.equal('Retraining')
      expect(status.plan).to.include({ policy: 'quick' })
      expect(status.plan!.items[0]!.inferenceShare).to.be.above(0)
      expect(status.plan!.warnings![0]).to.match(want)
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
