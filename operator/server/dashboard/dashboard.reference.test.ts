/** The dashboard in a real browser: accessible in light and dark, nothing from elsewhere, and kept up to date while it is open. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { expect } from 'chai'
import type { Browser, Page } from 'puppeteer-core'
import sharp from 'sharp'
import { browserPath, startBrowser } from '../../../hack/testing/browser.ts'
import { waitFor } from '../../../hack/testing/wait-for.ts'
import { samplesFolder } from '../../api/storage.ts'
import { type StatusServer, startServer } from '../server.ts'
import { exampleNow, exampleSite } from '../testing/example-site.ts'
import { exampleView } from '../testing/example-view.ts'
import { createLiveHub } from './live.ts'
import { createSampleReader } from './samples.ts'
import type { DashboardSite } from './site.ts'

/** Where to put pictures of the pages; unset: nowhere. */
const pictures = process.env.EKYA_SCREENSHOTS
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const paths = ['/', '/windows/site/crossing', '/streams/site/cam-0', '/streams/site/cam-5']

describe('dashboard in a browser', function () {
  this.timeout(60_000)
  let folder: string
  let browser: Browser
  let server: StatusServer
  let site: DashboardSite
  let leader = 'operator-0'
  const live = createLiveHub(50)
  const requested: string[] = []

  before(async function () {
    const path = browserPath()
    if (path === undefined) {
      if (process.env.CI)
        throw new Error('no Chromium: install the package chromium, or name one by CHROMIUM')
      return this.skip()
    }
    folder = await mkdtemp(join(tmpdir(), 'ekya-dashboard-'))
    await keepFrames(folder)
    site = exampleSite({ windows: 2, streams: 12, history: 14, gpus: 2 }, createSampleReader(folder))
    server = await startServer({
      address: '127.0.0.1:0',
      metrics: { contentType: 'text/plain', metrics: async () => '' },
      health: () => ({ healthy: true, problems: [], eventLoopDelayMs: 0, heartbeatAgeMs: 0 }),
      awaited: () => [],
      view: () => exampleView,
      dashboard: {
        site,
        frame: () => ({ version: '0.1.0', leads: false, leader }),
        live,
        now: () => exampleNow,
      },
      log: { error: (_, message) => expect.fail(message) },
    })
    browser = await startBrowser(path)
  })
  after(async () => {
    await browser?.close()
    await server?.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  async function opened(path: string, scheme: 'light' | 'dark', javascript = true): Promise<Page> {
    const page = await browser.newPage()
    page.on('request', request => requested.push(request.url()))
    await page.setJavaScriptEnabled(javascript)
    await page.setViewport({ width: 1280, height: 900 })
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    await page.goto(server.url + path, { waitUntil: 'load' })
    return page
  }

  for (const path of paths)
    for (const scheme of ['light', 'dark'] as const)
      it(`${path} has no accessibility violation in ${scheme}`, async () => {
        const page = await opened(path, scheme)
        const refused: string[] = []
        page.on('console', message => {
          if (message.type() === 'error') refused.push(message.text())
        })
        await page.reload({ waitUntil: 'load' })
        expect(refused, 'refused by the content security policy').to.deep.equal([])
        if (pictures !== undefined) {
          const name = path.replaceAll('/', '-').replace(/^-|-$/g, '') || 'overview'
          await page.screenshot({ path: join(pictures, `${name}-${scheme}.png`) as `${string}.png` })
        }
        // The policy of the page refuses a foreign script, and axe is one.
        await page.setBypassCSP(true)
        await page.reload({ waitUntil: 'load' })
        await page.addScriptTag({ path: axe })
        const { violations, passes } = (await page.evaluate('axe.run()')) as AxeResults
        expect(
          violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`,
          ),
        ).to.deep.equal([])
        expect(passes.length).to.be.above(15)
        await page.close()
      })

  it('shows frames, right and wrong ones, from the storage', async () => {
    const page = await opened('/streams/site/cam-0', 'light')
    const shown = await page.$$eval('.frames img', images =>
      images.map(image => (image as unknown as { naturalWidth: number }).naturalWidth),
    )
    expect(shown).to.deep.equal(Array.from({ length: 12 }, () => 32))
    const words = await page.$$eval('.frames figcaption', all => all.map(each => each.textContent))
    expect(words.filter(word => word?.startsWith('✗'))).to.have.length(4)
    expect(words[0]).to.equal('✓ cargolden: car')
    await page.close()
  })

  it('takes changes over while it is open, and keeps what the reader has opened', async () => {
    const page = await opened('/windows/site/crossing', 'light')
    await page.click('#numbers-0 summary')
    const text = () => page.$eval('[data-part=leader]', each => each.textContent)
    expect(await text()).to.include('operator-0')
    leader = 'operator-1'
    await waitFor(async () => {
      live.changed()
      return (await text())?.includes('operator-1')
    })
    expect(await page.$eval('#numbers-0', each => each.hasAttribute('open'))).to.equal(true)
    leader = 'operator-0'
    await page.close()
  })

  it('shows the first window of a site while it is open', async () => {
    const page = await opened('/', 'light')
    const sites = () => page.$eval('[data-part=sites]', each => each.textContent)
    const [shown, hidden] = [
      site.cluster,
      { ...site.cluster, windows: { get: () => undefined, list: () => [] } },
    ]
    Object.assign(site, { cluster: hidden })
    await waitFor(async () => {
      live.changed()
      return (await sites())?.includes('There is no RetrainingWindow yet')
    })
    Object.assign(site, { cluster: shown })
    await waitFor(async () => {
      live.changed()
      return (await sites())?.includes('site/crossing')
    })
    await page.close()
  })

  it('does not call itself live where the server refuses to tell of changes', async () => {
    const page = await browser.newPage()
    await page.setRequestInterception(true)
    let refuses = true
    page.on('request', request =>
      refuses && request.url().endsWith('/live')
        ? void request.respond({ status: 503, body: 'too many' })
        : void request.continue(),
    )
    const button = () => page.$eval('#live', each => [each.textContent, each.getAttribute('aria-pressed')])
    await page.goto(server.url, { waitUntil: 'load' })
    await waitFor(async () => (await button())[0] === 'Paused')
    expect(await button()).to.deep.equal(['Paused', 'false'])
    refuses = false
    await page.click('#live')
    expect(await button()).to.deep.equal(['Live', 'true'])
    await page.close()
  })

  it('is complete without scripts', async () => {
    const page = await opened('/', 'light', false)
    expect(await page.$$eval('tbody tr', rows => rows.length)).to.equal(2 + 24)
    await page.close()
  })

  it('asks nobody else for anything', () => {
    expect(requested.length).to.be.above(20)
    expect(requested.filter(url => !url.startsWith(server.url))).to.deep.equal([])
  })
})

/** Twelve frames of window 14 as an inference and a profile pod leave them; every third was served wrongly. */
async function keepFrames(storage: string): Promise<void> {
  const window = join(storage, samplesFolder('site', 'cam-0', 14))
  await mkdir(window, { recursive: true })
  const frames = Array.from({ length: 12 }, (_, i) => ({
    i,
    image: `${String(i * 10).padStart(6, '0')}.jpg`,
  }))
  for (const { i, image } of frames)
    await sharp({
      create: { width: 32, height: 32, channels: 3, background: { r: 40 + i * 15, g: 120, b: 200 - i * 12 } },
    })
      .jpeg()
      .toFile(join(window, image))
  const classes = ['car', 'truck', 'bus', 'bicycle', 'pedestrian', 'dog']
  const named = (i: number) => classes[i % classes.length]!
  const rows = frames.map(({ i, image }) => `${i},${i * 10},${image},1,${named(i % 3 === 1 ? i + 1 : i)},`)
  await writeFile(join(window, 'frames.csv'), `idx,frame,imgpath,fresh,served,class\n${rows.join('\n')}\n`)
  const labels = frames.map(({ i, image }) => `${i},${i % 6},,,,,${image},${named(i)}`)
  await writeFile(join(window, 'labels.csv'), `idx,class,x0,y0,x1,y1,imgpath,name\n${labels.join('\n')}\n`)
}
