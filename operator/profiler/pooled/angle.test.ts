import { expect } from 'chai'
import { accuracyOf, angleOf, distributionOf } from './angle.ts'

describe('distributionOf', () => {
  for (const { mean, deviation } of [
    { mean: 0.3, deviation: 0.1 },
    { mean: 1.2, deviation: 0.25 },
    { mean: 1.5, deviation: 0.4 },
  ])
    it(`has the moments of sin² of a normal angle of ${mean} ± ${deviation}`, () => {
      // Numerically, over ± 8 deviations.
      let [weight, first, second] = [0, 0, 0]
      for (let z = -8; z <= 8; z += 0.001) {
        const density = Math.exp((-z * z) / 2)
        const accuracy = Math.sin(mean + deviation * z) ** 2
        weight += density
        first += density * accuracy
        second += density * accuracy ** 2
      }
      const got = distributionOf(mean, deviation ** 2)
      expect(got.mean).to.be.closeTo(first / weight, 1e-6)
      expect(got.deviation).to.be.closeTo(Math.sqrt(second / weight - (first / weight) ** 2), 1e-6)
      expect(got.low).to.be.closeTo(accuracyOf(mean - 1.6449 * deviation), 1e-12)
    })

  it('goes there and back', () => {
    for (const accuracy of [0, 0.2, 0.5, 0.97, 1])
      expect(accuracyOf(angleOf(accuracy))).to.be.closeTo(accuracy, 1e-12)
  })
})
