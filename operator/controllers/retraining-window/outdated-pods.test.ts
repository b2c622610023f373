/** Inference pods that another one replaces although their share stays: on another GPU, or from another template. */
import { expect } from 'chai'
import { gpuAnnotation } from '../../api/names.ts'
import { swapSiteAt as at, expectBooks, type SwapSite } from '../testing/swap-site.ts'

const gpuOf = (site: SwapSite, pod: string) => site.pods.get(pod)!.pod.metadata.annotations![gpuAnnotation]
const images = (site: SwapSite) =>
  [...site.pods.values()].map(({ pod }) => (pod.spec.containers[0] as unknown as { image: string }).image)
const noRoom = (site: SwapSite) =>
  site.notes.filter(({ message }) => message.includes('there is no room for both')).length

describe('a stream that moves to another GPU', () => {
  it('is served by its old pod until the new one takes over, and no frame is lost', async () => {
    const site = await at({ a: 40, b: 60 })
    site.plan({ a: 70, b: 60 }, ['a'])
    await site.settle()
    expect(site.held()).to.deep.equal({ 'b-inference': 60, 'a-inference-g2': 70 })
    expect(gpuOf(site, 'a-inference-g2')).to.equal('1')
    expect(site.writes.slice(2)).to.deep.equal([
      'create a-inference-g2',
      'patch a-inference-g2 ekya.dev/takes-over-at',
      'delete a-inference',
    ])
    expectBooks(site, ['a', 'b'])
  })

  it('holds its share of the old GPU until then, and others wait for it', async () => {
    const site = await at({ a: 40, b: 60 })
    site.plan({ a: 50, b: 100 }, ['a'])
    await site.settle()
    expect(site.held()).to.deep.equal({ 'a-inference-g2': 50, 'b-inference-g2': 100 })
    expectBooks(site, ['a', 'b'])
  })

  it('goes without a hand-over where two wait for the room of each other', async () => {
    const site = await at({ a: 40, b: 60 })
    site.plan({ a: 100, b: 100 }, ['b'])
    await site.settle()
    site.plan({ a: 100, b: 100 }, ['a'])
    await site.settle()
    expect(site.held()).to.deep.equal({ 'b-inference': 100, 'a-inference-g3': 100 })
    expect(noRoom(site)).to.equal(1)
    expect(site.most.steady).to.be.at.most(100)
    expect(site.frames('a').twice + site.frames('b').twice).to.equal(0)
    expect([site.frames('a').lost, site.frames('b').lost], 'one of the two is handed over').to.include(0)
  })

  for (const { name, d } of [
    { name: 'nobody', d: 40 },
    { name: 'another one', d: 100 },
  ])
    it(`waits for what is tried again where it is to go, also where ${name} waits for its room`, async () => {
      let fails = true
      const site = await at(
        { a: 40, d: 40 },
        { startSeconds: pod => (fails && pod === 'c-inference-g2' ? Number.POSITIVE_INFINITY : 3) },
      )
      site.plan({ a: 40, d: 40, c: 100 }, ['c'])
      await site.settle()
      site.plan({ a: 50, d, c: 50 }, ['a', 'c'])
      for (const end = site.now + 30_000; site.now < end; ) await site.step()
      fails = false
      await site.settle()
      expect(noRoom(site)).to.equal(0)
      expect(Object.values(site.held()).toSorted((x, y) => x - y)).to.deep.equal(
        [50, 50, d].toSorted((x, y) => x - y),
      )
      expectBooks(site, ['a', 'c', 'd'])
    })

  it('goes where its new pod does not get ready, whose share of the old GPU was given to others', async () => {
    const site = await at({ a: 40, b: 60 }, { startSeconds: pod => (pod === 'a-inference-g2' ? 90 : 3) })
    site.plan({ a: 40, b: 100 }, ['a'])
    await site.settle()
    expect(site.held()).to.deep.equal({ 'a-inference-g2': 40, 'b-inference-g2': 100 })
    expect(site.frames('a').twice).to.equal(0)
    expect(site.frames('a').lost, 'from a minute on').to.be.within(1, 35 * 10)
  })

  it('is served where it is as long as the node refuses its new pod, which is tried less and less often', async () => {
    let refuses = true
    const site = await at({ a: 40, b: 60 }, { refused: pod => refuses && pod === 'a-inference-g2' })
    site.plan({ a: 40, b: 60 }, ['a'])
    for (const end = site.now + 90_000; site.now < end; ) {
      await site.step()
      expect(site.held()).to.include({ 'a-inference': 40 })
    }
    // After 2, 4, 8, 16 and 32 s.
    expect(site.writes.filter(write => write === 'create a-inference-g2').length).to.be.within(5, 7)
    refuses = false
    for (const end = site.now + 70_000; site.now < end; ) await site.step()
    expect(site.held()).to.deep.equal({ 'b-inference': 60, 'a-inference-g2': 40 })
    expectBooks(site, ['a', 'b'])
  })

  it('gets another pod where the one that was to take over is refused and the old one is gone', async () => {
    let refuses = true
    const site = await at({ a: 40 }, { refused: pod => refuses && pod === 'a-inference-g2' })
    site.plan({ a: 40 }, ['a'])
    while (!site.pods.has('a-inference-g2')) await site.step()
    site.pods.delete('a-inference')
    refuses = false
    site.pods.get('a-inference-g2')!.pod = {
      ...site.pods.get('a-inference-g2')!.pod,
      status: { phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'no device' },
    }
    await site.settle()
    expect(Object.values(site.held())).to.deep.equal([40])
    expect(site.describe()).to.include('Running')
  })

  it('stays where it is when the plan changes back meanwhile', async () => {
    const site = await at({ a: 40, b: 60 })
    site.plan({ a: 40, b: 60 }, ['a'])
    for (let i = 0; i < 10; i++) await site.step()
    site.plan({ a: 40, b: 60 })
    await site.settle()
    expect(site.held()).to.deep.equal({ 'a-inference': 40, 'b-inference': 60 })
    expectBooks(site, ['a', 'b'])
  })
})

describe('a pod from another template', () => {
  it('is replaced by a hand-over, one after another, and no frame is lost', async () => {
    const site = await at({ a: 40, b: 60 })
    site.image = 'ekya:2'
    await site.settle()
    expect(site.held()).to.deep.equal({ 'a-inference-g2': 40, 'b-inference-g2': 60 })
    expect(images(site)).to.deep.equal(['ekya:2', 'ekya:2'])
    expectBooks(site, ['a', 'b'])
  })

  it('goes on where one from the new template does not get ready', async () => {
    const site = await at(
      { a: 40 },
      { startSeconds: pod => (pod === 'a-inference-g2' ? Number.POSITIVE_INFINITY : 3) },
    )
    site.image = 'broken'
    for (let i = 0; i < 600; i++) await site.step()
    // It is tried again after a pause.
    expect(site.held()).to.include({ 'a-inference': 40 })
    expect(new Set(site.resized)).to.deep.equal(new Set(['cpu-replace failed']))
    expectBooks(site, ['a'])
  })

  it('is replaced at once where it does not serve', async () => {
    const site = await at(
      { b: 10 },
      { startSeconds: pod => (pod === 'a-inference' ? Number.POSITIVE_INFINITY : 3) },
    )
    site.plan({ a: 40, b: 10 })
    for (let i = 0; i < 20; i++) await site.step()
    site.image = 'ekya:2'
    for (let i = 0; i < 100; i++) await site.step()
    const made = site.writes.filter(write => write.includes(' a-'))
    expect(made.slice(0, 2)).to.deep.equal(['create a-inference', 'delete a-inference'])
  })
})
