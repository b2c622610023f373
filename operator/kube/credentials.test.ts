import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadCredentials } from './credentials.ts'
import { ManualClock } from './testing/manual-clock.ts'

describe('loadCredentials', () => {
  let directory: string
  let file: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ekya-credentials-'))
    file = join(directory, 'config')
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const config = (server: string, user: object = {}, cluster: object = {}, context: object = {}) =>
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server, ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', ...context } }],
      'current-context': 'x',
    })
  const write = (...parts: [user: object, cluster?: object, context?: object]) =>
    writeFileSync(file, config('https://example.test:6443/base/', ...parts))
  const load = (clock = new ManualClock()) => loadCredentials({ kubeconfig: file, clock })

  for (const { name, user, want } of [
    { name: 'a token', user: { token: 't' }, want: 'Bearer t' },
    { name: 'a name and a password', user: { username: 'a', password: 'b' }, want: 'Basic YTpi' },
    { name: 'nothing', user: {}, want: undefined },
  ]) {
    it(`takes ${name} from a kubeconfig`, async () => {
      write(user)
      const connection = await load().connection()
      expect(connection.headers.authorization).to.equal(want)
      expect(connection).to.include({
        origin: 'https://example.test:6443',
        basePath: '/base',
        proxyUrl: undefined,
      })
    })
  }

  it("knows the context's namespace", () => {
    write({}, {}, { namespace: 'site-7' })
    expect(load().namespace).to.equal('site-7')
    write({})
    expect(load().namespace).to.equal('default')
  })

  it('takes up a certificate that was replaced on disk, which asks for other sockets', async () => {
    const clock = new ManualClock()
    const certificate = join(directory, 'tls.crt')
    writeFileSync(certificate, 'old')
    write({ 'client-certificate': certificate, 'client-key-data': 'a2V5' })
    const credentials = load(clock)
    const before = await credentials.connection()
    writeFileSync(certificate, 'new')
    expect(await credentials.connection()).to.equal(before)
    await clock.advance(10_000)
    const after = await credentials.connection()
    expect(String(after.tls.cert)).to.equal('new')
    expect(after.fingerprint).to.not.equal(before.fingerprint)
  })

  it('takes up another token at once when it was told that the old one is bad, over the same sockets', async () => {
    write({ token: 'old' })
    const credentials = load()
    const before = await credentials.connection()
    write({ token: 'new' })
    credentials.invalidate()
    const after = await credentials.connection()
    expect(after.headers.authorization).to.equal('Bearer new')
    expect(after.fingerprint).to.equal(before.fingerprint)
  })

  for (const { name, content, want } of [
    {
      name: 'is missing',
      content: undefined,
      want: /cannot read the Kubernetes configuration .*config: ENOENT/,
    },
    { name: 'is not YAML', content: '{', want: /cannot read the Kubernetes configuration/ },
    { name: 'is empty', content: '', want: /Kubernetes configuration/ },
    {
      name: 'has a current-context that leads nowhere',
      content: 'clusters: []\nusers: []\ncontexts: []\ncurrent-context: gone\n',
      want: /its current-context "gone" leads to no cluster/,
    },
    {
      name: 'names a server without TLS',
      content: config('http://127.0.0.1:8080'),
      want: /config: server http:\/\/127\.0\.0\.1:8080 would get credentials in the clear; accepted: https/,
    },
    {
      name: 'names a server that is no address',
      content: config('example.test'),
      want: /config: server "example\.test" is no address; accepted: https/,
    },
  ]) {
    it(`says so when the file ${name}`, () => {
      if (content !== undefined) writeFileSync(file, content)
      expect(() => load())
        .to.throw(want)
        .with.property('code', 'configuration')
    })
  }

  it('says which exec plugin failed', async () => {
    write({
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: join(directory, 'no-such-plugin') },
    })
    const error = await load()
      .connection()
      .catch(error => error)
    expect(error).to.include({ code: 'configuration', retryable: true })
    expect(error.message).to.match(/no-such-plugin/)
  })
})
