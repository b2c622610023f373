/**
 * What a cpu share is worth, measured on real processes: the base on which all of the operator's plans stand.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { useApiServer, waitFor } from '../testing/api-server.ts'
import type { LimiterChoice } from './limiters/choose.ts'
import { condition, cpu, isReady, main, useProcessNode } from './testing/node-fixture.ts'

const cpus = 1.2
const share = (fraction: number) => cpu(`${Math.round(fraction * cpus * 1000)}m`)
const busy = { command: ['node', '-e', 'for (;;);'] }

for (const limiter of ['cgroup', 'pause'] as const satisfies readonly LimiterChoice[]) {
  describe(`cpu shares enforced by ${limiter}`, function () {
    this.timeout(60_000)
    const api = useApiServer()
    const fixture = useProcessNode(api, { limiter, cpus })

    before(async () => {
      // useProcessNode has failed already where control groups cannot be used and the limiter is named.
      await fixture.create('small', { ...busy, ...share(0.2) })
      await fixture.create('large', { ...busy, ...share(0.6) })
      await fixture.until('small', 'ready', isReady)
      await fixture.until('large', 'ready', isReady)
    })

    /** cpu seconds of both pods over `seconds`. */
    async function measure(seconds: number): Promise<{ small: number; large: number; seconds: number }> {
      const uids = await Promise.all(
        ['small', 'large'].map(async name => (await fixture.read(name)).metadata.uid),
      )
      const used = () => uids.map(uid => fixture.node().cpuSeconds(uid)) as [number, number]
      const started = performance.now()
      const before = used()
      await delay(seconds * 1000)
      const after = used()
      return {
        small: after[0] - before[0],
        large: after[1] - before[1],
        seconds: (performance.now() - started) / 1000,
      }
    }

    /** Where other work on the machine took of what both pods may use, nothing is said of their shares: so it is measured again. */
    async function measureAlone(seconds: number, fractions: number): ReturnType<typeof measure> {
      let measured = await measure(seconds)
      for (let again = 0; again < 5 && starved(measured); again++) measured = await measure(seconds)
      return measured
      function starved({ small, large, seconds }: typeof measured): boolean {
        return small + large < 0.95 * fractions * cpus * seconds
      }
    }

    it('gives 0.2 and 0.6 of the node cpu time as 1 to 3, within 10 %', async () => {
      const { small, large, seconds } = await measureAlone(4, 0.2 + 0.6)
      expect(large / small, `${small} s and ${large} s of ${seconds} s`).to.be.within(2.7, 3.3)
      // Other load on the machine may take something away, but no pod may get more than its limit.
      expect(small).to.be.below(0.2 * cpus * seconds * 1.1)
      expect(large).to.be.below(0.6 * cpus * seconds * 1.1)
    })

    it('resizes in place within a second: same process, no restart', async () => {
      const pids = () =>
        fixture
          .node()
          .pods()
          .map(pod => pod.processes[0]?.pid)
      const before = pids()
      const started = performance.now()
      await fixture.resize('large', share(0.2).resources.limits.cpu)
      const pod = await fixture.until('large', 'resized', found => {
        const resources = main(found)?.resources
        return (
          resources?.limits?.cpu === '240m' && found.status?.observedGeneration === found.metadata.generation
        )
      })
      expect(performance.now() - started).to.be.below(1000)
      expect(main(pod)).to.include({ restartCount: 0 })
      expect(main(pod)?.allocatedResources).to.deep.equal({ cpu: '240m' })
      expect(condition(pod, 'PodResizeInProgress')).to.equal(undefined)
      expect(condition(pod, 'PodResizePending')).to.equal(undefined)
      expect(pids()).to.deep.equal(before)
      const { small, large, seconds } = await measureAlone(3, 0.2 + 0.2)
      expect(large / small, `${small} s and ${large} s of ${seconds} s`).to.be.within(0.9, 1.1)
    })

    it('defers a resize until there is room, and refuses one that can never fit', async () => {
      await fixture.resize('large', '1000m')
      const deferred = await fixture.until(
        'large',
        'deferred',
        pod => condition(pod, 'PodResizePending') !== undefined,
      )
      expect(condition(deferred, 'PodResizePending')?.reason).to.equal('Deferred')
      expect(condition(deferred, 'PodResizePending')?.message).to.contain(
        'cpu: asked for 1 cores, free are 0.96',
      )
      expect(main(deferred)?.resources?.limits?.cpu).to.equal('240m')
      await fixture.delete('small')
      await fixture.until('large', 'resized', pod => main(pod)?.resources?.limits?.cpu === '1')
      await fixture.resize('large', '9')
      const infeasible = await fixture.until(
        'large',
        'refused',
        pod => condition(pod, 'PodResizePending') !== undefined,
      )
      expect(condition(infeasible, 'PodResizePending')?.reason).to.equal('Infeasible')
      expect(condition(infeasible, 'PodResizePending')?.message).to.contain('capacity')
    })

    it('leaves no process and no group behind when it stops', async () => {
      const pids = fixture
        .node()
        .pods()
        .map(pod => pod.processes[0]!.pid!)
      expect(pids).to.have.length(1)
      await fixture.node().stop()
      await waitFor(() => pids.every(pid => !isRunning(pid)), { describe: 'the processes to end' })
      expect(fixture.node().pods()).to.have.length(0)
    })
  })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
