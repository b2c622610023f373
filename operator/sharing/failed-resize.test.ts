import { expect } from 'chai'
import { type FailedResize, mayTry, parseFailedResize, recordFailure } from './failed-resize.ts'

const wanted = { units: 30, memoryMiB: 0 }
const failed = (reason: string, times: number): FailedResize => {
  let record: FailedResize | undefined
  for (let i = 0; i < times; i++) record = recordFailure(record, wanted, 5, reason)
  return record!
}

describe('a resize that failed', () => {
  for (const { name, before, amount, window, want } of [
    { name: 'the first time', before: undefined, amount: wanted, window: 5, want: true },
    {
      name: 'again in the same window',
      before: failed('not ready', 1),
      amount: wanted,
      window: 5,
      want: false,
    },
    { name: 'in the next window', before: failed('not ready', 1), amount: wanted, window: 6, want: true },
    {
      name: 'for another share',
      before: failed('not ready', 1),
      amount: { units: 35, memoryMiB: 0 },
      window: 5,
      want: true,
    },
    {
      name: 'after the node refused the pod twice',
      before: failed('p: UnexpectedAdmissionError: no device', 2),
      amount: wanted,
      window: 5,
      want: true,
    },
    {
      name: 'after the node refused the pod three times',
      before: failed('p: OutOfekya.dev/gpu0-share', 3),
      amount: wanted,
      window: 5,
      want: false,
    },
  ])
    it(`is ${want ? '' : 'not '}tried ${name}`, () => expect(mayTry(before, amount, window)).to.equal(want))

  it('counts from the start for another share or window', () => {
    expect(recordFailure(failed('a', 2), wanted, 6, 'b')).to.include({ tries: 1, window: 6, reason: 'b' })
    expect(recordFailure(failed('a', 2), { units: 1, memoryMiB: 0 }, 5, 'b').tries).to.equal(1)
  })

  it('is read back from what is written', () =>
    expect(parseFailedResize(JSON.stringify(failed('a', 2)))).to.deep.equal(failed('a', 2)))
  for (const text of [undefined, '', 'null', '{"units":"30"}'])
    it(`takes ${text} for no record`, () => expect(parseFailedResize(text)).to.equal(undefined))
})
