import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import type { WorkerStatus } from '../api/worker.ts'
import type { Pod } from './pod.ts'
import { WorkerPoller } from './worker-poller.ts'

describe('WorkerPoller', () => {
  const podOf = (name: string, phase = 'Running'): Pod => ({
    metadata: { name, namespace: 'default', uid: name },
    spec: { containers: [{ name: 'worker' }] },
    status: { phase, podIP: `ip-${name}` },
  })
  const status = { role: 'profile', stream: 'cam-0', phase: 'Labeling' } as unknown as WorkerStatus

  const polling = (pods: readonly Pod[], read: (address: string) => Promise<WorkerStatus>) => {
    const changed: string[] = []
    const asked: string[] = []
    const poller = new WorkerPoller({
      pods: () => pods,
      reader: {
        status: address => {
          asked.push(address)
          return read(address)
        },
      },
      intervalMs: 1000,
      onChange: ({ metadata }) => changed.push(metadata.name),
      now: () => 0,
    })
    return { poller, changed, asked }
  }

  it('asks the pods that run, and tells once of what has changed', async () => {
    const { poller, changed, asked } = polling([podOf('a'), podOf('b', 'Pending')], async () => status)
    await poller.poll()
    await poller.poll()
    expect(asked).to.deep.equal(['ip-a', 'ip-a'])
    expect(changed).to.deep.equal(['a'])
    expect(poller.of('a')).to.deep.equal({ status })
    expect(poller.of('b')).to.equal(undefined)
  })

  it('keeps the last answer of a pod that cannot be reached', async () => {
    let reached = true
    const { poller, changed } = polling([podOf('a')], async () => {
      if (!reached) throw Object.assign(new Error('no answer'), { code: 'Timeout' })
      return status
    })
    await poller.poll()
    reached = false
    await poller.poll()
    expect(poller.of('a')).to.deep.equal({ status })
    expect(changed).to.deep.equal(['a'])
  })

  it('goes on asking others while one owes an answer, which is asked again afterwards', async () => {
    const owed = Promise.withResolvers<WorkerStatus>()
    const { poller, asked } = polling([podOf('gone'), podOf('a')], address =>
      address === 'ip-gone' ? owed.promise : Promise.resolve(status),
    )
    const first = poller.poll()
    await turn()
    await poller.poll()
    await poller.poll()
    expect(asked).to.deep.equal(['ip-gone', 'ip-a', 'ip-a', 'ip-a'])
    owed.resolve(status)
    await first
    await poller.poll()
    expect(asked.slice(4)).to.deep.equal(['ip-gone', 'ip-a'])
  })

  it('stops once nobody owes an answer any more', async () => {
    const owed = Promise.withResolvers<WorkerStatus>()
    const { poller } = polling([podOf('a')], () => owed.promise)
    poller.start()
    let stopped = false
    const stopping = poller.stop().then(() => {
      stopped = true
    })
    await Promise.resolve()
    expect(stopped).to.equal(false)
    owed.resolve(status)
    await stopping
    expect(poller.of('a')).to.deep.equal({ status })
  })
})
