import { expect } from 'chai'
import fc from 'fast-check'
import { predict, wholeWindow } from './objective.ts'
import { linear, option } from './testing/problems.ts'

const horizon = { remainingSeconds: 100, windowSeconds: 100 }
const stream = { inference: [linear(0.5)] }

describe('predict', () => {
  for (const { name, share, training, want } of [
    {
      name: 'serves the model in use at the factor of its share',
      share: 0.25,
      training: null,
      want: { before: 0.3, after: 0.3, mean: 0.3, completesAt: null, inTime: false },
    },
    {
      name: 'changes to the retrained model when the training is done',
      share: 0.5,
      training: { option: option('x', 0.9, 20), share: 0.5 },
      want: { before: 0.6, after: 0.9, mean: 0.78, completesAt: 40, inTime: true },
    },
    {
      name: 'gains nothing from a training that misses the end of the window',
      share: 0.5,
      training: { option: option('x', 0.9, 60), share: 0.5 },
      want: { before: 0.6, after: 0.9, mean: 0.6, completesAt: 120, inTime: false },
    },
    {
      name: 'never completes a training without a share',
      share: 0.5,
      training: { option: option('x', 0.9, 60), share: 0 },
      want: { before: 0.6, after: 0.9, mean: 0.6, completesAt: null, inTime: false },
    },
    {
      name: 'serves nothing without a share',
      share: 0,
      training: null,
      want: { before: 0, after: 0, mean: 0, completesAt: null, inTime: false },
    },
  ])
    it(name, () => {
      const got = predict(stream, 0.6, horizon, share, training)
      for (const key of ['before', 'after', 'mean', 'completesAt'] as const)
        if (want[key] === null) expect(got[key], key).to.equal(null)
        else expect(got[key], key).to.be.closeTo(want[key]!, 1e-12)
      expect(got.inTime).to.equal(want.inTime)
    })

  it('follows a measured throughput curve', () => {
    const curve = [
      [0.1, 0.36],
      [1, 1],
    ] as const
    const got = predict(stream, 0.6, { ...horizon, throughputCurve: curve }, 0.5, {
      option: option('x', 0.9, 18),
      share: 0.1,
    })
    expect(got.completesAt).to.be.closeTo(50, 1e-9)
  })

  it('takes the most accurate inference configuration at the share', () => {
    const inference = [linear(0.8, 'full'), { configuration: 'halved', profile: [[0.2, 0.9]] as const }]
    expect(predict({ inference }, 1, horizon, 0.2, null).inferenceConfiguration).to.equal('halved')
    expect(predict({ inference }, 1, horizon, 0.8, null).inferenceConfiguration).to.equal('full')
  })

  it('never loses by a larger share', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(
        unit,
        unit,
        unit,
        unit,
        unit,
        fc.double({ min: 0, max: 200, noNaN: true }),
        (a, more, t, moreT, now, cost) => {
          const at = (i: number, s: number) =>
            predict(stream, now, horizon, i, { option: option('x', Math.max(now, 0.8), cost), share: s }).mean
          expect(at(Math.min(1, a + more), Math.min(1, t + moreT))).to.be.at.least(at(a, t) - 1e-9)
        },
      ),
    )
  })
})

describe('wholeWindow', () => {
  const late = { remainingSeconds: 60, windowSeconds: 80 }
  for (const { name, soFar, want } of [
    { name: 'counts what has passed', soFar: 0.4, want: 0.7 },
    { name: 'puts what is served at planning for an unknown past', soFar: null, want: 0.75 },
  ])
    it(name, () => expect(wholeWindow(late, soFar, 0.6, 0.8)).to.be.closeTo(want, 1e-12))
})
