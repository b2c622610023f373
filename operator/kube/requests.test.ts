/** Against an HTTP server in this process, which answers as the table says. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Credentials } from './credentials.ts'
import { configMaps } from './resources.ts'
import { createTransport, type Transport, type TransportHooks } from './transport.ts'

type Answer =
  | { status: number; body?: object; text?: string; headers?: Record<string, string> }
  /** Breaks the connection. */
  | 'reset'
  /** Never answers. */
  | 'hang'

const ok = { status: 200, body: { metadata: { name: 'a', namespace: 'n' }, kept: { nobody: 'knows' } } }
const at = { namespace: 'n', name: 'a' }

describe('transport', () => {
  let server: Server
  let origin: string
  let answers: Answer[] = []
  let asked: { method?: string; url?: string; type?: string; authorization?: string; body: string }[] = []
  let transport: Transport | undefined

  before(async () => {
    server = createServer((request, response) => {
      let body = ''
      request.on('data', chunk => {
        body += chunk
      })
      request.on('end', () => {
        const { 'content-type': type, authorization } = request.headers
        asked.push({ method: request.method, url: request.url, type, authorization, body })
        const answer: Answer = answers.shift() ?? ok
        if (answer === 'reset') return request.socket.destroy()
        if (answer === 'hang') return
        response.writeHead(answer.status, answer.headers)
        response.end(answer.text ?? JSON.stringify(answer.body ?? {}))
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  beforeEach(() => {
    answers = []
    asked = []
  })
  afterEach(() => transport?.close())

  const connect = (
    options: { tokens?: string[]; timeoutMs?: number; retries?: number; hooks?: TransportHooks } = {},
  ) => {
    const tokens = options.tokens ?? ['token']
    const credentials: Credentials = {
      namespace: 'n',
      connection: async () => ({
        origin,
        basePath: '/prefix',
        tls: {},
        proxyUrl: undefined,
        fingerprint: 'same',
        headers: { authorization: `Bearer ${tokens[0]}` },
      }),
      invalidate: () => void tokens.shift(),
    }
    transport = createTransport({ credentials, random: () => 0, ...options })
    return transport
  }

  it('reads raw JSON and keeps what it does not know', async () => {
    expect(await connect().get(configMaps, at)).to.deep.equal(ok.body)
    expect(asked).to.deep.include({
      method: 'GET',
      url: '/prefix/api/v1/namespaces/n/configmaps/a',
      type: undefined,
      authorization: 'Bearer token',
      body: '',
    })
  })

  for (const { name, answers: given, call, want, requests } of [
    {
      name: 'repeats a get after 500 and a broken connection',
      answers: [{ status: 500 }, 'reset', ok] as Answer[],
      call: (t: Transport) => t.get(configMaps, at),
      want: undefined,
      requests: 3,
    },
    {
      name: 'waits as long as 429 says, for a create as well',
      answers: [{ status: 429, headers: { 'retry-after': '0' } }, ok] as Answer[],
      call: (t: Transport) => t.create(configMaps, { metadata: at }),
      want: undefined,
      requests: 2,
    },
    {
      name: 'does not repeat a create whose answer was lost',
      answers: ['reset', ok] as Answer[],
      call: (t: Transport) => t.create(configMaps, { metadata: at }),
      want: 'connection',
      requests: 1,
    },
    {
      name: 'does not repeat a JSON patch whose answer was lost',
      answers: ['reset', ok] as Answer[],
      call: (t: Transport) => t.patch(configMaps, at, 'json', []),
      want: 'connection',
      requests: 1,
    },
    {
      name: 'repeats an apply whose answer was lost',
      answers: ['reset', ok] as Answer[],
      call: (t: Transport) => t.apply(configMaps, { metadata: at }, { fieldManager: 'm' }),
      want: undefined,
      requests: 2,
    },
    {
      name: 'gives up after the repetitions that were granted',
      answers: [{ status: 503 }, { status: 503 }, { status: 503 }, ok] as Answer[],
      call: (t: Transport) => t.get(configMaps, at, { retries: 2 }),
      want: 'server',
      requests: 3,
    },
    {
      name: 'does not repeat what the server refuses',
      answers: [{ status: 422, body: { reason: 'Invalid', message: 'no' } }, ok] as Answer[],
      call: (t: Transport) => t.apply(configMaps, { metadata: at }, { fieldManager: 'm' }),
      want: 'invalid',
      requests: 1,
    },
    {
      name: 'times out, and repeats what may be repeated',
      answers: ['hang', ok] as Answer[],
      call: (t: Transport) => t.get(configMaps, at, { timeoutMs: 30 }),
      want: undefined,
      requests: 2,
    },
    {
      name: 'times out a create once',
      answers: ['hang', ok] as Answer[],
      call: (t: Transport) => t.create(configMaps, { metadata: at }, { timeoutMs: 30 }),
      want: 'timeout',
      requests: 1,
    },
    {
      name: 'refuses an answer that is not JSON',
      answers: [{ status: 200, text: '<html>' }] as Answer[],
      call: (t: Transport) => t.get(configMaps, at),
      want: 'bad-response',
      requests: 1,
    },
  ]) {
    it(name, async () => {
      answers = given
      const error = await call(connect()).then(
        () => undefined,
        error => error,
      )
      expect(error?.code).to.equal(want)
      expect(asked).to.have.length(requests)
    })
  }

  it('reads the credentials anew after 401, once', async () => {
    answers = [{ status: 401 }, ok]
    await connect({ tokens: ['old', 'new'] }).get(configMaps, at)
    expect(asked.map(({ authorization }) => authorization)).to.deep.equal(['Bearer old', 'Bearer new'])

    answers = [{ status: 401 }, { status: 401 }, ok]
    const error = await connect({ tokens: ['old', 'older'] })
      .get(configMaps, at)
      .catch(error => error)
    expect(error).to.include({ code: 'unauthorized', status: 401 })
  })

  it("ends with the caller's reason when the caller aborts, also while it waits to repeat", async () => {
    for (const answer of ['hang', { status: 429, headers: { 'retry-after': '20' } }] as Answer[]) {
      answers = [answer]
      const controller = new AbortController()
      const call = connect().get(configMaps, at, {}, controller.signal)
      setTimeout(() => controller.abort(new Error('shutting down')), 20)
      expect(await call.catch(error => error)).to.have.property('message', 'shutting down')
    }
  })

  it('ends all calls when it is closed, and takes none after', async () => {
    answers = ['hang']
    const closing = connect()
    const call = closing.get(configMaps, at).catch(error => error)
    await closing.close()
    expect(await call).to.have.property('message', 'the transport is closed')
    expect(await closing.get(configMaps, at).catch(error => error)).to.have.property(
      'message',
      'the transport is closed',
    )
  })

  it('answers other paths as text', async () => {
    answers = [{ status: 200, text: 'ok' }]
    expect(await connect().raw('/readyz')).to.equal('ok')
  })

  it('sends an apply as the server wants it', async () => {
    await connect().apply(configMaps, { metadata: at }, { fieldManager: 'me', subresource: 'status' })
    const { type, url, body } = asked[0] ?? {}
    expect(type).to.equal('application/apply-patch+yaml')
    expect(url).to.equal('/prefix/api/v1/namespaces/n/configmaps/a/status?fieldManager=me&force=true')
    expect(JSON.parse(body ?? '')).to.deep.equal({ apiVersion: 'v1', kind: 'ConfigMap', metadata: at })
  })

  it('tells metrics of each attempt', async () => {
    answers = [{ status: 500 }, 'hang', ok]
    const told: string[] = []
    const hooks: TransportHooks = {
      onRequest: ({ verb, resource, code }) => told.push(`${verb} ${resource} ${code}`),
      onRetry: ({ code }) => told.push(`retry ${code}`),
    }
    // Long enough for a busy machine to give the other two answers.
    await connect({ hooks, timeoutMs: 500 }).get(configMaps, at)
    expect(told).to.deep.equal([
      'get configmaps 500',
      'retry server',
      'get configmaps timeout',
      'retry timeout',
      'get configmaps 200',
    ])
  })
})
