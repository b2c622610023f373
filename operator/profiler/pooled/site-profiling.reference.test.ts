import { expect } from 'chai'
import { accuracyOf } from './angle.ts'
import { fitOutcomes, type WindowRecord } from './outcome-model.ts'
import { siteProfiling } from './site-profiling.ts'

/** Standard normal values, the same ones for a seed (Box and Muller on a linear congruential generator). */
function normals(seed: number): () => number {
  let state = seed
  const uniform = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return (state + 1) / 2_147_483_649
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

const families = ['head', 'slow', 'half', 'all', 'wide']
const names = families.flatMap(family => [5, 15, 30].map(epochs => `${family}-${epochs}`))
const groups = Object.fromEntries(names.map(name => [name, name.split('-')[0]!]))
const gpuSeconds = (name: string): number => (1 + names.indexOf(name)) * 2
const [streams, windows] = [6, 5]

/** What every configuration would come to, and what micro-profiles say, in each window of each stream. */
function drawn(seed: number): Required<WindowRecord>[][] {
  const z = normals(seed)
  const liked = families.map(() => 0.07 * z())
  return Array.from({ length: streams }, () => {
    const ofStream = 0.06 * z()
    return Array.from({ length: windows }, () => {
      const scene = 1.05 + ofStream + 0.06 * z()
      const now = families.map((_, f) => liked[f]! + 0.04 * z())
      return {
        accuracyBefore: accuracyOf(0.8 * scene + 0.08 * z()),
        trainings: names.map((configuration, c) => {
          const outcome = scene + now[Math.floor(c / 3)]! + 0.01 * (c % 3) + 0.03 * z()
          return {
            configuration,
            gpuSeconds: gpuSeconds(configuration),
            outcome: accuracyOf(outcome),
            estimate: accuracyOf(outcome + 0.04 * z()),
          }
        }),
      }
    })
  })
}

/** As a site knows it: one outcome a window. */
const known = (site: readonly (readonly WindowRecord[])[]): WindowRecord[][] =>
  site.map((of, s) =>
    of.slice(0, -1).map((window, w) => ({
      ...window,
      trainings: window.trainings.map(({ outcome, ...training }, c) =>
        c === (5 * s + 7 * w) % names.length ? { ...training, outcome: outcome! } : training,
      ),
    })),
  )

/** Accuracy points that the choice after micro-profiles of some families falls short of the best, mean over streams and sites. */
function regret(
  chosenUnprofiled: boolean,
  pick: (ordered: readonly string[], all: readonly string[]) => readonly string[],
): number {
  const regrets = Array.from({ length: 6 }, (_, seed) => drawn(seed + 1)).flatMap(site => {
    const past = known(site)
    const orders = siteProfiling({
      streams: past.map(of => ({
        windows: [
          ...of,
          { trainings: names.map(name => ({ configuration: name, gpuSeconds: gpuSeconds(name) })) },
        ],
        served: of.at(-1)!.accuracyBefore!,
      })),
      groups,
      windowGpuSeconds: 1e6,
      chosenUnprofiled,
    })
    return site.map((of, s) => {
      const profiled = pick([...new Set(orders[s]!.map(name => groups[name]!))], families)
      const { accuracyBefore, trainings } = of.at(-1)!
      const present = {
        accuracyBefore,
        trainings: trainings.map(({ outcome: _, estimate, ...training }) =>
          profiled.includes(groups[training.configuration]!)
            ? { ...training, estimate: estimate! }
            : training,
        ),
      }
      const predicted = fitOutcomes(past.map((each, i) => (i === s ? [...each, present] : each)))
        .predict(s, windows - 1)
        .flatMap(({ mean }, i) =>
          chosenUnprofiled || profiled.includes(groups[names[i]!]!)
            ? [{ mean, came: trainings[i]!.outcome! }]
            : [],
        )
      const chosen = predicted.reduce((a, b) => (b.mean > a.mean ? b : a))
      return 100 * (Math.max(...trainings.map(({ outcome }) => outcome!)) - chosen.came)
    })
  })
  return regrets.reduce((a, b) => a + b, 0) / regrets.length
}

describe('siteProfiling', () => {
  for (const chosenUnprofiled of [true, false])
    it(`chooses nearly as well with two micro-profiles as with all five, ${chosenUnprofiled ? 'where others can be chosen too' : 'where only these can be chosen'}`, () => {
      const all = regret(chosenUnprofiled, (_, every) => every)
      const byWorth = regret(chosenUnprofiled, ordered => ordered.slice(0, 2))
      const cheapest = regret(chosenUnprofiled, (_, every) => every.slice(0, 2))
      expect(byWorth).to.be.below(all + 0.6)
      expect(byWorth).to.be.below(cheapest - 0.3)
    })
})
