import { expect } from 'chai'
import { reportCosts } from './cost-report.ts'

const window = (...ratios: number[]) =>
  ratios.map((ratio, i) => ({ configuration: `c${i}`, predicted: 10, actual: 10 * ratio }))

describe('reportCosts', () => {
  it('scores a constant bias of the site as small once other streams have shown it', () => {
    const streams = Array.from({ length: 4 }, () => Array.from({ length: 6 }, () => window(1.5, 1.5)))
    const { medianRelativeError, intervalCoverage } = reportCosts(streams)!
    expect(medianRelativeError).to.be.below(0.05)
    expect(intervalCoverage).to.equal(1)
  })

  it('predicts a lone first window as it was profiled', () => {
    const { medianRelativeError, intervalCoverage } = reportCosts([[window(1.25, 4)]])!
    expect(medianRelativeError).to.be.closeTo((0.2 + 0.75) / 2, 1e-9)
    expect(intervalCoverage).to.equal(0.5)
  })

  it('has no figures without trainings', () => expect(reportCosts([[[]]])).to.equal(null))
})
