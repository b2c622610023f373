import { expect } from 'chai'
import { type FailedResize, parseFailedResize, pauseBefore, recordFailure } from './failed-resize.ts'

const wanted = { units: 30, memoryMiB: 0 }
const now = Date.parse('2026-01-01T00:00:00Z')
const failed = (reason: string, times: number): FailedResize => {
  let record: FailedResize | undefined
  for (let i = 0; i < times; i++) record = recordFailure(record, wanted, { window: 5, now, reason })
  return record!
}

describe('a resize that failed', () => {
  const refused = 'p: UnexpectedAdmissionError: no device'
  const elsewhere = recordFailure(undefined, wanted, { window: 5, now, reason: 'not ready', gpu: 'n/1' })
  for (const { name, before, amount = wanted, window = 5, gpu, later = 0, want } of [
    { name: 'the first time', before: undefined, want: 0 },
    { name: 'again in the same window', before: failed('not ready', 1), want: 15 },
    { name: 'again a while later', before: failed('not ready', 1), later: 10, want: 5 },
    { name: 'again when that time is over', before: failed('not ready', 1), later: 16, want: 0 },
    { name: 'for the third time', before: failed('not ready', 2), want: 30 },
    { name: 'for the hundredth time', before: failed('not ready', 99), want: 600 },
    { name: 'in the next window', before: failed('not ready', 1), window: 6, want: 0 },
    {
      name: 'for another share',
      before: failed('not ready', 1),
      amount: { units: 35, memoryMiB: 0 },
      want: 0,
    },
    { name: 'again on the same other GPU', before: elsewhere, gpu: 'n/1', want: 15 },
    { name: 'on its own GPU after another one', before: elsewhere, want: 0 },
    { name: 'on another GPU after its own', before: failed('not ready', 1), gpu: 'n/1', want: 0 },
    { name: 'after the node refused the pod', before: failed(refused, 1), want: 2 },
    {
      name: 'after the node refused the pod three times',
      before: failed('p: OutOfekya.dev/gpu0-share', 3),
      want: 8,
    },
  ])
    it(`is tried ${name} ${want === 0 ? 'at once' : `in ${want} s`}`, () =>
      expect(pauseBefore(before, amount, window, now + later * 1000, gpu)).to.equal(want * 1000))

  it('counts from the start for another share or window', () => {
    expect(recordFailure(failed('a', 2), wanted, { window: 6, now, reason: 'b' })).to.include({
      tries: 1,
      window: 6,
      reason: 'b',
    })
    expect(
      recordFailure(failed('a', 2), { units: 1, memoryMiB: 0 }, { window: 5, now, reason: 'b' }).tries,
    ).to.equal(1)
  })

  it('is read back from what is written', () =>
    expect(parseFailedResize(JSON.stringify(failed('a', 2)))).to.deep.equal(failed('a', 2)))
  for (const text of [undefined, '', 'null', '{"units":"30"}', '{"units":30,"window":0,"tries":1}'])
    it(`takes ${text} for no record`, () => expect(parseFailedResize(text)).to.equal(undefined))
})
