import { expect } from 'chai'
import { makeProblem } from '../../../hack/bench/support/problems.ts'
import { horizon } from '../policies/horizon.ts'
import type { Problem, RetrainingOption } from '../problem.ts'

/** The largest part of the result that may be lost to a choice more. */
const tolerated = 1e-3
const sites = Number(process.env.EKYA_RANDOM_SITES ?? 200)

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed * 7919 + 13
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const oneOf = <T>(random: () => number, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)]!

/** Ten streams on 1 to 8 GPUs: few and many configurations, cheap and dear, speeds, floors and weights of all kinds. */
function site(seed: number, random: () => number): Problem {
  const made = makeProblem(
    {
      streams: 10,
      gpus: 1 + (seed % 8),
      configurations: oneOf(random, [18, 6, 3, 10]),
      step: oneOf(random, [0.1, 0.05]),
      speed: oneOf(random, ['linear', 'linear', 'curve']),
    },
    seed,
  )
  const dear = oneOf(random, [1, 2, 0.5])
  const minAccuracy = oneOf(random, [0, 0.3])
  return {
    ...made,
    streams: made.streams.map(s => ({
      ...s,
      minAccuracy,
      weight: random() < 0.7 ? 1 : 0.5 + 2 * random(),
      retraining: s.retraining.map(o => ({ ...o, gpuSeconds: o.gpuSeconds * dear })),
    })),
  }
}

function another(random: () => number): RetrainingOption {
  return {
    configuration: 'another',
    accuracyAfter: 0.3 + 0.7 * random(),
    gpuSeconds: 2 + 150 * random() ** 2,
  }
}

const value = (given: Problem): number => horizon.plan(given, {}).predictedAccuracy!

describe(`horizon on ${sites} random sites of ten streams`, function () {
  this.timeout(600_000)

  const cases: readonly { name: string; change: (given: Problem, random: () => number) => Problem }[] = [
    {
      name: 'another configuration for one stream',
      change: (given, random) => {
        const which = Math.floor(random() * given.streams.length)
        const streams = given.streams.map((s, i) =>
          i === which ? { ...s, retraining: [...s.retraining, another(random)] } : s,
        )
        return { ...given, streams }
      },
    },
    {
      name: 'another configuration for all',
      change: (given, random) => ({
        ...given,
        streams: given.streams.map(s => ({ ...s, retraining: [...s.retraining, another(random)] })),
      }),
    },
    {
      name: 'another GPU',
      change: given => ({ ...given, gpus: [...given.gpus, { node: 'node', gpu: `${given.gpus.length}` }] }),
    },
  ]
  for (const { name, change } of cases)
    it(`loses at most 0.1 % by ${name}`, () => {
      const losers: string[] = []
      for (let seed = 1; seed <= sites; seed++) {
        const random = generator(seed)
        const given = site(seed, random)
        const [before, after] = [value(given), value(change(given, random))]
        if (after < before * (1 - tolerated)) losers.push(`site ${seed}: ${before} -> ${after}`)
      }
      expect(losers).to.deep.equal([])
    })

  it('comes to the same whatever the order of the streams', () => {
    for (let seed = 1; seed <= sites; seed++) {
      const given = site(seed, generator(seed))
      const turned = { ...given, streams: given.streams.toReversed() }
      expect(value(turned), `site ${seed}`).to.be.closeTo(value(given), tolerated * value(given))
    }
  })
})
