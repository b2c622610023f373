import { expect } from 'chai'
import { type Comparison, compare } from './compare.ts'
import { pageBegin } from './html.ts'
import { asPage } from './page.ts'
import { choice, smallComparison, smallTrace } from './testing/small.ts'

describe('asPage', () => {
  let comparison: Comparison
  let page: string
  before(async function () {
    this.timeout(30_000)
    comparison = await compare(smallTrace, {
      ...smallComparison,
      policies: [choice('thief'), { label: 'fair:configuration=<slow>', name: 'fair', options: {} }],
      sensitivity: true,
    })
    page = await asPage(comparison)
  })
  const count = (pattern: RegExp) => page.match(pattern)?.length ?? 0

  it('needs nothing else: no addresses but names of XML, no scripts, nothing to load', () => {
    const addresses = [...page.matchAll(/\w+:\/\/[^"' <]+/g)].map(([address]) => address)
    expect(new Set(addresses)).to.have.all.keys('http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink')
    expect(page).to.not.match(/<(?:script|link|img|iframe|image)\b/)
    expect(page).to.not.match(/@import|\bsrc=|url\((?!#)/)
    expect(page).to.match(/<meta http-equiv="Content-Security-Policy" content="default-src 'none';/)
  })

  it('names every policy in every plot and table', () => {
    const figures = page.split('<figure ').slice(1)
    expect(figures).to.have.length(2 + 2 + 2 + 1 + 3)
    for (const figure of figures) {
      const [drawing, numbers] = figure.split('</svg>')
      for (const name of ['thief', 'fair:configuration=&lt;slow&gt;']) {
        expect(drawing).to.include(name)
        expect(numbers).to.include(name)
      }
    }
  })

  it('tells those who do not see the plots what they show, with the numbers', () => {
    expect(count(/<svg role="img" aria-labelledby="([a-z-]+)-title \1-desc"/g)).to.equal(10)
    expect(count(/<title id="[a-z-]+-title">[^<]+<\/title><desc id="[a-z-]+-desc">[^<]+<\/desc>/g)).to.equal(
      10,
    )
    expect(count(/<table>/g)).to.be.at.least(11)
    expect(page).to.match(/<th scope="row">3 streams, 2 GPUs<\/th><td>\d\d\.\d\d<\/td>/)
    expect(page).to.include('<html lang="en">')
  })

  it('gives each thing a name of its own', () => {
    const names = [...page.matchAll(/ id="([^"]+)"/g)].map(([, name]) => name)
    expect(new Set(names).size).to.equal(names.length)
    for (const [, name] of page.matchAll(/url\(#([^)]+)\)/g)) expect(names).to.include(name)
  })

  it('is for light and dark, in colours that the page defines', () => {
    expect(page).to.include('@media (prefers-color-scheme:dark)')
    for (const [, name] of page.matchAll(/var\((--[a-z0-9]+)\)/g)) expect(page).to.include(`${name}:`)
  })

  it('takes texts of the trace as texts', () => {
    expect(page).to.include('made up &lt;for tests&gt;')
    expect(page).to.not.include('<for tests>')
  })

  it('is the same for the same comparison', async () => {
    expect(page.startsWith(pageBegin)).to.equal(true)
    expect(await asPage(comparison)).to.equal(page)
  })

  it('tells what failed, and draws the rest', async () => {
    const cells = comparison.cells.map(cell => ({
      ...cell,
      meanAccuracy: null,
      windows: [],
      error: 'no <luck>',
    }))
    const policies = comparison.allocation.policies.map(p => ({ ...p, allocation: null }))
    const broken = await asPage({
      ...comparison,
      cells,
      allocation: { ...comparison.allocation, policies },
    })
    expect(broken).to.include('thief with 1 stream on 1 GPU, sees actual: no &lt;luck&gt;')
    expect(broken.split('<figure ')).to.have.length(1 + 9)
  })
})
