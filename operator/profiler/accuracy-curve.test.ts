import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { type AccuracyPoint, fitAccuracyCurve } from './accuracy-curve.ts'
import { CurveFitError } from './errors.ts'

const sample = (b0: number, b1: number, b2: number, epochs: readonly number[]): AccuracyPoint[] =>
  epochs.map(x => ({ epochs: x, accuracy: 1 - (1 / (b0 * x + b1) + b2) }))

describe('fitAccuracyCurve', () => {
  for (const { name, points, at, want } of [
    {
      name: 'recovers the curve that made the points',
      points: sample(0.4, 1.2, 0.05, [1, 2, 3, 5, 8]),
      at: 30,
      want: 0.8742,
    },
    {
      name: 'recovers a curve without a start',
      points: sample(2, 1.5, 0.2, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
      at: 5,
      want: 0.713,
    },
    {
      name: 'is flat through falling points',
      points: [0, 1, 2].map(x => ({ epochs: x, accuracy: 0.7 - 0.1 * x })),
      at: 30,
      want: 0.6,
    },
    { name: 'takes perfect points', points: [0, 1].map(x => ({ epochs: x, accuracy: 1 })), at: 5, want: 1 },
    {
      name: 'takes points of no accuracy',
      points: [0, 1].map(x => ({ epochs: x, accuracy: 0 })),
      at: 5,
      want: 0,
    },
    {
      name: 'follows the heavier points',
      points: [
        { epochs: 0, accuracy: 0.5, weight: 100 },
        { epochs: 1, accuracy: 0.5, weight: 100 },
        { epochs: 1, accuracy: 0.9 },
      ],
      at: 1,
      want: 0.504,
    },
  ])
    it(name, () => expect(fitAccuracyCurve(points).at(at)).to.be.closeTo(want, 0.005))

  for (const { name, points, code } of [
    { name: 'no points', points: [], code: 'too-few-points' },
    { name: 'one epoch', points: [1, 1].map(epochs => ({ epochs, accuracy: 0.5 })), code: 'too-few-points' },
    { name: 'an accuracy above 1', points: [{ epochs: 1, accuracy: 1.1 }], code: 'bad-point' },
    { name: 'no number', points: [{ epochs: Number.NaN, accuracy: 0.5 }], code: 'bad-point' },
    { name: 'no weight', points: [{ epochs: 1, accuracy: 0.5, weight: 0 }], code: 'bad-point' },
  ])
    it(`refuses ${name}`, () =>
      expect(() => fitAccuracyCurve(points))
        .to.throw(CurveFitError)
        .with.property('code', code))

  it('rises, flattens and stays within [0, 1], whatever the points', () => {
    const point = fc.record({
      epochs: fc.double({ min: 0, max: 50, noNaN: true }),
      accuracy: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.uniqueArray(point, { minLength: 2, maxLength: 8, selector: p => p.epochs }), points => {
        const curve = fitAccuracyCurve(points)
        let last = 0
        let rise = 1
        for (let x = 0; x <= 64; x += 8) {
          const y = curve.at(x)
          expect(y).to.be.within(last - 1e-12, 1)
          if (x > 0 && last > 0) {
            expect(y - last).to.be.at.most(rise + 1e-12)
            rise = y - last
          }
          last = y
        }
      }),
      { numRuns: 60, seed: 5 },
    )
  })

  it('fits the published training curves to within 2 points', function () {
    const folder = new URL('../../../shared/ekya-data/profiles/', import.meta.url)
    if (!existsSync(folder)) return this.skip() // the published profiles lie beside the repository, where they are there at all
    for (const file of [
      'curve_30epochs_mean_of_9_windows_jena.csv',
      'curve_30epochs_single_config_jena_window2.csv',
      'curve_30epochs_single_config_window4_subsampling.csv',
    ]) {
      const [head, ...rows] = readFileSync(new URL(file, folder), 'utf8')
        .trim()
        .split('\n')
        .map(line => line.split(','))
      const points = rows.map(row => ({
        epochs: Number(row[head!.indexOf('epoch')]) + 1,
        accuracy: Number(row[head!.indexOf('val_acc')]),
      }))
      expect(fitAccuracyCurve(points).error, file).to.be.below(0.02)
    }
  })
})
