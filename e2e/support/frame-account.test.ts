import { expect } from 'chai'
import type { WindowSummary } from '../../workers/runtime/sample-folder.ts'
import { accountOf } from './frame-account.ts'

type Runs = WindowSummary['analysed']

describe('accountOf', () => {
  const book = (analysed: Runs, dropped: Runs): WindowSummary => {
    const count = (runs: Runs) => (runs ?? []).reduce((sum, [from, to]) => sum + to - from + 1, 0)
    const [done, late] = [count(analysed), count(dropped)]
    return {
      index: 0,
      startsAt: '2020-01-01T00:00:00.000Z',
      durationSeconds: 60,
      complete: true,
      frames: { offered: done + late, analysed: done, skipped: 0, dropped: late },
      samples: 0,
      refused: 0,
      gpuSecondsPerFrame: null,
      ...(analysed && { analysed }),
      ...(dropped && { dropped }),
    }
  }
  const nothing = { dropped: 0, twice: [], missing: [], lost: [], shared: [], late: [] }

  for (const { name, books, want } of [
    {
      name: 'one pod that had all',
      books: [book([[3, 9]], [])],
      want: { ...nothing, first: 3, last: 9, offered: 7, handOvers: [], pods: 1 },
    },
    {
      name: 'two pods of which the second comes first in the list',
      books: [book([[5, 9]], []), book([[0, 4]], [])],
      want: { ...nothing, first: 0, last: 9, offered: 10, handOvers: [5], pods: 2 },
    },
    {
      name: 'a pod whose first frame was late',
      books: [book([[0, 4]], []), book([[6, 9]], [[5, 5]])],
      want: { offered: 10, dropped: 1, late: [5], missing: [5], lost: [], handOvers: [5] },
    },
    {
      name: 'a frame that no pod had',
      books: [book([[0, 3]], []), book([[5, 9]], [])],
      want: { missing: [4], lost: [4], shared: [] },
    },
    {
      name: 'a frame that no pod had beside one that two pods dropped',
      books: [book([[0, 3]], [[4, 4]]), book([[6, 9]], [[4, 4]])],
      want: { offered: 10, dropped: 2, missing: [4, 5], lost: [5], shared: [4] },
    },
    {
      name: 'a frame that two pods analysed',
      books: [book([[0, 5]], []), book([[5, 9]], [])],
      want: { twice: [5], shared: [5], missing: [], lost: [] },
    },
    {
      name: 'a frame that one pod dropped and another analysed',
      books: [book([[0, 4]], [[5, 5]]), book([[5, 9]], [])],
      want: { twice: [], shared: [5], lost: [] },
    },
    {
      name: 'a pod that had none',
      books: [book([[0, 9]], []), book([], [])],
      want: { ...nothing, first: 0, last: 9, handOvers: [], pods: 2 },
    },
  ])
    it(`tells of ${name}`, () => expect(accountOf(books)).to.deep.include(want))

  for (const result of ['analysed', 'dropped'] as const)
    it(`refuses books that do not tell which frames were ${result}`, () =>
      expect(() =>
        accountOf([result === 'analysed' ? book(undefined, []) : book([[0, 1]], undefined)]),
      ).to.throw(`which frames were ${result}`))
})
