import { expect } from 'chai'
import fc from 'fast-check'
import { type Allocation, handOn } from './hand-on.ts'

const allocation = (
  stream: string,
  inferenceShare: number,
  trainingShare: number,
  inferenceDemand = 0.2,
  gpu = '0',
): Allocation => ({ stream, node: 'n', gpu, inferenceShare, trainingShare, inferenceDemand })

describe('handOn', () => {
  const cases: {
    name: string
    given: Allocation[]
    want: [number, number][]
  }[] = [
    {
      name: 'shares the freed steps between inference below demand and running trainings',
      given: [allocation('a', 0.2, 0.4), allocation('b', 0.1, 0.2), allocation('c', 0.1, 0)],
      want: [
        [0.2, 0],
        [0.2, 0.4],
        [0.2, 0],
      ],
    },
    {
      name: 'gives to inference evenly what nobody needs',
      given: [allocation('a', 0.2, 0.6), allocation('b', 0.2, 0)],
      want: [
        [0.5, 0],
        [0.5, 0],
      ],
    },
    {
      name: 'leaves other GPUs alone',
      given: [allocation('a', 0.5, 0.5), allocation('b', 0.1, 0, 0.5, '1')],
      want: [
        [1, 0],
        [0.1, 0],
      ],
    },
    {
      name: 'does the same where the ended training was set to 0 before',
      given: [allocation('a', 0.2, 0), allocation('b', 0.4, 0)],
      want: [
        [0.4, 0],
        [0.6, 0],
      ],
    },
  ]
  for (const { name, given, want } of cases)
    it(name, () =>
      expect(handOn(given, 'a', 0.1).map(a => [a.inferenceShare, a.trainingShare])).to.deep.equal(want),
    )

  it('changes nothing for an unknown stream', () => {
    const given = [allocation('a', 0.2, 0.4)]
    expect(handOn(given, 'x', 0.1)).to.deep.equal(given)
  })

  it('takes from nobody, hands all on, and stays within each GPU', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    const any = fc.array(fc.tuple(share, share, share, fc.constantFrom('0', '1')), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(any, fc.constantFrom(0.05, 0.1, 0.3), (raw, step) => {
        const total = { '0': 0, '1': 0 }
        for (const [i, t, , gpu] of raw) total[gpu] += i + t
        const given = raw.map(([i, t, d, gpu], k) =>
          allocation(`s${k}`, i / Math.max(1, total[gpu]), t / Math.max(1, total[gpu]), d, gpu),
        )
        const got = handOn(given, 's0', step)
        for (const gpu of ['0', '1']) {
          const held = (all: Allocation[]) =>
            all.filter(a => a.gpu === gpu).reduce((sum, a) => sum + a.inferenceShare + a.trainingShare, 0)
          expect(held(got)).to.be.at.most(Math.max(1, held(given)) + 1e-9)
        }
        got.forEach((a, k) => {
          expect(a.inferenceShare).to.be.at.least(given[k]!.inferenceShare)
          if (k > 0) expect(a.trainingShare).to.be.at.least(given[k]!.trainingShare)
          if (given[k]!.trainingShare === 0) expect(a.trainingShare).to.equal(0)
        })
        expect(got[0]!.trainingShare).to.equal(0)
      }),
    )
  })
})
