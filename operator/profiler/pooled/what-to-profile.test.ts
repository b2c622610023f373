import { expect } from 'chai'
import { fitOutcomes, type WindowRecord } from './outcome-model.ts'
import { whatToProfile } from './what-to-profile.ts'

const names = ['head', 'all-half', 'all'] as const
const cost = { head: 1, 'all-half': 5, all: 10 } as const

/** Five streams of four windows, in which micro-profiles of `all` and `all-half` tell much or nothing. */
function site(error: number): WindowRecord[][] {
  return Array.from({ length: 5 }, (_, s) =>
    Array.from({ length: 4 }, (_, w) => {
      const turn = (7 * s + 3 * w) % 5
      const outcomes = { head: 0.45, 'all-half': 0.75 + 0.04 * (turn - 2), all: 0.76 - 0.04 * (turn - 2) }
      return {
        accuracyBefore: 0.4,
        trainings: names.map((configuration, c) => ({
          configuration,
          gpuSeconds: cost[configuration],
          outcome: outcomes[configuration],
          estimate: outcomes[configuration] + error * (((5 * s + 11 * w + 3 * c) % 7) - 3),
        })),
      }
    }),
  )
}

const ask = (
  error: number,
  change: {
    windowGpuSeconds?: number
    budget?: number
    shared?: boolean
    chosenUnprofiled?: boolean
  } = {},
) => {
  const { windowGpuSeconds = 100, budget = 100, shared = false, chosenUnprofiled = true } = change
  const record = {
    accuracyBefore: 0.4,
    trainings: names.map(configuration => ({ configuration, gpuSeconds: cost[configuration] })),
  }
  return whatToProfile({
    model: fitOutcomes([...site(error), [record]]),
    record,
    stream: 5,
    window: 0,
    served: 0.4,
    costOf: name => ({ gpuSeconds: 1, ...(shared && name !== 'head' ? { group: 'all' } : {}) }),
    budget,
    windowGpuSeconds,
    chosenUnprofiled,
  })
}
const chosen = (choices: ReturnType<typeof ask>): string[] =>
  choices.flatMap(each => each.configurations).sort()

describe('whatToProfile', () => {
  it('profiles those between which the choice lies, and not what is far behind', () =>
    expect(chosen(ask(0.002))).to.deep.equal(['all', 'all-half']))

  it('expects less of micro-profiles that have told little so far', () => {
    const gain = (error: number) => ask(error).reduce((sum, each) => sum + each.gain, 0)
    expect(gain(0.08)).to.be.below(0.5 * gain(0.002))
  })

  it('profiles nothing where no training ends in the window', () =>
    expect(ask(0.002, { windowGpuSeconds: 0.5 })).to.deep.equal([]))

  it('leaves out none, and begins with the most promising, where none is chosen without', () => {
    const choices = ask(0.002, { chosenUnprofiled: false })
    expect(choices.flatMap(each => each.configurations).at(-1)).to.equal('head')
    expect(choices).to.have.length(3)
    expect(choices.map(each => each.gain)).to.deep.equal(
      choices.map(each => each.gain).toSorted((a, b) => b - a),
    )
  })

  it('keeps to the budget', () => {
    expect(chosen(ask(0.002, { budget: 1 }))).to.have.length(1)
    expect(chosen(ask(0.002, { budget: 1, shared: true }))).to.deep.equal(['all', 'all-half'])
  })
})
