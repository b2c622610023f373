import { expect } from 'chai'
import { createLiveHub } from './dashboard/live.ts'
import { createHealthMonitor, type Health } from './health.ts'
import { parseAddress, type ServerOptions, type StatusServer, startServer } from './server.ts'
import { exampleNow, exampleSite } from './testing/example-site.ts'
import { exampleView } from './testing/example-view.ts'

describe('status server', () => {
  let server: StatusServer
  const errors: string[] = []
  const live = createLiveHub(0)
  const state: { awaited: string[]; health: Health; fails: boolean } = {
    awaited: [],
    health: { healthy: true, problems: [], eventLoopDelayMs: 1, heartbeatAgeMs: 5 },
    fails: false,
  }
  const example = exampleSite({ windows: 2, streams: 60, history: 5, gpus: 8 })
  const options: ServerOptions = {
    address: '127.0.0.1:0',
    metrics: {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      metrics: async () => 'ekya_leader 1\n',
    },
    health: () => state.health,
    awaited: () => state.awaited,
    view: () => {
      if (state.fails) throw new Error('view is broken')
      return exampleView
    },
    dashboard: {
      site: {
        ...example,
        cluster: {
          ...example.cluster,
          gpus: window =>
            example.cluster
              .gpus(window)
              .map((gpu, i) => (i === 2 ? { ...gpu, fault: 'its MPS server is in state <FAULT>' } : gpu)),
        },
      },
      frame: () => ({ version: '0.1.0', leads: false, leader: '<b>other</b>' }),
      live,
      now: () => exampleNow,
    },
    log: { error: (_fields, message) => errors.push(message) },
  }
  const get = async (path: string) => {
    const answer = await fetch(server.url + path)
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? '',
      body: await answer.text(),
      answer,
    }
  }

  before(async () => {
    server = await startServer(options)
  })
  after(() => server.close())

  it('serves metrics in the format of Prometheus', async () => {
    const { status, type, body } = await get('/metrics')
    expect({ status, body }).to.deep.equal({ status: 200, body: 'ekya_leader 1\n' })
    expect(type).to.include('version=0.0.4')
  })

  it('is ready only when nothing is awaited, and says what is', async () => {
    expect((await get('/readyz')).status).to.equal(200)
    state.awaited = ['cache of pods', 'cache of camerastreams']
    const { status, body } = await get('/readyz')
    state.awaited = []
    expect({ status, body }).to.deep.equal({
      status: 503,
      body: 'waiting for:\ncache of pods\ncache of camerastreams\n',
    })
  })

  it('is unhealthy with the reason', async () => {
    expect((await get('/healthz')).body).to.equal('ok\n')
    state.health = { ...state.health, healthy: false, problems: ['no heartbeat for 70 s'] }
    const { status, body } = await get('/healthz')
    state.health = { ...state.health, healthy: true, problems: [] }
    expect({ status, body }).to.deep.equal({ status: 503, body: 'no heartbeat for 70 s\n' })
  })

  it('serves the view as JSON', async () =>
    expect(JSON.parse((await get('/status.json')).body)).to.deep.equal(exampleView))

  for (const { path, has } of [
    {
      path: '/',
      has: ['href="/streams/site/cam-0"', '120 streams in 2 retraining windows', 'page 1 of 3 (120)'],
    },
    { path: '/?page=3&show=all', has: ['page 3 of 3 (120)', 'href="/?page=2&amp;show=all"'] },
    { path: '/?name=cam-1-5&sort=gain', has: ['cam-1-59'] },
    { path: '/?show=problems&page=99', has: ['▲ ModelInvalid'] },
    {
      path: '/windows/site/crossing',
      has: [
        '▲ It does not serve: its MPS server is in state &lt;FAULT&gt;',
        'GPU 0 of edge-0',
        'gpus=2',
        'no inference configuration keeps minAccuracy',
      ],
    },
    {
      path: '/streams/site/cam-5',
      has: ['models/&lt;broken&gt;.onnx', 'The operator cannot read /nowhere', 'in use', 'deployed'],
    },
  ]) {
    it(`shows ${path} without anything inline or from elsewhere`, async () => {
      const { status, type, body, answer } = await get(path)
      expect(status).to.equal(200)
      expect(type).to.include('text/html')
      for (const text of has) expect(body).to.include(text)
      expect(body).to.include('&lt;b&gt;other&lt;/b&gt; leads')
      expect(body).not.to.match(
        /style=|<style|onclick|https?:|<script(?! type="module" src="\/assets\/live.js">)/,
      )
      expect(answer.headers.get('content-security-policy'))
        .to.include("default-src 'none'")
        .and.not.include('unsafe')
    })
  }

  for (const path of [
    '/windows/site/none',
    '/streams/site/none',
    '/assets/..%2froutes.ts',
    '/assets/toString',
    '/streams/site/cam-0/frames/1/..%2f..%2fsecret.jpg',
  ])
    it(`has nothing at ${path}`, async () => expect((await get(path)).status).to.equal(404))

  it('is read-only', async () => {
    const answer = await fetch(`${server.url}/streams/site/cam-0`, { method: 'DELETE' })
    expect(answer.status).to.equal(405)
    expect(await answer.text()).to.include('accepted: GET, HEAD')
  })

  it('tells open pages of a change', async () => {
    const answer = await fetch(`${server.url}/live`)
    expect(answer.headers.get('content-type')).to.include('text/event-stream')
    const reader = answer.body!.getReader()
    let text = new TextDecoder().decode((await reader.read()).value)
    live.changed()
    live.changed()
    while (!text.includes('event: change')) text += new TextDecoder().decode((await reader.read()).value)
    await reader.cancel()
    expect(text.match(/event: change/g)).to.have.length(1)
  })

  it('has room for pages whatever was asked for without a body', async () => {
    const heads = Array.from({ length: 65 }, () => fetch(`${server.url}/live`, { method: 'HEAD' }))
    for (const { status } of await Promise.all(heads)) expect(status).to.equal(200)
    const answer = await fetch(`${server.url}/live`)
    await answer.body!.cancel()
    expect(answer.status).to.equal(200)
  })

  it('answers unknown paths with what there is', async () => {
    const { status, body } = await get('/nothing')
    expect(status).to.equal(404)
    expect(body).to.include('/status.json')
  })

  it('takes an address that is none for a mistake of who asks', async () => {
    for (const path of ['/windows/%E0%A4%A/main', '/streams/site/%ff', '/assets/%']) {
      const { status, body } = await get(path)
      expect([status, body], path).to.deep.equal([
        400,
        `${path} is no address: what follows a % is not UTF-8 in hexadecimal digits\n`,
      ])
    }
    expect(errors).to.deep.equal([])
  })

  it('survives a view that fails', async () => {
    state.fails = true
    const { status, body } = await get('/status.json')
    state.fails = false
    expect({ status, body }).to.deep.equal({
      status: 500,
      body: 'internal error; the reason is in the log\n',
    })
    expect(errors).to.deep.equal(['request failed'])
  })

  it('names the address that is taken', async () => {
    const taken = server.url.replace('http://', '')
    const error = await startServer({ ...options, address: taken }).catch(
      (reason: unknown) => reason as Error,
    )
    expect((error as Error).message).to.match(new RegExp(`^cannot listen on ${taken}: .*EADDRINUSE`))
  })
})

describe('parseAddress', () => {
  for (const { address, want } of [
    { address: ':8080', want: { host: undefined, port: 8080 } },
    { address: '127.0.0.1:0', want: { host: '127.0.0.1', port: 0 } },
    { address: '[::1]:9', want: { host: '::1', port: 9 } },
  ])
    it(`reads ${address}`, () => expect(parseAddress(address)).to.deep.equal(want))

  for (const address of ['8080', 'host', 'host:', 'host:70000', 'a:b:1', ''])
    it(`refuses "${address}"`, () => expect(() => parseAddress(address)).to.throw(/accepted: host:port/))
})

describe('health monitor', () => {
  const state = { now: 0, delay: 0 }
  const monitor = createHealthMonitor({
    now: () => state.now,
    delayMs: () => state.delay,
    maximumDelayMs: 100,
    maximumHeartbeatAgeMs: 1000,
  })

  it('expects no heartbeat before the first', () => {
    state.now = 10_000
    expect(monitor.check().healthy).to.equal(true)
  })

  it('misses the heart that stopped, and the loop that stood still', () => {
    monitor.beat()
    state.now += 1001
    state.delay = 250
    expect(monitor.check().problems).to.deep.equal([
      'the event loop stood still for 250 ms',
      'no heartbeat for 1 s',
    ])
    monitor.beat()
    state.delay = 1
    expect(monitor.check().healthy).to.equal(true)
  })

  it('measures the delay of the real event loop', () => {
    const real = createHealthMonitor({ now: () => performance.now() })
    expect(real.check()).to.include({ healthy: true, heartbeatAgeMs: null })
    real.stop()
  })
})
