import { expect } from 'chai'
import { LatePods } from './ending-pods.ts'

describe('LatePods', () => {
  for (const { name, endsBeforeKillMs, graceSeconds, want } of [
    { name: 'near the end of its time', endsBeforeKillMs: 10_000, graceSeconds: 30, want: 20 },
    { name: 'not before half of a short time', endsBeforeKillMs: 10_000, graceSeconds: 10, want: 5 },
    {
      name: 'not before half of it where looks are rare',
      endsBeforeKillMs: 65_000,
      graceSeconds: 30,
      want: 15,
    },
    { name: 'at once where it has none', endsBeforeKillMs: 10_000, graceSeconds: 0, want: 0 },
  ])
    it(`takes a pod ${name}`, () => {
      const late = new LatePods(endsBeforeKillMs)
      const first = Array.from({ length: 61 }, (_, second) => second).find(second =>
        late.among([{ uid: 'a', graceSeconds }], 5_000 + second * 1000).has('a'),
      )
      expect(first).to.equal(want)
    })

  it('counts from when each was first seen, and forgets who has gone', () => {
    const late = new LatePods(10_000)
    const [a, b] = ['a', 'b'].map(uid => ({ uid, graceSeconds: 30 })) as [never, never]
    late.among([a], 0)
    expect([...late.among([a, b], 20_000)]).to.deep.equal(['a'])
    late.among([b], 21_000)
    expect([...late.among([a, b], 40_000)]).to.deep.equal(['b'])
  })
})
