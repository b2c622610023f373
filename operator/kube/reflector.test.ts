/** The state machine, over a scripted transport and in simulated time; the real server stands in the integration test. */
import { expect } from 'chai'
import { KubeError, statusError } from './errors.ts'
import type { KubeObject } from './objects.ts'
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts'
import { configMaps } from './resources.ts'
import { ManualClock, settle } from './testing/manual-clock.ts'
import type { ListOptions, WatchEvent, WatchOptions } from './transport.ts'

const object = (name: string, version: number): KubeObject => ({
  metadata: {
    namespace: 'n',
    name,
    uid: name,
    resourceVersion: `${version}`,
    managedFields: [{ manager: 'me' }, { manager: 'other' }],
  },
})
const event = (
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK',
  name: string,
  version: number,
): WatchEvent => ({
  type,
  object: object(name, version),
})
const inBand = (code: number, reason?: string): WatchEvent => ({ type: 'ERROR', object: { code, reason } })
const gone = statusError('WATCH', 410, { reason: 'Expired' })
const connection = new KubeError('reset', { code: 'connection', retryable: true })
const idle = new KubeError('no answer', { code: 'timeout', retryable: true })

type Page = { items: KubeObject[]; version: number; continue?: string } | KubeError
/** What a watch says, then how it ends: after so many ms, by an error, or never. */
interface Stream {
  readonly says?: readonly WatchEvent[]
  readonly lastsMs?: number
  readonly fails?: Error
}

/** Answers lists and watches from the script; a list that is not in it has `items` a, and a watch that is not in it is quiet. */
/** Granted, and nothing after. */
const silent: Stream = { says: [], fails: idle }

class Script {
  readonly clock = new ManualClock()
  readonly lists: ListOptions[] = []
  readonly watches: (WatchOptions & { atMs: number })[] = []
  readonly pages: Page[]
  readonly streams: Stream[]
  readonly stop = new AbortController()
  readonly told: string[] = []
  readonly reflector: Reflector
  running: Promise<void> | undefined

  constructor({
    pages = [],
    streams = [],
    ...options
  }: { pages?: Page[]; streams?: Stream[] } & Partial<ReflectorOptions> = {}) {
    this.pages = pages
    this.streams = streams
    this.reflector = createReflector({
      transport: { list: this.#list, watch: this.#watch } as never,
      resource: configMaps,
      clock: this.clock,
      random: () => 0.5,
      hooks: {
        onList: ({ reason, items }) => this.told.push(`list ${reason} ${items}`),
        onWatchEnd: ({ end }) => this.told.push(`watch ${end}`),
      },
      ...options,
    })
  }

  async run(forMs = 0): Promise<this> {
    this.running ??= this.reflector.run(this.stop.signal)
    await this.clock.advance(forMs)
    await settle()
    return this
  }

  names(): string[] {
    return this.reflector.store.list().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
  }

  readonly #list = async (_: unknown, options: ListOptions) => {
    this.lists.push(options)
    const page = this.pages.shift() ?? { items: [object('a', 1)], version: 1 }
    if (page instanceof Error) throw page
    return { items: page.items, metadata: { resourceVersion: `${page.version}`, continue: page.continue } }
  }

  readonly #watch = async function* (this: Script, _: unknown, options: WatchOptions, signal: AbortSignal) {
    this.watches.push({ ...options, atMs: this.clock.monotonicMs() })
    const stream = this.streams.shift() ?? {}
    if (stream.fails && !stream.says) throw stream.fails
    options.onOpen?.()
    yield* stream.says ?? []
    const lastsMs = stream.lastsMs ?? (stream.fails ? 0 : 10 ** 9)
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      this.clock.schedule(resolve, lastsMs)
    })
    if (stream.fails) throw stream.fails
  }.bind(this)
}

describe('reflector', () => {
  it('has synced with the first whole list, not before', async () => {
    const script = new Script({ pages: [connection, connection] })
    const synced = script.reflector.whenSynced()
    await script.run()
    expect(script.reflector.hasSynced()).to.equal(false)
    expect(script.reflector.problem()).to.equal(connection)
    await script.run(1_000)
    await synced
    expect(script.reflector.hasSynced()).to.equal(true)
    expect(script.reflector.problem()).to.equal(undefined)
    expect(script.names()).to.deep.equal(['a@1'])
  })

  it('tells how long the server has said nothing', async () => {
    const script = new Script({
      pages: [connection, { items: [], version: 1 }],
      streams: [{ says: [event('BOOKMARK', 'a', 2)] }],
    })
    await script.run(100)
    expect(script.reflector.silentMs()).to.equal(100)
    await script.run(1_000)
    const heard = script.reflector.silentMs()
    expect(heard).to.be.below(1_000)
    await script.run(60_000)
    expect(script.reflector.silentMs()).to.equal(heard + 60_000)
  })

  it('lists in pages, and watches from the version of the list', async () => {
    const script = new Script({
      pages: [
        { items: [object('a', 3)], version: 10, continue: 'next' },
        { items: [object('b', 4)], version: 10 },
      ],
      pageSize: 1,
      labelSelector: 'x=y',
    })
    await script.run()
    expect(script.names()).to.deep.equal(['a@3', 'b@4'])
    expect(script.lists).to.deep.equal([
      { limit: 1, continue: undefined, namespace: undefined, labelSelector: 'x=y', fieldSelector: undefined },
      { limit: 1, continue: 'next', namespace: undefined, labelSelector: 'x=y', fieldSelector: undefined },
    ])
    expect(script.watches[0]).to.include({
      resourceVersion: '10',
      allowWatchBookmarks: true,
      labelSelector: 'x=y',
      timeoutSeconds: 450,
      idleMs: 150_000,
    })
  })

  it('reads the list in one piece when the snapshot behind its pages expires', async () => {
    const script = new Script({
      pages: [
        { items: [object('a', 3)], version: 10, continue: 'next' },
        statusError('LIST', 410, { reason: 'Expired' }),
        { items: [object('b', 20)], version: 21 },
      ],
    })
    await script.run()
    expect(script.names()).to.deep.equal(['b@20'])
    expect(script.lists.at(-1)).to.not.have.property('limit')
    expect(script.watches[0]?.resourceVersion).to.equal('21')
  })

  it('gives objects of lists and of events one shape, and keeps only the managed fields it was told to', async () => {
    const script = new Script({
      streams: [
        { says: [{ type: 'ADDED', object: { apiVersion: 'v1', kind: 'ConfigMap', ...object('b', 2) } }] },
      ],
      keepFieldManagers: ['me'],
    })
    await script.run()
    for (const item of script.reflector.store.list()) {
      expect(item).to.include({ apiVersion: 'v1', kind: 'ConfigMap' })
      expect(item.metadata.managedFields).to.deep.equal([{ manager: 'me' }])
    }
    const plain = await new Script().run()
    expect(plain.reflector.store.get('n/a')?.metadata).to.not.have.property('managedFields')
  })

  it('applies events, and takes up a watch that the server ended where it ended, at once', async () => {
    const script = new Script({
      streams: [
        {
          says: [event('ADDED', 'b', 5), event('MODIFIED', 'a', 6), event('BOOKMARK', '', 9)],
          lastsMs: 2_000,
        },
        { says: [event('DELETED', 'b', 12)] },
      ],
    })
    await script.run()
    expect(script.names()).to.deep.equal(['a@6', 'b@5'])
    await script.run(2_000)
    expect(script.names()).to.deep.equal(['a@6'])
    expect(script.watches.map(({ resourceVersion, atMs }) => [resourceVersion, atMs])).to.deep.equal([
      ['1', 0],
      ['9', 2_000],
    ])
    expect(script.told).to.deep.equal(['list start 1', 'watch closed'])
  })

  for (const { name, stream, waitMs, end } of [
    { name: 'a broken connection', stream: { fails: connection }, waitMs: 200, end: 'failed' },
    {
      name: 'a server that refuses',
      stream: { fails: statusError('WATCH', 500, undefined) },
      waitMs: 200,
      end: 'failed',
    },
    {
      name: 'a server that asks to wait',
      stream: { fails: statusError('WATCH', 429, undefined, 7_000) },
      waitMs: 7_000,
      end: 'failed',
    },
    {
      name: 'an error within the stream that is not 410',
      stream: { says: [inBand(500)] },
      waitMs: 200,
      end: 'failed',
    },
    {
      name: 'a watch that is over at once without an event',
      stream: { lastsMs: 0 },
      waitMs: 200,
      end: 'short',
    },
    {
      name: 'a watch that fell idle',
      stream: { fails: new KubeError('idle', { code: 'timeout', retryable: true }) },
      waitMs: 200,
      end: 'idle',
    },
  ] satisfies { name: string; stream: Stream; waitMs: number; end: string }[]) {
    it(`after ${name} waits ${waitMs} ms and resumes, without a list`, async () => {
      const script = new Script({ streams: [stream] })
      await script.run(waitMs - 1)
      expect(script.watches).to.have.length(1)
      await script.run(1)
      expect(script.watches.map(({ resourceVersion }) => resourceVersion)).to.deep.equal(['1', '1'])
      expect(script.told).to.deep.equal(['list start 1', `watch ${end}`])
    })
  }

  it('waits longer after each failure in a row, and starts over after an event', async () => {
    const fails: Stream = { fails: connection }
    const script = new Script({
      streams: [fails, fails, fails, { says: [event('ADDED', 'b', 2)], fails: connection }, fails],
    })
    await script.run(60_000)
    const at = script.watches.map(({ atMs }) => atMs)
    expect(at.slice(1).map((ms, i) => ms - (at[i] ?? 0))).to.deep.equal([200, 400, 800, 200, 400])
  })

  for (const { name, stream, told } of [
    { name: 'as status', stream: { fails: gone }, told: 'status-410' },
    {
      name: 'in the stream',
      stream: { says: [event('MODIFIED', 'a', 2), inBand(410, 'Expired')] },
      told: 'in-band-410',
    },
  ] satisfies { name: string; stream: Stream; told: string }[]) {
    it(`lists anew after 410 ${name}, and finds what was deleted meanwhile`, async () => {
      const script = new Script({
        pages: [
          { items: [object('a', 1), object('b', 1)], version: 1 },
          { items: [object('a', 7)], version: 8 },
        ],
        streams: [stream],
      })
      const deleted: string[] = []
      script.reflector.store.subscribe({
        onChange: ({ type, key }) => type === 'deleted' && deleted.push(key),
      })
      await script.run(300)
      expect(script.names()).to.deep.equal(['a@7'])
      expect(deleted).to.deep.equal(['n/b'])
      expect(script.told).to.include(`list ${told} 1`)
      expect(script.watches.at(-1)?.resourceVersion).to.equal('8')
    })
  }

  it('does not list in a loop where each watch after a list ends with 410', async () => {
    const script = new Script({ streams: Array.from({ length: 50 }, () => ({ fails: gone })) })
    await script.run(10_000)
    expect(script.lists.length).to.be.within(3, 8)
  })

  it('lists anew after two silent watches in a row, as of a server that was restored from an older state', async () => {
    const script = new Script({
      pages: [
        { items: [object('a', 100)], version: 100 },
        { items: [object('a', 7)], version: 8 },
      ],
      streams: [silent, { says: [event('BOOKMARK', '', 101)], fails: idle }, silent],
    })
    await script.run(550)
    expect(script.watches).to.have.length(3)
    expect(script.lists).to.have.length(1)
    await script.run(5_000)
    expect(script.told.filter(line => line.startsWith('list'))).to.deep.equal([
      'list start 1',
      'list silence 1',
    ])
    expect(script.names()).to.deep.equal(['a@7'])
    expect(script.watches.at(-1)?.resourceVersion).to.equal('8')
  })

  it('does not list because the network swallows all watches', async () => {
    const script = new Script({ streams: Array.from({ length: 5 }, () => ({ fails: idle })) })
    await script.run(60_000)
    expect(script.watches).to.have.length(6)
    expect(script.lists).to.have.length(1)
  })

  it('cuts off a watch that outlives its promised end', async () => {
    const script = new Script({ watchSeconds: [10, 10] })
    await script.run(14_999)
    expect(script.watches).to.have.length(1)
    await script.run(1)
    expect(script.watches).to.have.length(2)
    expect(script.lists).to.have.length(1)
  })

  it('ends when told to, from wherever it is', async () => {
    for (const options of [{}, { pages: [connection] }, { streams: [{ fails: connection }] }]) {
      const script = await new Script(options).run(10)
      script.stop.abort(new Error('stop'))
      await script.running
      const watches = script.watches.length
      await script.clock.advance(60_000)
      expect(script.watches).to.have.length(watches)
    }
  })

  it('rejects who waits for the first list when he aborts', async () => {
    const script = new Script()
    const error = await script.reflector.whenSynced(AbortSignal.abort(new Error('no'))).catch(error => error)
    expect(error).to.have.property('message', 'no')
  })
})
