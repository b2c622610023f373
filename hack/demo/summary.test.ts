import { expect } from 'chai'
import type { WindowRecord } from '../../operator/api/generated/types.ts'
import { summarise, summaryLines } from './summary.ts'

const records: readonly WindowRecord[] = [
  {
    index: 1,
    streams: [
      {
        name: 'cam-0',
        predicted: 0.7,
        realised: 0.8,
        withoutRetraining: 0.5,
        retrained: true,
        configuration: 'all-5',
        inferenceShare: 0.4,
        trainingShare: 0.2,
        framesOffered: 1000,
        framesAnalysed: 950,
        framesDropped: 50,
      },
      { name: 'cam-1', realised: 0.6, withoutRetraining: 0.6, retrained: false, inferenceShare: 0.4 },
    ],
  },
  { index: 0, streams: [{ name: 'cam-0', realised: 0.4, withoutRetraining: 0.4 }] },
  { index: 2, streams: [{ name: 'cam-0' }] },
]

describe('summary of the demo', () => {
  const summary = summarise('thief', records, 2)

  it('has the windows in order, and only those that were asked for', () =>
    expect(summary.windows.map(({ index, streams }) => [index, streams.length])).to.deep.equal([
      [0, 1],
      [1, 2],
    ]))

  it('means over windows and streams alike', () => expect(summary.meanAccuracy).to.be.closeTo(0.6, 1e-9))

  it('has every field for programs, null where nothing is known', () =>
    expect(summary.windows[0]?.streams[0]).to.deep.equal({
      name: 'cam-0',
      accuracyWithout: 0.4,
      accuracyRealised: 0.4,
      accuracyPredicted: null,
      retrained: false,
      configuration: null,
      inferenceShare: null,
      trainingShare: null,
      framesOffered: null,
      framesAnalysed: null,
      framesDropped: null,
    }))

  it('has a table for people', () => {
    const lines = summaryLines(summary)
    expect(lines[2]).to.match(
      /^ +1 {2}cam-0 +50\.0 % +80\.0 % +\+30\.0 +70\.0 % +−10\.0 {2}all-5 +0\.40 +0\.20 +5\.0 %$/,
    )
    expect(lines.at(-2)).to.equal(
      'policy thief: mean accuracy 60.0 %, with the first models 50.0 % (+10.0 points)',
    )
    expect(lines.at(-1)).to.equal(
      'predicted and realised accuracy differ by 10.0 points on average over 1 predictions',
    )
  })

  it('says that nothing is known where nothing is', () => {
    const empty = summarise('none', [], 1)
    expect(empty.meanAccuracy).to.equal(null)
    expect(summaryLines(empty).at(-1)).to.include('nothing known')
  })
})
