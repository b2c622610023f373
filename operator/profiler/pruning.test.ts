import { expect } from 'chai'
import { configurationsToTry, shortfalls, type WindowOffer } from './pruning.ts'

const names = Array.from({ length: 8 }, (_, i) => `c${i}`)
/** c0 is the cheapest and the best, each further one costs a second more and gives a point less. */
const worseAndWorse: WindowOffer = {
  options: names.map((configuration, i) => ({
    configuration,
    accuracyAfter: 0.8 - 0.01 * i,
    gpuSeconds: 1 + i,
  })),
}
const offer = (better: string): WindowOffer => ({
  options: worseAndWorse.options.map(option =>
    option.configuration === better ? { ...option, accuracyAfter: 0.9 } : option,
  ),
})
const windows = <T>(count: number, of: T): T[] => Array.from({ length: count }, () => of)

describe('configurationsToTry', () => {
  for (const { name, record, want } of [
    { name: 'tries all in the first window', record: [], want: names },
    { name: 'still tries all in the second one', record: windows(1, [worseAndWorse]), want: names },
    {
      name: 'drops a quarter of the worst after two windows',
      record: windows(2, [worseAndWorse]),
      want: names.slice(0, 6),
    },
    {
      name: 'drops a quarter of the rest after two more, and tries one of the dropped again',
      record: windows(4, [worseAndWorse]),
      want: [...names.slice(0, 5), 'c6'],
    },
    {
      name: 'tries the next of the dropped at the next turn',
      record: windows(8, [worseAndWorse]),
      want: [...names.slice(0, 3), 'c5'],
    },
    {
      name: 'keeps the fewest that may be left',
      record: windows(41, [worseAndWorse]),
      want: names.slice(0, 3),
    },
    {
      name: 'keeps what lies on the front, however many there are',
      record: windows(41, [
        {
          options: names.map((configuration, i) => ({
            configuration,
            accuracyAfter: 0.5 + 0.01 * i,
            gpuSeconds: i,
          })),
        },
      ]),
      want: names,
    },
    {
      name: 'takes one back that turned out well when it was tried again and again',
      record: [...windows(6, [worseAndWorse]), ...windows(2, [offer('c6')])],
      want: ['c0', 'c1', 'c4', 'c6'],
    },
    {
      name: 'weighs streams alike',
      record: windows(3, [worseAndWorse, offer('c7')]),
      want: ['c0', 'c1', 'c2', 'c3', 'c4', 'c7'],
    },
  ])
    it(name, () => expect(configurationsToTry(names, record)).to.deep.equal(want))

  it('tries what has no record', () =>
    expect(configurationsToTry([...names, 'other'], windows(21, [worseAndWorse]))).to.include('other'))

  it('measures how far below the front an option lies', () => {
    const options = [
      { configuration: 'cheap', accuracyAfter: 0.7, gpuSeconds: 1 },
      { configuration: 'good', accuracyAfter: 0.8, gpuSeconds: 2 },
      { configuration: 'dear', accuracyAfter: 0.75, gpuSeconds: 3 },
    ]
    const below = shortfalls({ options })
    expect(below.get('cheap')).to.equal(0)
    expect(below.get('good')).to.equal(0)
    expect(below.get('dear')).to.be.closeTo(0.05, 1e-12)
  })
})
