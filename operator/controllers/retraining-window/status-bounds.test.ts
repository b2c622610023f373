import { expect } from 'chai'
import type { PlanStatus } from '../plan-status.ts'
import { withinBounds } from './status-bounds.ts'

const plan = (reason: string, warnings: number): PlanStatus => ({
  window: 1,
  decidedAt: '2026-01-01T00:00:00.000Z',
  policy: 'thief',
  warnings: Array.from({ length: warnings }, (_, i) => `warning ${i} ${'x'.repeat(2000)}`),
  items: [
    {
      stream: 'cam-0',
      node: 'edge-0',
      gpu: '0',
      inferenceShare: 1,
      inferenceConfiguration: 'every-frame',
      trainingShare: 0,
      state: 'None',
      reason,
    },
  ],
})

describe('withinBounds', () => {
  it('leaves alone what is within them', () => {
    const small = { ...plan('short', 0), warnings: ['one'] }
    expect(withinBounds(small)).to.deep.equal(small)
  })

  it('shortens texts and counts the warnings that are left out', () => {
    const { items, warnings } = withinBounds(plan('r'.repeat(3000), 128))
    expect(items[0]!.reason!.length).to.be.at.most(1024)
    expect(warnings).to.have.lengthOf(64)
    expect(warnings!.at(-1)).to.equal('and 65 more')
    for (const warning of warnings!) expect(warning.length).to.be.at.most(1024)
  })
})
