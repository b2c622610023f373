/** Against the real API server, through a network in trouble: what the store holds is compared with what the server holds. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { useApiServer, waitFor } from '../../hack/testing/api-server.ts'
import type { KubeObject } from './objects.ts'
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts'
import { configMaps } from './resources.ts'
import { type FaultProxy, startFaultProxy } from './testing/fault-proxy.ts'
import { createTransport, type Transport } from './transport.ts'

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

const selector = 'reflected=yes'
const expired = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message: 'too old' }

describe('reflector, against the API server', () => {
  const api = useApiServer({ crds: true })
  let directory: string
  let proxy: FaultProxy
  let direct: Transport
  let faulty: Transport
  let stop: AbortController
  let running: Promise<unknown>
  let told: string[]
  let round = 0

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'ekya-reflector-'))
    proxy = await startFaultProxy(api.kubeconfig())
    direct = createTransport({ kubeconfig: api.kubeconfig() })
    faulty = createTransport({ kubeconfig: proxy.kubeconfig(directory) })
  })
  after(async () => {
    await Promise.all([faulty.close(), direct.close()])
    await proxy.close()
    rmSync(directory, { recursive: true })
  })
  beforeEach(() => {
    stop = new AbortController()
    running = Promise.resolve()
    told = []
    round++
  })
  afterEach(async () => {
    stop.abort(new Error('the test is over'))
    await running
  })

  const label = () => ({ reflected: 'yes', round: `${round}` })
  const name = (i: number) => `r${round}-${i}`
  const write = (i: number, value: number) =>
    direct.apply<ConfigMap>(
      configMaps,
      {
        metadata: { namespace: api.namespace(), name: name(i), labels: label() },
        data: { value: `${value}` },
      },
      { fieldManager: 'test' },
    )
  const remove = (i: number) => direct.delete(configMaps, { namespace: api.namespace(), name: name(i) })

  const start = async (options: Partial<ReflectorOptions> = {}): Promise<Reflector<ConfigMap>> => {
    const reflector = createReflector<ConfigMap>({
      transport: faulty,
      resource: configMaps,
      namespace: api.namespace(),
      labelSelector: `${selector},round=${round}`,
      hooks: {
        onList: ({ reason }) => told.push(`list ${reason}`),
        onWatchEnd: ({ end }) => told.push(`watch ${end}`),
      },
      ...options,
    })
    running = reflector.run(stop.signal)
    await reflector.whenSynced(AbortSignal.timeout(10_000))
    return reflector
  }
  const openStreams = () => proxy.streams.filter(({ request }) => request.path.endsWith('/configmaps'))
  const watching = () => waitFor(() => openStreams().length === 1, { describe: 'one open watch' })
  const lists = () => told.filter(line => line.startsWith('list'))

  const values = (items: readonly ConfigMap[]) =>
    Object.fromEntries(items.map(({ metadata, data }) => [metadata.name, data?.value]))
  const inStep = async (reflector: Reflector<ConfigMap>) => {
    const { items } = await direct.list<ConfigMap>(configMaps, {
      namespace: api.namespace(),
      labelSelector: `${selector},round=${round}`,
    })
    await waitFor(
      () => JSON.stringify(sorted(values(reflector.store.list()))) === JSON.stringify(sorted(values(items))),
      {
        describe: () =>
          `the store to hold what the server holds: ${JSON.stringify(values(reflector.store.list()))}`,
      },
    )
    return items.length
  }
  const sorted = (record: Record<string, string | undefined>) => Object.entries(record).sort()

  it('follows adds, updates, deletes, and objects that leave the selection', async () => {
    await write(1, 1)
    const reflector = await start()
    await write(1, 2)
    await write(2, 1)
    await write(3, 1)
    await remove(2)
    await direct.patch(configMaps, { namespace: api.namespace(), name: name(3) }, 'merge', {
      metadata: { labels: { reflected: 'no' } },
    })
    expect(await inStep(reflector)).to.equal(1)
    const object = reflector.store.get(`${api.namespace()}/${name(1)}`)
    expect(object).to.include({ apiVersion: 'v1', kind: 'ConfigMap' })
    expect(object?.metadata.managedFields).to.equal(undefined)
    expect(lists()).to.deep.equal(['list start'])
  })

  it('lists in pages', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, i) => write(i, 1)))
    const before = proxy.requests.length
    const reflector = await start({ pageSize: 5 })
    expect(reflector.store.size).to.equal(12)
    const pages = proxy.requests.slice(before).filter(({ watch }) => !watch)
    expect(pages.map(({ query }) => query.get('limit'))).to.deep.equal(['5', '5', '5'])
  })

  it('starts against a server that refuses for a while', async () => {
    proxy.inject({ kind: 'status', status: 503 }, ({ watch }) => !watch, 3)
    const reflector = await start()
    expect(reflector.hasSynced()).to.equal(true)
  })

  it('misses nothing of 300 changes while its watch breaks in the middle of lines, and never lists again', async function () {
    this.timeout(60_000)
    const reflector = await start()
    const added = new Set<string>()
    const deleted = new Set<string>()
    reflector.store.subscribe({
      onChange: ({ type, key }) => {
        if (type === 'added') added.add(key)
        if (type === 'deleted') deleted.add(key)
      },
    })
    for (let i = 0; i < 300; i++) {
      // Each object is made, changed twice, and every second one deleted; three at a time overlap.
      const object = Math.floor(i / 3)
      await write(object, i)
      if (i % 3 === 2 && object % 2 === 0) await remove(object)
      if (i % 20 === 0) {
        await watching()
        openStreams()[0]?.reset()
      }
    }
    expect(await inStep(reflector)).to.equal(50)
    expect(lists()).to.deep.equal(['list start'])
    expect(told.filter(line => line === 'watch failed').length).to.be.at.least(10)
    // Watches resume where they broke, so even objects that lived shortly were seen.
    expect(added.size).to.equal(100)
    expect(deleted.size).to.equal(50)
  })

  it('takes up at once a watch that the server ended, without a list', async () => {
    const reflector = await start()
    await watching()
    await write(1, 1)
    await inStep(reflector)
    openStreams()[0]?.end()
    await write(1, 2)
    await inStep(reflector)
    expect(told).to.deep.equal(['list start', 'watch closed'])
  })

  for (const { kind, inject, want } of [
    {
      kind: 'as status',
      inject: (proxy: FaultProxy) => {
        proxy.inject({ kind: 'status', status: 410, body: expired }, ({ watch }) => watch)
      },
      want: ['list start', 'watch failed', 'watch gone', 'list status-410'],
    },
    {
      kind: 'in the stream',
      inject: (proxy: FaultProxy) => {
        proxy.inject({ kind: 'watch-line', line: { type: 'ERROR', object: expired } }, ({ watch }) => watch)
      },
      want: ['list start', 'watch failed', 'watch gone', 'list in-band-410'],
    },
  ]) {
    it(`lists anew after 410 ${kind}, and finds what was deleted meanwhile`, async () => {
      await write(1, 1)
      await write(2, 1)
      const reflector = await start()
      await watching()
      await write(2, 2)
      await inStep(reflector)
      const deleted: string[] = []
      reflector.store.subscribe({ onChange: ({ type, key }) => type === 'deleted' && deleted.push(key) })
      inject(proxy)
      const silent = openStreams()[0]
      silent?.silence()
      await remove(1)
      silent?.reset()
      await inStep(reflector)
      expect(deleted).to.deep.equal([`${api.namespace()}/${name(1)}`])
      expect(told).to.deep.equal(want)
    })
  }

  it('recognises a half-open connection by its silence', async () => {
    const reflector = await start({ idleMs: 500 })
    await watching()
    for (const stream of openStreams()) stream.silence()
    await write(1, 1)
    await inStep(reflector)
    expect(told).to.deep.equal(['list start', 'watch idle'])
  })

  /** The first watch asks for this version, whatever the list said. */
  const startingAt = (resourceVersion: string): Pick<Transport, 'list' | 'watch'> => {
    let first = true
    return {
      list: faulty.list,
      watch: (resource, options, signal) => {
        const asked = first ? { ...options, resourceVersion } : options
        first = false
        return faulty.watch(resource, asked, signal)
      },
    }
  }

  it('recovers when the real server says that the version is too old', async () => {
    // The history of a custom resource begins when it is defined, so that version 1 is never in it.
    const resource = {
      group: 'ekya.dev',
      version: 'v1alpha1',
      kind: 'X',
      plural: 'camerastreams',
      namespaced: true,
    }
    const transport = startingAt('1')
    await start({ resource, transport, labelSelector: undefined } as Partial<ReflectorOptions>)
    await waitFor(() => lists().length === 2, { describe: 'another list' })
    expect(told).to.deep.equal(['list start', 'watch gone', 'list in-band-410'])
  })

  it('recovers from a version that the real server has yet to reach, of which it says nothing', async () => {
    const future = '999999999999'
    const list: Transport['list'] = async (...call) => {
      const page = await faulty.list(...call)
      return (lists().length > 0 ? page : { ...page, metadata: { resourceVersion: future } }) as never
    }
    const reflector = await start({ transport: { list, watch: faulty.watch }, idleMs: 300 })
    await waitFor(() => lists().length === 2, { describe: 'another list' })
    expect(told).to.deep.equal(['list start', 'watch idle', 'watch idle', 'list silence'])
    await write(1, 1)
    await inStep(reflector)
  })

  it('ends when told to, and leaves no watch open', async () => {
    await start()
    await watching()
    stop.abort(new Error('stop'))
    await running
    await waitFor(() => openStreams().length === 0, { describe: 'the watch to be closed' })
  })
})
