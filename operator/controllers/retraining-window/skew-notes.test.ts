import { expect } from 'chai'
import { setConditions } from '../../api/conditions.ts'
import type { RetrainingWindowStatus } from '../../api/generated/types.ts'
import { retrainingWindow, skewedSite } from '../testing/site.ts'
import { windowConditionInputs } from './conditions.ts'
import { skewNotes } from './skew-notes.ts'

const status = {
  current: {
    index: 3,
    phase: 'Profiling' as const,
    startedAt: '2026-01-01T00:00:00Z',
    endsAt: '2026-01-01T00:01:40Z',
  },
}

describe("notes of a node's clock", () => {
  /** The status that is written when the clock is off by so much, and what is noted with it. */
  const seen = (clockAheadMs: number, before: RetrainingWindowStatus = status) => {
    const snapshot = skewedSite(retrainingWindow(before), clockAheadMs)
    const conditions = setConditions([], windowConditionInputs(snapshot, status), new Date(snapshot.now))
    const after = { ...status, conditions }
    return { after, notes: skewNotes(retrainingWindow(before), after, snapshot) }
  }

  it('tell once that it is off', () => {
    const { after, notes } = seen(4_200)
    expect(notes).to.deep.equal([
      {
        type: 'Warning',
        reason: 'ClockSkew',
        message: "the clock of node edge-0 is about 4 s ahead of the operator's: have both set by NTP",
      },
    ])
    expect(seen(4_300, after).notes).to.deep.equal([])
  })

  it('say nothing below a second', () => expect(seen(-900).notes).to.deep.equal([]))
})
