/**
 * Against a lease in memory that keeps the server's rule for writes by resourceVersion, in simulated time, so that
 * hours of faults pass in a second. The integration test has the real server.
 */
import { expect } from 'chai'
import fc from 'fast-check'
import type { Clock } from './clock.ts'
import { KubeError, statusError } from './errors.ts'
import {
  createLeaderElector,
  type ElectorState,
  type LeaderElector,
  type LeaderElectorOptions,
} from './leader-election.ts'
import type { KubeObject } from './objects.ts'
import { ManualClock } from './testing/manual-clock.ts'

type Lease = KubeObject & { readonly spec: Readonly<Record<string, unknown>> }

const at = { namespace: 'n', name: 'lease' }

class LeaseServer {
  lease: Lease | undefined
  #version = 0

  read(): Lease {
    if (!this.lease) throw statusError('GET lease', 404, { reason: 'NotFound' })
    return this.lease
  }

  create(lease: Lease): Lease {
    if (this.lease) throw statusError('POST lease', 409, { reason: 'AlreadyExists' })
    return this.#store(lease)
  }

  update(lease: Lease): Lease {
    const before = this.read()
    if (lease.metadata.resourceVersion !== before.metadata.resourceVersion) {
      throw statusError('PUT lease', 409, { reason: 'Conflict' })
    }
    return this.#store(lease)
  }

  #store(lease: Lease): Lease {
    for (const stamp of [lease.spec.renewTime, lease.spec.acquireTime]) {
      expect(stamp, 'MicroTime').to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    }
    this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } }
    return this.lease
  }
}

interface Network {
  /** Until when (simulated ms) nothing passes. */
  cutUntilMs: number
  /** How long a request, and then its answer, are under way. */
  requestMs: number
  answerMs: number
  /** The answer to the next write is lost. */
  loseAnswer: boolean
}

/** One candidate: its own process (which can be stopped and resumed), network and wall clock. */
class Candidate {
  readonly network: Network = { cutUntilMs: 0, requestMs: 5, answerMs: 5, loseAnswer: false }
  readonly states: ElectorState[] = []
  readonly stop = new AbortController()
  readonly elector: LeaderElector
  readonly clock: Clock
  stoppedUntilMs = 0
  leading: AbortSignal | undefined
  outcome: string | undefined
  readonly #time: ManualClock

  constructor(
    time: ManualClock,
    server: LeaseServer,
    identity: string,
    options: { skewMs?: number } & Partial<LeaderElectorOptions> = {},
  ) {
    const { skewMs = 0, ...more } = options
    this.#time = time
    this.clock = {
      monotonicMs: () => time.monotonicMs(),
      now: () => new Date(time.now().getTime() + skewMs),
      schedule: (callback, delayMs) => time.schedule(() => this.#whenRunning(callback), delayMs),
    }
    const exchange = <T>(serve: () => T, signal?: AbortSignal) => this.#exchange(serve, signal)
    const transport = {
      get: (_r: unknown, _a: unknown, _o: unknown, signal?: AbortSignal) =>
        exchange(() => server.read(), signal),
      create: (_r: unknown, lease: Lease, _o: unknown, signal?: AbortSignal) =>
        exchange(() => server.create(lease), signal),
      update: (_r: unknown, lease: Lease, _o: unknown, signal?: AbortSignal) =>
        exchange(() => server.update(lease), signal),
    }
    this.elector = createLeaderElector({
      transport: transport as never,
      lease: at,
      identity,
      clock: this.clock,
      random: () => 0.5,
      onTransition: state => this.states.push(state),
      ...more,
    })
  }

  start(lead?: (leading: AbortSignal) => Promise<void>): this {
    const work =
      lead ??
      (async (leading: AbortSignal) => {
        this.leading = leading
        await new Promise(resolve => leading.addEventListener('abort', resolve))
      })
    this.elector.run(work, this.stop.signal).then(
      outcome => {
        this.outcome = outcome
      },
      error => {
        this.outcome = `threw ${error.message}`
      },
    )
    return this
  }

  /** Leading, and able to do anything. */
  acts(): boolean {
    return this.#time.monotonicMs() >= this.stoppedUntilMs && this.elector.isLeading()
  }

  #whenRunning(callback: () => void) {
    const waitMs = this.stoppedUntilMs - this.#time.monotonicMs()
    if (waitMs > 0) this.#time.schedule(() => this.#whenRunning(callback), waitMs)
    else callback()
  }

  #exchange<T>(serve: () => T, signal?: AbortSignal): Promise<T> {
    const { network } = this
    const cut = () => this.#time.monotonicMs() < network.cutUntilMs
    return new Promise<T>((resolve, reject) => {
      const fail = () => this.#whenRunning(() => reject(signal?.reason ?? new Error('aborted')))
      signal?.addEventListener('abort', fail, { once: true })
      if (cut()) return
      // What is under way arrives, even when the client has given up meanwhile.
      this.#time.schedule(() => {
        if (cut()) return
        let answer: () => void
        try {
          const value = serve()
          answer = () => resolve(value)
        } catch (error) {
          answer = () => reject(error instanceof KubeError ? error : new Error(String(error)))
        }
        const lost = network.loseAnswer
        network.loseAnswer = false
        if (lost) return
        this.#time.schedule(() => {
          if (!cut()) this.#whenRunning(answer)
        }, network.answerMs)
      }, network.requestMs)
    })
  }
}

function site(count: number, options: { skewMs?: number }[] = []) {
  const time = new ManualClock()
  const server = new LeaseServer()
  const candidates = Array.from({ length: count }, (_, i) =>
    new Candidate(time, server, `c${i}`, options[i]).start(),
  )
  return { time, server, candidates }
}
const leaders = (candidates: readonly Candidate[]) => candidates.filter(candidate => candidate.acts())

describe('leader election', () => {
  it('elects one of many, who keeps the lease', async () => {
    const { time, server, candidates } = site(3)
    await time.advance(60_000)
    expect(leaders(candidates)).to.have.length(1)
    expect(server.lease?.spec.leaseTransitions).to.equal(0)
    expect(candidates.map(({ elector }) => elector.leader())).to.deep.equal(
      Array(3).fill(server.lease?.spec.holderIdentity),
    )
  })

  it('follows within lease duration + retry period when the leader vanishes, and not before', async () => {
    const { time, candidates } = site(2)
    await time.advance(30_000)
    const [leader] = leaders(candidates)
    const follower = candidates.find(candidate => candidate !== leader)
    if (!leader) throw new Error('nobody leads')
    leader.stoppedUntilMs = Number.MAX_SAFE_INTEGER
    await time.advance(12_000)
    expect(follower?.acts()).to.equal(false)
    await time.advance(5_200)
    expect(follower?.acts()).to.equal(true)
  })

  it('hands over within 3 s when the leader is told to stop', async () => {
    const { time, server, candidates } = site(2)
    await time.advance(30_000)
    const [leader] = leaders(candidates)
    leader?.stop.abort()
    await time.advance(3_000)
    expect(leader?.outcome).to.equal('released')
    expect(leader?.leading?.aborted).to.equal(true)
    expect(leaders(candidates)).to.have.length(1)
    expect(leaders(candidates)[0]).to.not.equal(leader)
    expect(server.lease?.spec.leaseTransitions).to.equal(1)
  })

  it('stops leading at the renewal deadline when cut off, before anyone else leads', async () => {
    const { time, candidates } = site(2)
    await time.advance(30_000)
    const [leader] = leaders(candidates)
    if (!leader) throw new Error('nobody leads')
    leader.network.cutUntilMs = Number.MAX_SAFE_INTEGER
    const cutMs = time.monotonicMs()
    while (leader.acts()) await time.advance(100)
    expect(time.monotonicMs() - cutMs).to.be.at.most(10_000)
    await time.advance(100)
    expect(leader.outcome).to.equal('lost')
    expect(leader.leading?.aborted).to.equal(true)
    expect(leader.states).to.deep.equal(['leader', 'lost'])
    while (leaders(candidates).length === 0) await time.advance(100)
    expect(time.monotonicMs() - cutMs).to.be.within(12_500, 17_500)
  })

  it('does not lead for a moment after a pause of the whole process', async () => {
    const { time, candidates } = site(1)
    await time.advance(5_000)
    const [leader] = leaders(candidates)
    if (!leader) throw new Error('nobody leads')
    time.freeze(20_000)
    // No timer of the process has run since; only the clock tells.
    expect(leader.leading?.aborted).to.equal(false)
    expect(leader.elector.isLeading()).to.equal(false)
    await time.advance(100)
    expect(leader.outcome).to.equal('lost')
  })

  it('goes on when the answer to a renewal was lost', async () => {
    const { time, candidates } = site(1)
    await time.advance(5_000)
    const leader = candidates[0]
    if (leader) leader.network.loseAnswer = true
    await time.advance(60_000)
    expect(leader?.acts()).to.equal(true)
    expect(leader?.states).to.deep.equal(['leader'])
  })

  it('makes the lease anew when someone deleted it', async () => {
    const { time, server, candidates } = site(1)
    await time.advance(5_000)
    server.lease = undefined
    await time.advance(10_000)
    expect(candidates[0]?.acts()).to.equal(true)
    expect(server.lease).to.have.nested.property('spec.holderIdentity', 'c0')
  })

  it('keeps fields of the lease that it does not know', async () => {
    const { time, server } = site(1)
    await time.advance(3_000)
    const lease = server.read()
    server.update({ ...lease, spec: { ...lease.spec, strategy: 'OldestEmulationVersion' } })
    await time.advance(10_000)
    expect(server.lease?.spec.strategy).to.equal('OldestEmulationVersion')
  })

  it('ends, and frees the lease, when its work ends or fails', async () => {
    for (const { lead, want } of [
      { lead: async () => {}, want: 'released' },
      {
        lead: async () => {
          throw new Error('broken')
        },
        want: 'threw broken',
      },
    ]) {
      const time = new ManualClock()
      const server = new LeaseServer()
      const candidate = new Candidate(time, server, 'c').start(lead)
      await time.advance(1_000)
      expect(candidate.outcome).to.equal(want)
      expect(server.lease?.spec.holderIdentity).to.equal('')
    }
  })

  it('leaves the lease to expire when its work does not end in time', async () => {
    const time = new ManualClock()
    const server = new LeaseServer()
    const candidate = new Candidate(time, server, 'c').start(() => new Promise(() => {}))
    await time.advance(1_000)
    candidate.stop.abort()
    await time.advance(20_000)
    expect(candidate.outcome).to.equal('released')
    expect(server.lease?.spec.holderIdentity).to.equal('c')
  })

  it('refuses durations that leave no margin', () => {
    const make = (durations: Partial<LeaderElectorOptions>) => () =>
      createLeaderElector({ transport: {} as never, lease: at, identity: 'c', ...durations })
    expect(make({ renewDeadlineMs: 15_000 })).to.throw(
      RangeError,
      /renewDeadlineMs \(15000\) < leaseDurationMs \(15000\)/,
    )
    expect(make({ retryPeriodMs: 9_000 })).to.throw(RangeError)
    expect(make({ leaseDurationMs: 15_500 })).to.throw(RangeError)
  })

  it('never has two who lead, whatever network, pauses and clocks do', async function () {
    this.timeout(60_000)
    const fault = fc.record({
      atMs: fc.nat(90_000),
      who: fc.nat(2),
      what: fc.constantFrom(
        'cut' as const,
        'stop' as const,
        'slow-request' as const,
        'slow-answer' as const,
        'lose' as const,
      ),
      forMs: fc.integer({ min: 500, max: 30_000 }),
    })
    const skews = fc.array(fc.integer({ min: -60_000, max: 60_000 }), { minLength: 3, maxLength: 3 })
    let ledAtAll = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 8 }), skews, async (faults, skews) => {
        const { time, candidates } = site(
          3,
          skews.map(skewMs => ({ skewMs })),
        )
        for (const { atMs, who, what, forMs } of faults) {
          const candidate = candidates[who]
          if (!candidate) continue
          time.schedule(() => {
            const { network } = candidate
            if (what === 'cut') network.cutUntilMs = time.monotonicMs() + forMs
            else if (what === 'stop') candidate.stoppedUntilMs = time.monotonicMs() + forMs
            else if (what === 'slow-request') network.requestMs = forMs / 3
            else if (what === 'slow-answer') network.answerMs = forMs / 3
            else network.loseAnswer = true
          }, atMs)
        }
        for (let ms = 0; ms < 120_000; ms += 500) {
          await time.advance(500)
          const acting = leaders(candidates)
          expect(acting.length, `leaders at ${time.monotonicMs()} ms`).to.be.at.most(1)
          ledAtAll += acting.length
        }
        for (const candidate of candidates) candidate.stop.abort()
      }),
      { numRuns: 40 },
    )
    expect(ledAtAll).to.be.greaterThan(1000)
  })
})
