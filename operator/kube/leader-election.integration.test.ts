/**
 * Against the real API server, with the leader's path to it broken. The durations are a third of the defaults, in the
 * same proportions, so that the test takes seconds.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { useApiServer, waitFor } from '../../hack/testing/api-server.ts'
import { createLeaderElector, type LeaderElector } from './leader-election.ts'
import type { KubeObject } from './objects.ts'
import { leases } from './resources.ts'
import { type FaultProxy, type ProxiedRequest, startFaultProxy } from './testing/fault-proxy.ts'
import { createTransport, type Transport } from './transport.ts'

const durations = { leaseDurationMs: 5_000, renewDeadlineMs: 3_300, retryPeriodMs: 600 }
const isLease = ({ path }: ProxiedRequest) => path.includes('/leases/') || path.endsWith('/leases')

class Replica {
  readonly stop = new AbortController()
  readonly elector: LeaderElector
  readonly transport: Transport
  readonly proxy: FaultProxy
  outcome: string | undefined
  /** When it began and ceased to lead, on the clock of this process. */
  ledFromMs: number | undefined
  ledUntilMs: number | undefined
  readonly ended: Promise<void>

  constructor(proxy: FaultProxy, directory: string, namespace: string, identity: string) {
    this.proxy = proxy
    this.transport = createTransport({ kubeconfig: proxy.kubeconfig(directory) })
    this.elector = createLeaderElector({
      transport: this.transport,
      lease: { namespace, name: 'ekya-operator' },
      identity,
      ...durations,
    })
    const lead = async (leading: AbortSignal) => {
      this.ledFromMs = performance.now()
      await new Promise(resolve => leading.addEventListener('abort', resolve, { once: true }))
      this.ledUntilMs = performance.now()
    }
    this.ended = this.elector.run(lead, this.stop.signal).then(outcome => {
      this.outcome = outcome
    })
  }

  async close() {
    this.stop.abort(new Error('the test is over'))
    await this.ended
    await this.transport.close()
    await this.proxy.close()
  }
}

describe('leader election, against the API server', function () {
  this.timeout(40_000)
  const api = useApiServer()
  let directory: string
  let replicas: Replica[] = []

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'ekya-election-'))
    replicas = []
    for (const identity of ['a', 'b']) {
      replicas.push(
        new Replica(await startFaultProxy(api.kubeconfig()), directory, api.namespace(), identity),
      )
    }
  })
  afterEach(async () => {
    await Promise.all(replicas.map(replica => replica.close()))
    rmSync(directory, { recursive: true })
  })

  const leaders = () => replicas.filter(({ elector }) => elector.isLeading())
  const elected = async (among = replicas): Promise<Replica> =>
    waitFor(() => among.find(({ elector }) => elector.isLeading()), {
      describe: 'a leader',
      deadlineMs: 15_000,
    })
  const lease = async () => {
    const name = { namespace: api.namespace(), name: 'ekya-operator' }
    const transport = replicas.find(({ outcome }) => outcome === undefined)?.transport
    return transport?.get<KubeObject & { spec: Record<string, string | number> }>(leases, name)
  }

  it('elects one of two, whom the server knows', async () => {
    const leader = await elected()
    const { spec } = (await lease()) ?? {}
    expect(spec?.holderIdentity).to.equal(replicas.indexOf(leader) === 0 ? 'a' : 'b')
    expect(spec?.renewTime).to.match(/\.\d{6}Z$/)
    expect(spec?.leaseDurationSeconds).to.equal(5)
    await waitFor(() => replicas.every(({ elector }) => elector.leader() === spec?.holderIdentity))
    expect(leaders()).to.have.length(1)
  })

  it('hands over at once when the leader is told to stop', async () => {
    const leader = await elected()
    const stoppedMs = performance.now()
    leader.stop.abort(new Error('SIGTERM'))
    const follower = await elected(replicas.filter(replica => replica !== leader))
    expect(performance.now() - stoppedMs).to.be.below(2_000)
    await leader.ended
    expect(leader.outcome).to.equal('released')
    expect(leader.ledUntilMs).to.be.below(follower.ledFromMs ?? 0)
  })

  for (const { kind, fault } of [
    { kind: 'hangs', fault: { kind: 'hang' } },
    { kind: 'is refused', fault: { kind: 'reset-before' } },
  ] as const) {
    it(`stops leading before another leads when only its path to the lease ${kind}`, async () => {
      const leader = await elected()
      leader.proxy.inject(fault, isLease, Number.POSITIVE_INFINITY)
      const follower = await elected(replicas.filter(replica => replica !== leader))
      await leader.ended
      expect(leader.outcome).to.equal('lost')
      const gapMs = (follower.ledFromMs ?? 0) - (leader.ledUntilMs ?? Number.POSITIVE_INFINITY)
      expect(gapMs, 'time without a leader').to.be.within(0, 5_000)
    })
  }

  it('stays the leader when answers are lost and the server is in trouble for a moment', async () => {
    const leader = await elected()
    leader.proxy.inject({ kind: 'reset-after' }, request => isLease(request) && request.method === 'PUT')
    leader.proxy.inject({ kind: 'status', status: 500 }, isLease)
    const hits = leader.proxy.inject(
      { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
      isLease,
    )
    await waitFor(() => hits.hits === 1)
    await waitFor(
      async () => {
        const before = (await lease())?.spec.renewTime
        await waitFor(async () => (await lease())?.spec.renewTime !== before)
        return true
      },
      { deadlineMs: 15_000 },
    )
    expect(leader.elector.isLeading()).to.equal(true)
    expect(leader.outcome).to.equal(undefined)
  })
})
