import { expect } from 'chai'
import type { WindowClock } from '../../operator/api/worker.ts'
import { WindowSchedule } from './window-schedule.ts'

const start = Date.parse('2030-01-01T00:00:00Z')
const at = (seconds: number): number => start + seconds * 1000
const clock = (index: number, seconds: number, change: Partial<WindowClock> = {}): WindowClock => ({
  index,
  startsAt: new Date(at(seconds)).toISOString(),
  durationSeconds: 60,
  maxSamples: 200,
  ...change,
})
const where = ({ current, maxSamples }: WindowSchedule) => ({
  index: current.index,
  from: (current.startsAtMs - start) / 1000,
  to: (current.endsAtMs - start) / 1000,
  maxSamples,
})

describe('WindowSchedule', () => {
  it('serves window 0 without samples until one is announced', () => {
    const schedule = new WindowSchedule(undefined, at(5))
    expect(where(schedule)).to.include({ index: 0, from: 5, maxSamples: 0 })
    expect(schedule.current.scheduled).to.equal(false)
    expect(schedule.announce(clock(0, 7), at(7))).to.equal(true)
    expect(where(schedule)).to.deep.equal({ index: 0, from: 7, to: 67, maxSamples: 200 })
  })

  it('rolls over by itself, and keeps samples of two windows without a word of the operator', () => {
    const schedule = new WindowSchedule(clock(4, 0), at(0))
    const kept = [1, 2, 3, 4].map(i => {
      schedule.next(at(60 * i))
      return where(schedule)
    })
    expect(kept.map(({ index }) => index)).to.deep.equal([5, 6, 7, 8])
    expect(kept.map(({ from }) => from)).to.deep.equal([60, 120, 180, 240])
    expect(kept.map(({ maxSamples }) => maxSamples)).to.deep.equal([200, 200, 0, 0])
    expect(schedule.announce(clock(8, 240), at(245))).to.equal(true)
    expect(where(schedule).maxSamples).to.equal(200)
  })

  it('keeps samples as long as the operator sees where it is', () => {
    const schedule = new WindowSchedule(clock(4, 0), at(0))
    for (let i = 1; i <= 5; i++) {
      schedule.next(at(60 * i))
      schedule.heard()
    }
    expect(where(schedule)).to.include({ index: 9, maxSamples: 200 })
  })

  for (const { name, announced, now, changed, want } of [
    {
      name: 'the same window again',
      announced: clock(1, 0),
      now: 10,
      changed: false,
      want: { index: 1, from: 0, to: 60 },
    },
    {
      name: 'the same window, its start cut to whole seconds',
      announced: clock(1, -0.4),
      now: 10,
      changed: false,
      want: { index: 1, from: 0, to: 60 },
    },
    {
      name: 'the window that follows, ahead of time',
      announced: clock(2, 60),
      now: 50,
      changed: true,
      want: { index: 1, from: 0, to: 60 },
    },
    {
      name: 'a window that begins before this one ends',
      announced: clock(2, 30),
      now: 20,
      changed: true,
      want: { index: 1, from: 0, to: 30 },
    },
    {
      name: 'a window that has begun already',
      announced: clock(2, 10),
      now: 20,
      changed: true,
      want: { index: 2, from: 10, to: 70 },
    },
    {
      name: 'another window of the same index',
      announced: clock(1, 15),
      now: 20,
      changed: true,
      want: { index: 1, from: 15, to: 75 },
    },
    {
      name: 'a window that is over: what follows from it counts',
      announced: clock(6, -90),
      now: 20,
      changed: true,
      want: { index: 7, from: -30, to: 30 },
    },
  ]) {
    it(`takes ${name}`, () => {
      const schedule = new WindowSchedule(clock(1, 0), at(0))
      expect(schedule.announce(announced, at(now))).to.equal(changed)
      expect(where(schedule)).to.include(want)
    })
  }

  it('goes on to the announced window where the current one ends', () => {
    const schedule = new WindowSchedule(clock(1, 0), at(0))
    schedule.announce(clock(2, 60, { durationSeconds: 30, maxSamples: 50 }), at(50))
    schedule.next(at(60))
    expect(where(schedule)).to.deep.equal({ index: 2, from: 60, to: 90, maxSamples: 50 })
  })

  it('is not taken back by an operator that still is in the window before', () => {
    const schedule = new WindowSchedule(clock(1, 0), at(0))
    schedule.next(at(60))
    expect(schedule.announce(clock(1, 0), at(62))).to.equal(false)
    expect(where(schedule)).to.include({ index: 2, from: 60 })
  })

  it('waits for a first window that is yet to come', () => {
    const schedule = new WindowSchedule(clock(3, 10), at(0))
    expect(where(schedule)).to.include({ from: 0, to: 10, maxSamples: 0 })
    schedule.next(at(10))
    expect(where(schedule)).to.include({ index: 3, from: 10, maxSamples: 200 })
  })

  it('finds its place when it is restarted with an old configuration', () => {
    const schedule = new WindowSchedule(clock(1, 0), at(60 * 10 + 5))
    schedule.heard()
    expect(where(schedule)).to.deep.equal({ index: 11, from: 600, to: 660, maxSamples: 0 })
    expect(schedule.current.certain).to.equal(false)
    schedule.announce(clock(11, 600), at(606))
    expect(schedule.current).to.include({ certain: true, unheard: 0 })
    expect(where(new WindowSchedule(clock(1, 0), at(65)))).to.include({ index: 2, maxSamples: 200 })
  })

  it('accounts for a window that was slept through, and passes over many at once', () => {
    const schedule = new WindowSchedule(clock(0, 0), at(0))
    schedule.next(at(100))
    expect(where(schedule)).to.include({ index: 1 })
    schedule.next(at(3600))
    expect(where(schedule)).to.include({ index: 60, from: 3600 })
  })
})
