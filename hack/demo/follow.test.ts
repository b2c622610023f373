import { expect } from 'chai'
import type { RetrainingWindow, WindowRecord } from '../../operator/api/generated/types.ts'
import { follow, StalledError } from './follow.ts'

type Phase = NonNullable<NonNullable<RetrainingWindow['status']>['current']>['phase']
const record = (index: number, realised?: number): WindowRecord => ({
  index,
  ...(realised !== undefined && { realised }),
  streams: [{ name: 'cam-0', ...(realised !== undefined && { realised }) }],
})
const at = (index: number, phase: Phase, history: readonly WindowRecord[] = []) =>
  ({
    metadata: { name: 'demo' },
    spec: { scheduler: { policy: 'thief' } },
    status: { current: { index, phase }, history },
  }) as unknown as RetrainingWindow

/** Plays the states, one a second; the last one stays. */
function playing(states: readonly (RetrainingWindow | undefined | Error)[], windows: number | null) {
  const clock = { now: 0 }
  let reads = 0
  const controller = new AbortController()
  return {
    controller,
    reads: () => reads,
    run: () =>
      follow(
        {
          read: async () => {
            const state = states[Math.min(reads++, states.length - 1)]
            if (state instanceof Error) throw state
            return { cameras: [], window: state }
          },
          show: () => {},
          windows,
          windowSeconds: 20,
          now: () => clock.now,
          pause: async signal => {
            clock.now += 1000
            if (windows === null && clock.now > 1e6) controller.abort(new Error('enough'))
            signal?.throwIfAborted()
          },
          onReadFailure: () => {},
        },
        controller.signal,
      ),
  }
}

const failure = (run: Promise<unknown>): Promise<Error> =>
  run.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: Error) => error,
  )

describe('following the windows', () => {
  it('ends when the last wanted window is measured', async () => {
    const { run, reads } = playing(
      [
        undefined,
        at(0, 'Labeling'),
        at(0, 'Retraining'),
        at(1, 'Labeling', [record(0)]),
        at(1, 'Profiling', [record(0, 0.5)]),
        at(1, 'Planning', [record(0, 0.5)]),
      ],
      1,
    )
    expect((await run()).map(({ realised }) => realised)).to.deep.equal([0.5])
    expect(reads()).to.equal(5)
  })

  it('ends without a measurement when the time for it is over', async () => {
    const { run } = playing([at(1, 'Labeling', [record(0)]), at(1, 'Retraining', [record(0)])], 1)
    expect((await run()).map(({ realised }) => realised)).to.deep.equal([undefined])
  })

  it('keeps records that drop out of the history', async () => {
    const { run } = playing(
      [
        at(1, 'Retraining', [record(0, 0.4)]),
        at(2, 'Labeling', [record(1)]),
        at(2, 'Profiling', [record(1, 0.6)]),
      ],
      2,
    )
    expect((await run()).map(({ index, realised }) => [index, realised])).to.deep.equal([
      [0, 0.4],
      [1, 0.6],
    ])
  })

  it('survives an API server that is away for a moment', async () => {
    const away = Array.from({ length: 20 }, () => new Error('refused'))
    const { run } = playing([at(0, 'Retraining'), ...away, at(1, 'Profiling', [record(0, 0.5)])], 1)
    expect(await run()).to.have.length(1)
  })

  it('gives up one that stays away', async () => {
    const { run } = playing([new Error('refused')], 1)
    expect((await failure(run())).message).to.equal('refused')
  })

  for (const { name, state, want } of [
    { name: 'a window that never begins', state: undefined, want: /nothing has moved for 90 s \(Pending\)/ },
    {
      name: 'a phase that never ends',
      state: at(3, 'Planning'),
      want: /for 60 s \(window 3, phase Planning\)/,
    },
  ])
    it(`reports ${name}`, async () => {
      const error = await failure(playing([state], 5).run())
      expect(error).to.be.instanceOf(StalledError)
      expect(error.message).to.match(want)
    })

  it('goes on until it is interrupted when no end is given', async () => {
    expect((await failure(playing([at(3, 'Planning')], null).run())).message).to.equal('enough')
  })
})
