import { expect } from 'chai'
import { statusError } from './errors.ts'
import { createEventRecorder, cutNote, type EventRecorderOptions } from './events.ts'
import { ManualClock, settle } from './testing/manual-clock.ts'

const stream = {
  apiVersion: 'ekya.dev/v1alpha1',
  kind: 'CameraStream',
  metadata: { namespace: 'n', name: 'cam', uid: 'u' },
}
const note = (text = 'retrained') =>
  ({ type: 'Normal', reason: 'Retrained', action: 'Retrain', note: text }) as const

function make(options: Partial<EventRecorderOptions> = {}) {
  const clock = new ManualClock()
  const calls: { verb: string; body: Record<string, unknown>; name?: string }[] = []
  const failures: unknown[] = []
  let names = 0
  const answer = async () => {
    const failure = failures.shift()
    if (failure) throw failure
    return {} as never
  }
  const recorder = createEventRecorder({
    transport: {
      create: ((_: unknown, body: Record<string, unknown>) => {
        calls.push({ verb: 'create', body })
        return answer()
      }) as never,
      patch: ((_: unknown, at: { name: string }, __: unknown, body: Record<string, unknown>) => {
        calls.push({ verb: 'patch', body, name: at.name })
        return answer()
      }) as never,
    },
    controller: 'ekya.dev/operator',
    instance: 'pod-1',
    clock,
    random: () => String(names++),
    ...options,
  })
  return { clock, calls, failures, recorder }
}

describe('event recorder', () => {
  it('writes an event as events.k8s.io/v1 wants it', async () => {
    const { calls, recorder } = make()
    recorder.record(stream, note())
    await settle()
    expect(calls).to.deep.equal([
      {
        verb: 'create',
        body: {
          metadata: { name: 'cam.0', namespace: 'n' },
          eventTime: '2030-01-01T00:00:00.000000Z',
          type: 'Normal',
          reason: 'Retrained',
          action: 'Retrain',
          note: 'retrained',
          reportingController: 'ekya.dev/operator',
          reportingInstance: 'pod-1',
          regarding: {
            apiVersion: 'ekya.dev/v1alpha1',
            kind: 'CameraStream',
            namespace: 'n',
            name: 'cam',
            uid: 'u',
          },
        },
      },
    ])
  })

  it('puts events of cluster-scoped objects into the default namespace', async () => {
    const { calls, recorder } = make()
    recorder.record({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' } }, note())
    await settle()
    expect(calls[0]?.body).to.have.nested.property('metadata.namespace', 'default')
    expect(calls[0]?.body).to.have.nested.property('regarding.namespace', undefined)
  })

  it('counts what is said again, and writes the count at most every ten seconds', async () => {
    const { clock, calls, recorder } = make()
    for (let i = 0; i < 100; i++) {
      recorder.record(stream, note())
      await clock.advance(300)
    }
    const patches = calls.filter(({ verb }) => verb === 'patch')
    expect(calls.filter(({ verb }) => verb === 'create')).to.have.length(1)
    expect(patches.length).to.be.within(2, 3)
    await recorder.flush()
    expect(calls.at(-1)).to.deep.include({ verb: 'patch', name: 'cam.0' })
    expect(calls.at(-1)?.body).to.have.nested.property('series.count', 100)
  })

  it('writes other words, another reason or another object as another event', async () => {
    const { calls, recorder } = make()
    recorder.record(stream, note('61 → 78 %'))
    recorder.record(stream, note('61 → 79 %'))
    recorder.record(stream, { ...note('61 → 78 %'), reason: 'Skipped' })
    recorder.record({ ...stream, metadata: { ...stream.metadata, uid: 'v' } }, note('61 → 78 %'))
    await settle()
    expect(calls.map(({ verb }) => verb)).to.deep.equal(['create', 'create', 'create', 'create'])
  })

  it('begins a new event when the same is said after six minutes of silence', async () => {
    const { clock, calls, recorder } = make()
    recorder.record(stream, note())
    await clock.advance(6 * 60_000 + 1)
    recorder.record(stream, note())
    await settle()
    expect(calls.map(({ verb }) => verb)).to.deep.equal(['create', 'create'])
  })

  it('begins a new event when the server has forgotten the old one', async () => {
    const { clock, calls, failures, recorder } = make()
    recorder.record(stream, note())
    await settle()
    failures.push(statusError('PATCH', 404, { reason: 'NotFound' }))
    recorder.record(stream, note())
    await clock.advance(10_000)
    recorder.record(stream, note())
    await settle()
    expect(calls.map(({ verb }) => verb)).to.deep.equal(['create', 'patch', 'create'])
  })

  it('limits what one object can cause, and lets it speak again after a while', async () => {
    const { clock, calls, recorder } = make({ burst: 3, refillMs: 1_000 })
    for (let i = 0; i < 10; i++) recorder.record(stream, note(`${i}`))
    recorder.record({ ...stream, metadata: { ...stream.metadata, uid: 'v' } }, note('other'))
    await settle()
    expect(calls.map(({ body }) => body.note)).to.deep.equal(['0', '1', '2', 'other'])
    expect(recorder.dropped).to.equal(7)
    await clock.advance(1_000)
    recorder.record(stream, note('later'))
    await settle()
    expect(calls.at(-1)?.body.note).to.equal('later')
  })

  it('neither waits nor fails when the server is away, and keeps a bounded number', async () => {
    const logged: string[] = []
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, message: string) => logged.push(message),
    }
    const { calls, failures, recorder } = make({ capacity: 2, burst: 100, log })
    failures.push(...Array(5).fill(statusError('POST', 503, undefined)))
    for (let i = 0; i < 5; i++) recorder.record(stream, note(`${i}`))
    await settle()
    expect(recorder.dropped).to.equal(2)
    expect(calls).to.have.length(3)
    expect(logged).to.have.length(3)
  })

  it('writes what could not be written when it is said again', async () => {
    const { calls, failures, recorder } = make()
    failures.push(statusError('POST', 503, undefined))
    recorder.record(stream, note())
    await settle()
    recorder.record(stream, note())
    await settle()
    expect(calls.map(({ verb }) => verb)).to.deep.equal(['create', 'create'])
  })

  it('leaves no timer when nothing was said for long', async () => {
    const { clock, recorder } = make()
    recorder.record(stream, note())
    await clock.advance(60 * 60_000)
    expect(clock.timers).to.equal(0)
  })
})

describe('cutNote', () => {
  for (const { name, text } of [
    { name: 'short', text: 'short' },
    { name: 'of 1024 bytes', text: 'x'.repeat(1024) },
    { name: 'long', text: 'x'.repeat(5000) },
    { name: 'of characters of two bytes', text: 'ü'.repeat(700) },
    { name: 'of characters of four bytes', text: '😀'.repeat(300) },
  ]) {
    it(`leaves a note ${name} whole or cuts it between characters`, () => {
      const cut = cutNote(text)
      expect(Buffer.byteLength(cut)).to.be.at.most(1024)
      expect(cut).to.not.include('�')
      if (Buffer.byteLength(text) <= 1024) expect(cut).to.equal(text)
      else expect(cut.endsWith('…') && text.startsWith(cut.slice(0, -1))).to.equal(true)
    })
  }
})
