/** Against the real API server, where it matters what it really says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { useApiServer } from '../../hack/testing/api-server.ts'
import { apply, applyTo, wouldChange } from './apply.ts'
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts'
import { createEventRecorder } from './events.ts'
import { microTime } from './micro-time.ts'
import type { KubeObject } from './objects.ts'
import { listAll } from './pager.ts'
import { configMaps, events, leases, pods } from './resources.ts'
import { type FaultProxy, startFaultProxy } from './testing/fault-proxy.ts'
import { createTransport, type Transport } from './transport.ts'

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    error => error,
  )

describe('transport, against the API server', () => {
  const api = useApiServer()
  let transport: Transport
  let connects = { call: 0, watch: 0 }
  before(() => {
    transport = createTransport({
      kubeconfig: api.kubeconfig(),
      hooks: { onConnect: lane => connects[lane]++ },
    })
  })
  after(() => transport.close())

  const at = (name: string) => ({ namespace: api.namespace(), name })
  const make = (name: string, data: Record<string, string> = {}) =>
    transport.create<ConfigMap>(configMaps, { metadata: at(name), data })

  it('creates, reads, lists, updates, patches and deletes', async () => {
    const made = await make('crud', { a: '1' })
    expect(made.metadata.creationTimestamp).to.be.a('string')
    expect(await transport.get<ConfigMap>(configMaps, at('crud'))).to.deep.include({ data: { a: '1' } })
    const updated = await transport.update<ConfigMap>(configMaps, { ...made, data: { a: '2' } })
    await transport.patch(configMaps, at('crud'), 'merge', { data: { b: '3' } })
    const patched = await transport.patch<ConfigMap>(configMaps, at('crud'), 'json', [
      { op: 'remove', path: '/data/a' },
    ])
    expect(patched.data).to.deep.equal({ b: '3' })
    expect(await failure(transport.update(configMaps, updated))).to.satisfy(isConflict)
    const listed = await transport.list<ConfigMap>(configMaps, {
      namespace: api.namespace(),
      fieldSelector: 'metadata.name=crud',
    })
    expect(listed.items).to.have.length(1)
    expect(await failure(make('crud'))).to.satisfy(isAlreadyExists)
    await transport.delete(configMaps, at('crud'))
    expect(await failure(transport.get(configMaps, at('crud')))).to.satisfy(isNotFound)
  })

  it('deletes only the object that was meant', async () => {
    const made = await make('meant')
    const other = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } }
    expect(await failure(transport.delete(configMaps, at('meant'), other))).to.satisfy(isConflict)
    await transport.delete(configMaps, at('meant'), { preconditions: { uid: made.metadata.uid } })
  })

  it('says which field the server refuses', async () => {
    const error = await failure(make('bad', { 'not a key': 'x' }))
    expect(error).to.have.property('code', 'invalid')
    expect(error.message).to.match(/POST .*configmaps: 422 Invalid: .*data\[not a key\]/)
  })

  it('lists any number in pages of one snapshot', async () => {
    await Promise.all(Array.from({ length: 23 }, (_, i) => make(`page-${i}`)))
    const whole = await listAll(transport, configMaps, { namespace: api.namespace(), pageSize: 5 })
    expect(whole.items.filter(({ metadata }) => metadata.name.startsWith('page-'))).to.have.length(23)
    expect(whole.resourceVersion).to.match(/^\d+$/)
  })

  it('makes one connection for 200 calls in a row, and no more than its limit for 200 at once', async () => {
    connects = { call: 0, watch: 0 }
    const limited = createTransport({
      kubeconfig: api.kubeconfig(),
      connections: 8,
      hooks: { onConnect: lane => connects[lane]++ },
    })
    try {
      for (let i = 0; i < 200; i++) await limited.list(configMaps, { namespace: api.namespace(), limit: 1 })
      expect(connects).to.deep.equal({ call: 1, watch: 0 })
      await Promise.all(
        Array.from({ length: 200 }, () => limited.list(configMaps, { namespace: api.namespace(), limit: 1 })),
      )
      expect(connects.call).to.be.at.most(8)
    } finally {
      await limited.close()
    }
  })

  it('takes MicroTime with six digits, which the server insists on', async () => {
    const now = new Date()
    const lease = (name: string, renewTime: string) => ({ metadata: at(name), spec: { renewTime } })
    const error = await failure(transport.create(leases, lease('three', now.toISOString())))
    expect(error).to.include({ status: 400 })
    const made = await transport.create<KubeObject & { spec: { renewTime: string } }>(
      leases,
      lease('six', microTime(now)),
    )
    expect(made.spec.renewTime).to.equal(microTime(now))
  })

  it('writes pods subresources', async () => {
    const pod = {
      metadata: at('sub'),
      spec: {
        containers: [
          {
            name: 'worker',
            image: 'none',
            resources: { limits: { cpu: '100m' }, requests: { cpu: '100m' } },
          },
        ],
      },
    }
    await transport.create(pods, pod)
    const options = { subresource: 'status' }
    const patched = await transport.patch<KubeObject & { status: { message: string } }>(
      pods,
      at('sub'),
      'strategic-merge',
      { status: { message: 'here' } },
      options,
    )
    expect(patched.status.message).to.equal('here')
    await transport.delete(pods, at('sub'), { gracePeriodSeconds: 0 })
  })

  describe('server-side apply', () => {
    const fieldManager = 'ekya.dev/test'
    const body = (name: string, data: Record<string, string>, more: object = {}) => ({
      resource: configMaps,
      fieldManager,
      body: { metadata: { ...at(name), ...more }, data },
    })

    it('creates, and removes what is no longer stated, and leaves alone what others own', async () => {
      await apply(transport, body('ssa', { a: '1', b: '2' }))
      await transport.patch(configMaps, at('ssa'), 'merge', { data: { theirs: 'x' } })
      const after = await apply<ConfigMap>(transport, body('ssa', { a: '1' }))
      expect(after.data).to.deep.equal({ a: '1', theirs: 'x' })
    })

    it('does not bring back a deleted object when it names a uid, and does when it does not', async () => {
      const made = await apply<ConfigMap>(transport, body('ghost', { a: '1' }))
      await transport.delete(configMaps, at('ghost'))
      expect(await failure(applyTo(transport, made, body('ghost', { a: '2' })))).to.satisfy(isConflict)
      expect(await failure(transport.get(configMaps, at('ghost')))).to.satisfy(isNotFound)
      await apply(transport, body('ghost', { a: '2' }))
      // The same name, and another object.
      expect(await failure(applyTo(transport, made, body('ghost', { a: '3' })))).to.satisfy(isConflict)
    })

    it('knows from the managed fields when nothing would change', async () => {
      const made = await apply<ConfigMap>(transport, body('same', { a: '1' }, { labels: { l: 'x' } }))
      const application = body('same', { a: '1' }, { labels: { l: 'x' } })
      expect(wouldChange(made, application)).to.equal(false)
      expect(await applyTo(transport, made, application)).to.equal(undefined)
      expect(wouldChange(made, body('same', { a: '2' }, { labels: { l: 'x' } }))).to.equal(true)
      expect(wouldChange(made, body('same', { a: '1' }))).to.equal(true)
      expect(wouldChange(made, body('same', { a: '1', b: '2' }, { labels: { l: 'x' } }))).to.equal(true)
    })

    it('knows it for the whole of a pod, status conditions included', async () => {
      const spec = {
        containers: [
          {
            name: 'worker',
            image: 'none',
            env: [{ name: 'A', value: '1' }],
            ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
            resources: { requests: { cpu: '100m' }, limits: { cpu: '100m' } },
          },
        ],
        nodeSelector: { a: 'b' },
      }
      const pod = {
        resource: pods,
        fieldManager,
        body: { metadata: { ...at('whole'), labels: { l: 'x' } }, spec },
      }
      const made = await apply<KubeObject>(transport, pod)
      expect(wouldChange(made, pod)).to.equal(false)
      const condition = { type: 'ekya.dev/Ready', status: 'True', lastTransitionTime: '2030-01-01T00:00:00Z' }
      const status = {
        resource: pods,
        fieldManager,
        subresource: 'status',
        body: { metadata: at('whole'), status: { conditions: [condition] } },
      }
      expect(wouldChange(made, status)).to.equal(true)
      const after = await apply<KubeObject>(transport, status)
      expect(wouldChange(after, status)).to.equal(false)
      expect(wouldChange(after, pod)).to.equal(false)
      await transport.delete(pods, at('whole'), { gracePeriodSeconds: 0 })
    })
  })

  it('records events that the server takes, and counts repetitions', async () => {
    const recorder = createEventRecorder({ transport, controller: 'ekya.dev/test', instance: 'test-1' })
    const regarding = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...at('seen'), uid: 'u' } }
    const note = { type: 'Warning', reason: 'Odd', action: 'Look', note: 'ü'.repeat(2000) } as const
    for (let i = 0; i < 5; i++) recorder.record(regarding, note)
    await recorder.flush()
    const listed = await transport.list<KubeObject & { series?: { count: number }; note: string }>(events, {
      namespace: api.namespace(),
    })
    const [event] = listed.items.filter(({ metadata }) => metadata.name.startsWith('seen.'))
    expect(event?.series?.count).to.equal(5)
    expect(Buffer.byteLength(event?.note ?? '')).to.be.at.most(1024)
  })

  describe('through a network in trouble', () => {
    let directory: string
    let proxy: FaultProxy
    let faulty: Transport
    before(async () => {
      directory = mkdtempSync(join(tmpdir(), 'ekya-transport-'))
      proxy = await startFaultProxy(api.kubeconfig())
      faulty = createTransport({ kubeconfig: proxy.kubeconfig(directory), timeoutMs: 2_000 })
    })
    after(async () => {
      await faulty.close()
      await proxy.close()
      rmSync(directory, { recursive: true })
    })

    it('waits as long as the server says', async () => {
      const throttled = proxy.inject({ kind: 'status', status: 429, headers: { 'retry-after': '1' } })
      const startedMs = performance.now()
      await faulty.create(configMaps, { metadata: at('throttled') })
      expect(performance.now() - startedMs).to.be.within(990, 3_000)
      expect(throttled.hits).to.equal(1)
    })

    it('does not make an object twice when the answer is lost', async () => {
      proxy.inject({ kind: 'reset-after' }, ({ method }) => method === 'POST')
      const error = await failure(faulty.create(configMaps, { metadata: at('once') }))
      expect(error).to.include({ code: 'connection', retryable: true })
      expect(await failure(faulty.create(configMaps, { metadata: at('once') }))).to.satisfy(isAlreadyExists)
    })

    it('applies once more when the answer is lost', async () => {
      proxy.inject({ kind: 'reset-after' }, ({ method }) => method === 'PATCH')
      const body = { metadata: at('lost'), data: { a: '1' } }
      const applied = await apply<ConfigMap>(faulty, { resource: configMaps, fieldManager: 'm', body })
      expect(applied.data).to.deep.equal({ a: '1' })
    })

    it('reads in spite of 500, a broken connection and a server that hangs', async () => {
      await make('hard')
      const isRead = ({ method }: { method: string }) => method === 'GET'
      proxy.inject({ kind: 'status', status: 500 }, isRead)
      proxy.inject({ kind: 'reset-before' }, isRead)
      proxy.inject({ kind: 'hang' }, isRead)
      const read = await faulty.get(configMaps, at('hard'), { timeoutMs: 200 })
      expect(read.metadata.name).to.equal('hard')
    })

    it('does not mistake the page of a gateway for an object', async () => {
      proxy.inject({ kind: 'status', status: 502, body: '<html>bad gateway</html>' }, () => true, 9)
      const error = await failure(faulty.get(configMaps, at('hard'), { retries: 0 }))
      expect(error).to.include({ code: 'server', status: 502 })
      expect(error.message).to.match(/<html>bad gateway/)
    })
  })
})
