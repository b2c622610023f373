import { expect } from 'chai'
import { createHealthMonitor, type Health } from './health.ts'
import { parseAddress, type ServerOptions, type StatusServer, startServer } from './server.ts'
import { exampleView } from './testing/example-view.ts'

describe('status server', () => {
  let server: StatusServer
  const errors: string[] = []
  const state: { awaited: string[]; health: Health; fails: boolean } = {
    awaited: [],
    health: { healthy: true, problems: [], eventLoopDelayMs: 1, heartbeatAgeMs: 5 },
    fails: false,
  }
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
    now: () => new Date('2026-01-01T00:00:30Z'),
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

  it('serves the view as JSON and as a page without scripts', async () => {
    expect(JSON.parse((await get('/status.json')).body)).to.deep.equal(exampleView)
    const { type, body, answer } = await get('/')
    expect(type).to.include('text/html')
    expect(body).to.include('cam-0').and.not.include('<script')
    expect(answer.headers.get('content-security-policy')).to.include("default-src 'none'")
  })

  it('answers unknown paths with what there is', async () => {
    const { status, body } = await get('/nothing')
    expect(status).to.equal(404)
    expect(body).to.include('/status.json')
  })

  it('survives a view that fails', async () => {
    state.fails = true
    const { status, body } = await get('/')
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
