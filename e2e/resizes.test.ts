/**
 * Shares that are changed by new pods, on a real control plane with real worker pods: no frame is lost and none analysed twice, the books
 * of the GPU hold at every moment, and where a resize cannot come about the old pod goes on.
 */
import { expect } from 'chai'
import { waitFor } from '../hack/testing/wait-for.ts'
import { findCondition } from '../operator/api/conditions.ts'
import { apiVersion, streamLabel } from '../operator/api/names.ts'
import { ResizingSite, type Shares } from './support/resizes.ts'
import { useSite } from './support/site.ts'

const frameRate = 10
const streams = ['cam-0', 'cam-1']
const [here, there]: readonly [Shares, Shares] = [
  { 'cam-0': 60, 'cam-1': 40 },
  { 'cam-0': 40, 'cam-1': 60 },
]

describe('resizes by new pods', function () {
  this.timeout(900_000)
  const site = useSite({ cpus: 3, backend: 'cpu-replace' })
  const gpu = new ResizingSite(site, streams)

  /** What the workers say of all frames up to now. */
  async function expectEveryFrameOnce(): Promise<void> {
    const now = await gpu.frameNow(frameRate)
    for (const stream of streams) {
      const account = await gpu.account(stream, now)
      expect(account.twice, `${stream}: analysed twice`).to.deep.equal([])
      // On a busy machine a frame may be dropped for being late; none may be left out.
      expect(account.lost, `${stream}: ${JSON.stringify(account)}`).to.deep.equal([])
    }
    expect(gpu.most.steady).to.be.at.most(100)
    expect(gpu.most.total).to.be.at.most(200)
    expect(gpu.most.pods).to.be.at.most(streams.length + 1)
  }

  before(async () => {
    await gpu.begin(frameRate)
    await gpu.setShares(here)
    await gpu.settles(here, 'the first shares')
  })

  it('moves shares to and fro', async () => {
    for (let i = 0; i < 4; i++) {
      const shares = i % 2 === 0 ? there : here
      await gpu.setShares(shares)
      await gpu.settles(shares, `resize ${i + 1}`)
    }
    await expectEveryFrameOnce()
    for (const pod of await gpu.pods()) expect(pod.status?.containerStatuses?.[0]?.restartCount).to.equal(0)
    const metrics = await (await fetch(`${site.operator().url}/metrics`)).text()
    expect(
      Number(/ekya_resizes_total\{backend="cpu-replace",result="done"\} (\d+)/.exec(metrics)?.[1]),
    ).to.be.at.least(8)
    expect(metrics).to.match(/ekya_resize_duration_seconds_count\{backend="cpu-replace"\} \d+/)
  })

  it('hands over where the template of a pod changes and its share does not', async () => {
    const memory = '1Gi'
    const path = `/apis/${apiVersion}/namespaces/${site.api.namespace()}/camerastreams/${streams[0]}`
    await site.api.client().patch(path, 'merge', { spec: { memory } })
    const limits = async () =>
      (await gpu.pods())
        .filter(({ metadata }) => metadata.labels?.[streamLabel] === streams[0])
        .map(({ spec }) => spec.containers[0]!.resources?.limits?.memory)
    await waitFor(async () => (await limits()).every(limit => limit === memory), {
      deadlineMs: 60_000,
      intervalMs: 100,
      describe: 'a pod with the new limit, and no other',
    })
    await gpu.settles(here, 'the shares as they were')
    await expectEveryFrameOnce()
  })

  it('goes on from wherever the operator is killed: at each write of a resize', async () => {
    const isWrite = ({ method, path }: { method: string; path: string }) =>
      method !== 'GET' && /\/(pods|camerastreams|retrainingwindows)/.test(path)
    const before = site.proxy().requests.filter(isWrite).length
    await gpu.setShares(there)
    await gpu.settles(there, 'the reference')
    const writes = site.proxy().requests.filter(isWrite).slice(before)
    expect(writes.filter(({ path }) => path.includes('/pods')).length).to.be.at.least(6)
    const killed: string[] = []
    for (let i = 0; i < writes.length; i++) {
      const shares = i % 2 === 0 ? here : there
      const deaths = site.restarts()
      let seen = 0
      const injection = site.proxy().inject(
        {
          kind: 'reset-after',
          onDone: () => process.kill(site.operator().pid!, 'SIGKILL'),
        },
        request => isWrite(request) && seen++ === i,
      )
      await gpu.setShares(shares)
      await gpu.settles(shares, `after a kill at write ${i + 1} of ${writes.length}`)
      injection.remove()
      if (injection.hits > 0) {
        killed.push(`${writes[i]!.method} ${writes[i]!.path}`)
        await waitFor(() => site.restarts() > deaths, {
          deadlineMs: 20_000,
          describe: 'the operator to be back',
        })
      }
    }
    process.stdout.write(
      `      killed at ${killed.length} of ${writes.length} writes; books looked at ${gpu.observations} times\n`,
    )
    expect(killed.length).to.be.at.least(6)
    await expectEveryFrameOnce()
  })

  it('keeps the old pod where the new one never gets ready', async () => {
    const from = (await gpu.isAt(here)) ? here : there
    const to = from === here ? there : here
    const old = new Set((await gpu.pods()).map(({ metadata }) => metadata.uid))
    // A pod that starts is held: it never answers its probe.
    const held = new Set<number>()
    const holding = setInterval(() => {
      for (const pod of site.node().pods()) {
        const pid = pod.processes[0]?.pid
        if (!old.has(pod.uid) && pid !== undefined && !held.has(pid)) {
          held.add(pid)
          process.kill(pid, 'SIGSTOP')
        }
      }
    }, 50)
    try {
      await gpu.setShares(to)
      const shrinking = streams.find(stream => to[stream]! < from[stream]!)!
      await waitFor(
        async () => {
          const condition = findCondition((await site.readCamera(shrinking)).status?.conditions, 'Resizing')
          return condition?.reason === 'ResizeFailed' && condition.status === 'False'
        },
        { deadlineMs: 60_000, intervalMs: 250, describe: 'the resize to be given up' },
      )
      await gpu.settles(from, 'the old shares')
      expect((await gpu.pods()).map(({ metadata }) => metadata.uid)).to.have.members([...old])
    } finally {
      clearInterval(holding)
    }
    await gpu.setShares(from)
    await expectEveryFrameOnce()
  })

  it('ends an old pod that hangs after its last frame', async () => {
    // Other shares than those that failed, which are not tried again in this window.
    const from = (await gpu.isAt(here)) ? here : there
    const to: Shares = { 'cam-0': from['cam-0']! - 5, 'cam-1': from['cam-1']! - 5 }
    const old = new Set((await gpu.pods()).map(({ metadata }) => metadata.uid))
    const stopped = new Set<number>()
    const watching = setInterval(() => {
      for (const pod of site.node().pods()) {
        const pid = pod.processes[0]?.pid
        const drained = site.node().pods().length > streams.length && old.has(pod.uid)
        if (drained && pid !== undefined && !stopped.has(pid) && hanging.has(pod.name)) {
          stopped.add(pid)
          process.kill(pid, 'SIGSTOP')
        }
      }
    }, 20)
    const hanging = new Set<string>()
    try {
      await gpu.setShares(to)
      await waitFor(
        async () => {
          const next = (await gpu.pods()).find(
            pod =>
              pod.metadata.annotations?.['ekya.dev/takes-over-at'] !== undefined &&
              !old.has(pod.metadata.uid),
          )
          if (next === undefined) return false
          const { dueAt } = JSON.parse(next.metadata.annotations!['ekya.dev/takes-over-at']!) as {
            dueAt: string
          }
          if (Date.now() < Date.parse(dueAt) - 60) return false
          const stream = next.metadata.labels!['ekya.dev/stream']!
          for (const pod of site.node().pods())
            if (old.has(pod.uid) && pod.name.startsWith(`${stream}-`)) hanging.add(pod.name)
          return true
        },
        { deadlineMs: 60_000, intervalMs: 10, describe: 'a hand-over' },
      )
      await gpu.settles(to, 'the shares after all', 120_000)
    } finally {
      clearInterval(watching)
    }
    expect(gpu.most.steady).to.be.at.most(100)
  })
})
