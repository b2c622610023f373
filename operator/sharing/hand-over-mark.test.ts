import { expect } from 'chai'
import { handOverMark, lastBefore, leadMs, markOf, parseHandOver } from './hand-over-mark.ts'

const start = Date.parse('2030-01-01T00:00:00Z')
const window = { index: 4, startsAt: new Date(start).toISOString() }
const at = (seconds: number, more: object = {}) =>
  handOverMark({
    old: window,
    next: window,
    durationSeconds: 60,
    frameRate: 10,
    now: start + seconds * 1000,
    ...more,
  })

describe('handOverMark', () => {
  for (const seconds of [0, 0.01, 12.34, 57.4])
    it(`is a frame that is due far enough ahead of second ${seconds}`, () => {
      const { frame, dueAt, ...rest } = at(seconds)!
      const ahead = Date.parse(dueAt) - (start + seconds * 1000)
      expect(ahead).to.be.within(leadMs, leadMs + 100)
      expect(Date.parse(dueAt)).to.equal(start + frame * 100)
      expect(rest).to.deep.equal({ window: 4, startsAt: window.startsAt })
    })

  for (const aheadMs of [7_250, -3_130])
    it(`is as far ahead on clocks that are off by ${aheadMs} ms`, () => {
      const { frame, dueAt } = at(20, { aheadMs })!
      const due = Date.parse(dueAt)
      expect(due - (start + 20_000)).to.be.within(leadMs, leadMs + 100)
      expect(due + aheadMs, 'by the clock of the pods').to.equal(start + frame * 100)
    })

  it('is not near the end of the window by the clock of the pods', () => {
    expect(at(50, { aheadMs: 8_000 })).to.equal(undefined)
    expect(at(58, { aheadMs: -8_000 })).not.to.equal(undefined)
  })

  for (const { name, seconds, more } of [
    { name: 'close to the end of the window', seconds: 58, more: {} },
    { name: 'after its end', seconds: 70, more: {} },
    { name: 'while the new pod is in another window', seconds: 5, more: { next: { ...window, index: 5 } } },
    {
      name: 'while the new pod has not heard of the window',
      seconds: 5,
      more: { next: null },
    },
    {
      name: 'while the old pod is in one of the same index that began earlier',
      seconds: 5,
      more: { old: { index: 4, startsAt: '2029-12-31T23:59:50Z' } },
    },
  ])
    it(`waits ${name}`, () => expect(at(seconds, more)).to.equal(undefined))

  it('takes times that are written in another way for the same', () =>
    expect(at(5, { next: { index: 4, startsAt: '2030-01-01T00:00:00Z' } })).to.include({ frame: 60 }))

  it('is a moment where there is no window yet', () => {
    const startsAt = new Date(start + 5000 + leadMs).toISOString()
    expect(at(5, { old: null, next: null })).to.deep.equal({ window: 0, startsAt, frame: 0, dueAt: startsAt })
  })

  it('names the last frame of the one and the first of the other', () => {
    const mark = at(0)!
    expect(markOf(mark)).to.deep.equal({ window: 4, startsAt: window.startsAt, frame: 10 })
    expect(lastBefore(mark)).to.deep.equal({ window: 4, startsAt: window.startsAt, frame: 9 })
  })

  it('is read back from what is written', () =>
    expect(parseHandOver(JSON.stringify(at(3)))).to.deep.equal(at(3)))

  for (const text of [
    undefined,
    '',
    '{}',
    '[]',
    'null',
    '{"window":1,"frame":2,"startsAt":"then","dueAt":"now"}',
  ])
    it(`takes ${text} for no mark`, () => expect(parseHandOver(text)).to.equal(undefined))
})
