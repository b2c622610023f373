import { expect } from 'chai'
import fc from 'fast-check'
import { accuracyOf } from './angle.ts'
import { fitOutcomes, type WindowRecord } from './outcome-model.ts'

/** Standard normal values, the same ones for a seed (Box and Muller on a linear congruential generator). */
function normals(seed: number): () => number {
  let state = seed
  const uniform = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return (state + 1) / 2_147_483_649
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

interface Made {
  readonly streams?: number
  readonly windows?: number
  readonly configurations?: number
  readonly seed?: number
  /** Deviation of what a micro-profile is off, an angle. */
  readonly profileError?: number
}

/** Records drawn from the model itself, with all outcomes. */
function drawn({
  streams = 8,
  windows = 3,
  configurations = 10,
  seed = 1,
  profileError = 0.1,
}: Made): WindowRecord[][] {
  const z = normals(seed)
  const effects = Array.from({ length: configurations }, (_, c) => 1 + 0.02 * c + 0.04 * z())
  return Array.from({ length: streams }, () => {
    const ofStream = 0.06 * z()
    return Array.from({ length: windows }, () => {
      const level = ofStream + 0.06 * z()
      return {
        accuracyBefore: accuracyOf(0.9 + level + 0.05 * z()),
        trainings: effects.map((effect, c) => {
          const outcome = effect + level + 0.04 * z()
          return {
            configuration: `c${c}`,
            gpuSeconds: 2 ** c,
            outcome: accuracyOf(outcome),
            estimate: accuracyOf(outcome + profileError * z()),
          }
        }),
      }
    })
  })
}

const hidden = ({ trainings, ...window }: WindowRecord): WindowRecord => ({
  ...window,
  trainings: trainings.map(({ outcome: _, ...training }) => training),
})

/** The last window of each stream, predicted from the others and its own earlier ones. */
function lastWindows(records: readonly (readonly WindowRecord[])[]) {
  return records.flatMap((of, s) => {
    const known = records.map((other, i) =>
      i === s ? [...other.slice(0, -1), hidden(other.at(-1)!)] : other,
    )
    const actual = of.at(-1)!.trainings.map(t => t.outcome!)
    return fitOutcomes(known)
      .predict(s, of.length - 1)
      .map((d, c) => ({ ...d, actual: actual[c]! }))
  })
}

const meanError = (some: readonly { mean: number; actual: number }[]): number =>
  some.reduce((sum, { mean, actual }) => sum + Math.abs(mean - actual), 0) / some.length

describe('fitOutcomes', () => {
  it('holds 85 to 95 % of outcomes in its 90 % intervals where the data come from the model', () => {
    const all = [1, 2, 3, 4, 5, 6].flatMap(seed => lastWindows(drawn({ seed })))
    const inside = all.filter(({ low, high, actual }) => actual >= low && actual <= high).length
    expect(inside / all.length).to.be.within(0.85, 0.95)
  })

  it('follows exact micro-profiles and not worthless ones', () => {
    const error = (profileError: number) =>
      meanError([1, 2, 3].flatMap(seed => lastWindows(drawn({ seed, profileError }))))
    expect(error(0.005)).to.be.below(0.7 * error(0.4))
    expect(error(0.4)).to.be.below(0.05)
  })

  it('is less certain of a stream of which it knows less', () => {
    const records = drawn({ windows: 4 })
    const model = fitOutcomes(records)
    const deviation = (window: number): number =>
      records.flatMap((_, s) => model.predict(s, window).map(d => d.deviation)).reduce((a, b) => a + b)
    expect(deviation(3)).to.be.below(deviation(0))
  })

  it('foretells how certain it will be after micro-profiles, whatever they say', () => {
    const records = drawn({ streams: 12, windows: 4, configurations: 6 })
    const bare = hidden(records[0]!.at(-1)!)
    const without = { trainings: bare.trainings.map(({ estimate: _, ...training }) => training) }
    const site = (last: WindowRecord) => [[...records[0]!.slice(0, -1), last], ...records.slice(1)]
    const names = bare.trainings.map(t => t.configuration)
    const model = fitOutcomes(site(without))
    const foretold = model.foretell(0, 3, new Set(names))
    const known = fitOutcomes(site({ trainings: bare.trainings })).predict(0, 3)
    for (const [i, { now, told }] of foretold.entries()) {
      expect(now).to.deep.equal(model.predict(0, 3)[i])
      expect(told).to.be.above(0)
      // The deviation in points depends on the mean, which micro-profiles move.
      expect(Math.sqrt(now.deviation ** 2 - told ** 2)).to.be.closeTo(known[i]!.deviation, 0.006)
    }
    for (const { told } of model.foretell(0, 3, new Set())) expect(told).to.equal(0)
    // A micro-profile tells most of its own configuration.
    const ofThird = (profiled: number) => model.foretell(0, 3, new Set([names[profiled]!]))[2]!.told
    for (const other of [0, 1, 3, 4, 5]) expect(ofThird(2)).to.be.above(ofThird(other))
  })

  it('draws a configuration that nobody has tried from the line through the others, with less certainty', () => {
    const records = drawn({ configurations: 8 })
    const unknown = { configuration: 'other', gpuSeconds: 2 ** 7 }
    const window = hidden(records[0]![0]!)
    const model = fitOutcomes([
      ...records.slice(1),
      [{ ...window, trainings: [...window.trainings, unknown] }],
    ])
    const predicted = model.predict(7, 0)
    expect(predicted[8]!.mean).to.be.closeTo(predicted[7]!.mean, 0.08)
    expect(predicted[8]!.deviation).to.be.above(predicted[7]!.deviation)
  })

  it('bears a window of mislabelled outcomes', () => {
    const records = drawn({ streams: 10 })
    const spoilt = records.map((of, s) =>
      of.map((window, w) =>
        s === 9 && w === 0
          ? { ...window, trainings: window.trainings.map((t, c) => (c < 2 ? { ...t, outcome: 0 } : t)) }
          : window,
      ),
    )
    const error = (of: WindowRecord[][]) => meanError(lastWindows(of).slice(0, 80))
    expect(error(spoilt)).to.be.below(error(records) + 0.01)
  })

  for (const { name, window } of [
    {
      name: 'nothing but a micro-profile',
      window: { trainings: [{ configuration: 'a', gpuSeconds: 5, estimate: 0.8 }] },
    },
    {
      name: 'nothing but the accuracy before',
      window: { accuracyBefore: 0.8, trainings: [{ configuration: 'a', gpuSeconds: 5 }] },
    },
  ])
    it(`makes a wide guess of ${name}`, () => {
      const [guess] = fitOutcomes([[window]]).predict(0, 0)
      expect(guess!.mean).to.be.within(0.7, 0.9)
      expect(guess!.high - guess!.low).to.be.within(0.1, 0.6)
    })

  it('does without a single training', () =>
    expect(fitOutcomes([[{ accuracyBefore: 0.5, trainings: [] }]]).predict(0, 0)).to.deep.equal([]))

  it('gives distributions within [0, 1], whatever is known', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true })
    const training = fc.record(
      {
        configuration: fc.constantFrom('a', 'b', 'c'),
        gpuSeconds: fc.double({ min: 0, max: 1e9, noNaN: true }),
        estimate: unit,
        outcome: unit,
      },
      { requiredKeys: ['configuration', 'gpuSeconds'] },
    )
    const window = fc.record(
      {
        accuracyBefore: unit,
        trainings: fc.uniqueArray(training, { maxLength: 3, selector: t => t.configuration }),
      },
      { requiredKeys: ['trainings'] },
    )
    const site = fc.array(fc.array(window, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(site, records => {
        const model = fitOutcomes(records)
        for (const [s, of] of records.entries())
          for (const w of of.keys())
            for (const { mean, deviation, low, high } of model.predict(s, w)) {
              expect(mean).to.be.within(0, 1)
              expect(deviation).to.be.within(0, 0.51)
              expect(low).to.be.at.least(0)
              expect(high).to.be.within(low, 1)
            }
      }),
      { numRuns: 200, seed: 3 },
    )
  })
})
