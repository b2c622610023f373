import { expect } from 'chai'
import { failedResizeAnnotation } from '../../api/names.ts'
import { epoch } from '../testing/site.ts'
import { swapSiteAt as at, expectBooks } from '../testing/swap-site.ts'

describe('pods that take over from each other', () => {
  it('are made at once where nothing is to be handed over', async () => {
    const site = await at({ a: 40, b: 60 })
    expect(site.held()).to.deep.equal({ 'a-inference': 40, 'b-inference': 60 })
    expect(site.writes).to.deep.equal(['create a-inference', 'create b-inference'])
  })

  it('change shares one after another, shrinks first, and lose no frame', async () => {
    const site = await at({ a: 40, b: 60 })
    site.plan({ a: 60, b: 40 })
    await site.settle()
    expect(site.held()).to.deep.equal({ 'a-inference-g2': 60, 'b-inference-g2': 40 })
    expect(site.writes.slice(2)).to.deep.equal([
      'create b-inference-g2',
      'patch b-inference-g2 ekya.dev/takes-over-at',
      'delete b-inference',
      'create a-inference-g2',
      'patch a-inference-g2 ekya.dev/takes-over-at',
      'delete a-inference',
    ])
    expect(site.resized).to.deep.equal(['cpu-replace done', 'cpu-replace done'])
    expectBooks(site, ['a', 'b'])
  })

  for (const aheadMs of [5_000, -5_000, 90_000, -90_000])
    it(`hand over by the clock of a node that is off by ${aheadMs / 1000} s`, async () => {
      const site = await at({ a: 40, b: 60 }, { clockAheadMs: aheadMs })
      site.plan({ a: 60, b: 40 })
      const begin = site.now
      await site.settle()
      expect(site.held()).to.deep.equal({ 'a-inference-g2': 60, 'b-inference-g2': 40 })
      expect(site.now - begin, 'as long as with clocks that agree').to.be.below(20_000)
      expectBooks(site, ['a', 'b'])
      expect(site.notes).to.deep.equal([])
    })

  it('serve on where a node is ahead and does not tell what the time is, which is told', async () => {
    const site = await at({ a: 40, b: 60 }, { clockAheadMs: 5_000, tellsTime: false })
    site.plan({ a: 60, b: 40 })
    for (const end = site.now + 60_000; site.now < end; ) await site.step()
    expect(site.held()).to.include({ 'b-inference': 60 })
    expectBooks(site, ['a', 'b'])
    expect([...new Set(site.notes.map(({ reason, message }) => `${reason}: ${message}`))]).to.deep.equal([
      "ClockSkew: b-inference does not hand over when it is to: the clock of node edge-0 is ahead of the operator's",
    ])
  })

  it('leave changes below a step out', async () => {
    const site = await at({ a: 40, b: 60 })
    site.plan({ a: 43, b: 57 })
    await site.settle()
    expect(site.writes).to.have.lengthOf(2)
  })

  it('go back to the old pod where the new one does not get ready, and try again after longer and longer pauses', async () => {
    const never = new Set<string>()
    const site = await at(
      { a: 40, b: 60 },
      { startSeconds: pod => (never.has(pod) ? Number.POSITIVE_INFINITY : 3) },
    )
    never.add('b-inference-g2')
    site.plan({ a: 60, b: 40 })
    const made: number[] = []
    for (const end = site.now + 120_000; site.now < end; ) {
      const writes = site.writes.length
      await site.step()
      if (site.writes.slice(writes).includes('create b-inference-g2')) made.push(Math.round(site.now / 1000))
    }
    expect(site.held()).to.deep.equal({ 'a-inference': 40, 'b-inference': 60 })
    expect(site.writes.slice(2, 5)).to.deep.equal([
      'create b-inference-g2',
      `patch b-inference ${failedResizeAnnotation}`,
      'delete b-inference-g2',
    ])
    // A share of .4 is .6 cores, on which a start may take 23 s; the pauses are 15 s and 30 s.
    expect(made.slice(1).map((time, i) => time - made[i]!)).to.deep.equal([38, 53])
    expect(site.notes.find(({ reason }) => reason === 'ResizeFailed')?.message).to.equal(
      'b-inference-g2 could not take over, b-inference goes on: it was not ready within 23 s',
    )
    never.clear()
    for (const end = site.now + 90_000; site.now < end; ) await site.step()
    expect(site.held()).to.deep.equal({ 'a-inference-g2': 60, 'b-inference-g2': 40 })
    expectBooks(site, ['a', 'b'])
  })

  it('try again where the node refuses a pod, less and less often', async () => {
    let left = 2
    const site = await at({ a: 40, b: 60 }, { refused: pod => /-g/.test(pod) && left-- > 0 })
    site.plan({ a: 40, b: 50 })
    for (const end = site.now + 20_000; site.now < end; ) await site.step()
    expect(site.held()).to.deep.equal({ 'a-inference': 40, 'b-inference-g2': 50 })
    const always = await at({ a: 40, b: 60 }, { refused: pod => /-g/.test(pod) })
    always.plan({ a: 40, b: 50 })
    for (const end = always.now + 60_000; always.now < end; ) await always.step()
    expect(always.held()).to.deep.equal({ 'a-inference': 40, 'b-inference': 60 })
    expect(always.writes.filter(write => write.startsWith('create b-inference-g2'))).to.have.lengthOf(5)
    expectBooks(always, ['a', 'b'])
  })

  it('are made again at leisure where the node refuses the first one', async () => {
    let left = 3
    const site = await at({ a: 40 }, { refused: () => left-- > 0 })
    expect(site.held()).to.deep.equal({ 'a-inference': 40 })
    expect(site.writes.filter(write => write.startsWith('create'))).to.have.lengthOf(4)
    expect((site.now - epoch) / 1000).to.be.above(3 * 2)
  })

  it('hold up nobody else where the backend cannot give what is planned', async () => {
    const site = await at({ a: 40, b: 30 }, { memory: stream => (stream === 'a' ? 'lots' : '1Gi') })
    expect(site.held()).to.deep.equal({ 'b-inference': 30 })
    expect(site.notes.map(({ message }) => message)).to.include(
      'a-inference cannot be made: "lots" is no memory quantity; accepted: 512Mi, 2Gi, 500M, 1e9 and the like',
    )
  })

  it('delete an old pod that hangs after its last frame; its share stays in the books until then', async () => {
    const site = await at({ a: 40, b: 60 }, { hangs: pod => pod === 'b-inference' })
    site.plan({ a: 60, b: 40 })
    await site.settle()
    expect(site.held()).to.deep.equal({ 'a-inference-g2': 60, 'b-inference-g2': 40 })
    expectBooks(site, ['a', 'b'])
  })

  it('give up a pod of a size that is not wanted any more', async () => {
    const site = await at({ a: 40, b: 60 })
    site.plan({ a: 60, b: 40 })
    for (let i = 0; i < 10; i++) await site.step()
    site.plan({ a: 40, b: 60 })
    await site.settle()
    expect(site.held()).to.deep.equal({ 'a-inference': 40, 'b-inference': 60 })
    expectBooks(site, ['a', 'b'])
  })

  it('have a training go on in another pod, from its checkpoint', async () => {
    const site = await at({ a: [40, 50] })
    site.plan({ a: [40, 30] })
    await site.settle()
    expect(site.held()).to.deep.equal({ 'a-inference': 40, 'a-training-0': 50, 'a-training-0-g2': 30 })
    const { pod } = site.pods.get('a-training-0-g2')!
    const { env } = pod.spec.containers[0] as unknown as { env: { name: string; value: string }[] }
    const { spent } = JSON.parse(env.find(({ name }) => name === 'EKYA_CONFIG')!.value)
    expect(spent).to.deep.equal({ gpuSeconds: 2, seconds: 4 })
    expectBooks(site, ['a'])
  })
})
