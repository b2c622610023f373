import { expect } from 'chai'
import { evenShares } from './even-hand-on.ts'

describe('evenShares', () => {
  for (const { name, given, capacity, want } of [
    {
      name: 'gives equal parts to all that hold something',
      given: [
        [0.2, 0.6],
        [0.2, 0.4],
        [0.6, 0],
      ],
      capacity: 2,
      want: [
        [0.35, 0],
        [0.35, 0.55],
        [0.75, 0],
      ],
    },
    {
      name: 'leaves alone who holds nothing',
      given: [
        [0, 1],
        [0.5, 0],
      ],
      capacity: 1.5,
      want: [
        [0, 0],
        [1.5, 0],
      ],
    },
    {
      name: 'gives to inference where nobody holds anything',
      given: [
        [0, 1],
        [0, 0],
      ],
      capacity: 1,
      want: [
        [0.5, 0],
        [0.5, 0],
      ],
    },
  ])
    it(name, () => {
      const shares = given.map(([inference, training]) => ({ inference: inference!, training: training! }))
      const got = evenShares(shares, 0, capacity)
      got.forEach((own, i) => {
        expect(own.inference).to.be.closeTo(want[i]![0]!, 1e-12)
        expect(own.training).to.be.closeTo(want[i]![1]!, 1e-12)
      })
    })
})
