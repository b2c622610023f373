import { expect } from 'chai'
import type { FrameMark } from '../../operator/api/worker.ts'
import { Duty } from './duty.ts'
import type { ActiveWindow } from './window-schedule.ts'

const start = Date.parse('2030-01-01T00:00:00Z')
const startsAt = new Date(start).toISOString()
const frameRate = 10
const due = (frame: number): number => start + frame * 100
const mark = (frame: number, more: Partial<FrameMark> = {}): FrameMark => ({
  window: 3,
  startsAt,
  frame,
  ...more,
})
const window = (index: number, startsAtMs = start): ActiveWindow => ({
  index,
  startsAt: new Date(startsAtMs).toISOString(),
  startsAtMs,
  endsAtMs: startsAtMs + 60_000,
  durationSeconds: 60,
  maxSamples: 0,
  unheard: 0,
  certain: true,
  scheduled: true,
})
/** Frames from 0 to 19 that the pod analyses. */
const taken = (duty: Duty): number[] =>
  Array.from({ length: 20 }, (_, i) => i).filter(i => !duty.isBefore(due(i)) && !duty.isOver(due(i)))
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const codeOf = (act: () => void): string => {
  try {
    act()
    return 'done'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('Duty', () => {
  it('has all frames where no other pod is', () => {
    const duty = new Duty({ frameRate })
    expect(duty.standby).to.equal(false)
    expect(taken(duty)).to.deep.equal(numbers(0, 20))
  })

  for (const frame of [0, 1, 7, 19])
    it(`shares the frames out at frame ${frame}, each to one pod`, () => {
      const [old, next] = [new Duty({ frameRate }), new Duty({ frameRate, standby: true })]
      expect(taken(next)).to.deep.equal([])
      old.end(mark(frame - 1))
      next.activate(mark(frame), start)
      expect([...taken(old), ...taken(next)]).to.deep.equal(numbers(0, 20))
      expect(taken(next)[0]).to.equal(frame)
      if (frame > 0) expect(old.isLast(due(frame - 1))).to.equal(true)
      if (frame > 1) expect(old.isLast(due(frame - 2))).to.equal(false)
    })

  it('waits to be told', async () => {
    const duty = new Duty({ frameRate, standby: true })
    let told = false
    void duty.activated.then(() => {
      told = true
    })
    await Promise.resolve()
    expect({ told, standby: duty.standby }).to.deep.equal({ told: false, standby: true })
    duty.activate(undefined, start)
    await duty.activated
    expect(duty.standby).to.equal(false)
    expect(taken(duty)).to.deep.equal(numbers(0, 20))
  })

  for (const { name, act, want } of [
    {
      name: 'the same activation again',
      act: (duty: Duty) => duty.activate(mark(5, { startsAt: '2030-01-01T00:00:00Z' }), start),
      want: 'done',
    },
    { name: 'another activation', act: (duty: Duty) => duty.activate(mark(6), start), want: 'TooLate' },
    { name: 'no frame, being active', act: (duty: Duty) => duty.activate(undefined, start), want: 'done' },
    { name: 'an end that is to come', act: (duty: Duty) => duty.end(mark(12)), want: 'done' },
    { name: 'an end at the frame at hand', act: (duty: Duty) => duty.end(mark(8)), want: 'done' },
    { name: 'an end that has been passed', act: (duty: Duty) => duty.end(mark(7)), want: 'TooLate' },
  ])
    it(`${want === 'done' ? 'takes' : 'refuses'} ${name}`, () => {
      const duty = new Duty({ frameRate, standby: true })
      duty.activate(mark(5), start)
      duty.begin(due(8))
      expect(codeOf(() => act(duty))).to.equal(want)
    })

  it('lets an end be moved while neither is passed, and takes it again once it is', () => {
    const duty = new Duty({ frameRate })
    duty.begin(due(3))
    duty.end(mark(5))
    duty.end(mark(9))
    duty.begin(due(9))
    expect(codeOf(() => duty.end(mark(9)))).to.equal('done')
    expect(codeOf(() => duty.end(mark(5)))).to.equal('TooLate')
  })

  it('begins at its frame of its window, and in another one at what is due', () => {
    const duty = new Duty({ frameRate, standby: true })
    duty.activate(mark(5), due(9))
    expect(duty.firstFrame(window(3))).to.equal(5)
    expect(duty.firstFrame(window(4))).to.equal(undefined)
    expect(duty.firstFrame(window(3, start + 5000))).to.equal(undefined)
    expect(duty.beginsAt(due(9))).to.be.within(due(4), due(5))
    expect(duty.beginsAt(due(2))).to.equal(due(2))
  })

  it('works off what was due before it was told, until it is on time', () => {
    const duty = new Duty({ frameRate, standby: true })
    duty.activate(mark(5), due(40))
    expect(duty.lateMs(due(5), due(40))).to.equal(0)
    expect(duty.lateMs(due(30), due(41))).to.equal(0)
    expect(duty.lateMs(due(42), due(42) + 20)).to.equal(20)
    expect(duty.lateMs(due(43), due(48))).to.equal(500)
  })

  it('does not excuse a share that never suffices', () => {
    const duty = new Duty({ frameRate, standby: true })
    duty.activate(mark(5), due(5))
    expect(duty.lateMs(due(120), due(150))).to.equal(3000)
  })

  it('excuses nothing where it was never behind', () => {
    const duty = new Duty({ frameRate })
    expect(duty.lateMs(due(1), due(9))).to.equal(800)
  })
})
