import { expect } from 'chai'
import { type Holder, ShareLog } from './share-log.ts'

const holder = (uid: string, share: number, more: Partial<Holder> = {}): Holder => ({
  uid,
  namespace: 'site',
  stream: uid,
  role: 'inference',
  node: 'edge-0',
  gpu: '0',
  share,
  ...more,
})

describe('share log', () => {
  let now = 0
  const brief = (log: ShareLog, from = 0) =>
    log.of('edge-0', '0', from).map(({ uid, share, from, to }) => [uid, share, from, to])

  beforeEach(() => {
    now = 0
  })

  it('tells who held what, and since when', () => {
    const log = new ShareLog(() => now)
    log.holds(holder('a', 0.5))
    now = 10
    log.holds(holder('a', 0.5))
    log.holds(holder('b', 0.2))
    log.holds(holder('c', 0.2, { node: 'edge-1' }))
    now = 20
    log.holds(holder('a', 0.3))
    now = 30
    log.ends('b')
    expect(brief(log)).to.deep.equal([
      ['a', 0.5, 0, 20],
      ['b', 0.2, 10, 30],
      ['a', 0.3, 20, null],
    ])
    expect(brief(log, 25)).to.deep.equal([
      ['b', 0.2, 10, 30],
      ['a', 0.3, 20, null],
    ])
  })

  it('ends what holds nothing any more, and knows nothing of strangers', () => {
    const log = new ShareLog(() => now)
    log.holds(holder('a', 0.5))
    now = 5
    log.holds(holder('a', 0))
    log.ends('nobody')
    expect(brief(log)).to.deep.equal([['a', 0.5, 0, 5]])
  })

  it('forgets what ended longest ago', () => {
    const log = new ShareLog(() => now, 10)
    for (now = 0; now < 100; now++) log.holds(holder('a', (now % 2) + 1))
    const held = brief(log)
    expect(held.length).to.be.within(11, 12)
    expect(held.at(-1)).to.deep.equal(['a', 2, 99, null])
  })
})
