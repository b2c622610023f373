/** Planner, executor and cpu backend together, on a real API server and a node that enforces cpu limits. */
import { expect } from 'chai'
import { cpu, isReady, main, sh, useProcessNode } from '../../hack/process-node/testing/node-fixture.ts'
import { useApiServer, waitFor } from '../../hack/testing/api-server.ts'
import { isNotFound } from '../kube/errors.ts'
import { nodes, pods } from '../kube/resources.ts'
import { createTransport, type Transport } from '../kube/transport.ts'
import type { RawNode, RawPod, SiteGpu } from './backend.ts'
import { cpuBackend } from './backends/cpu.ts'
import { createResizeExecutor } from './executor.ts'
import { planResizes } from './resize-planner.ts'

describe('moving shares on a node', function () {
  this.timeout(60_000)
  const api = useApiServer()
  const fixture = useProcessNode(api, { cpus: 1 })
  const seconds: number[] = []
  const results: string[] = []
  let transport: Transport
  let gpu: SiteGpu

  before(async () => {
    transport = createTransport({ kubeconfig: api.kubeconfig(), userAgent: 'test' })
    const node = await transport.get(nodes, { name: fixture.options().name })
    const [found] = cpuBackend.discover(node as unknown as RawNode)
    gpu = found as SiteGpu
    for (const [name, share] of Object.entries({ a: 0.6, b: 0.2, c: 0.2 })) {
      const { resources } = cpuBackend.render(share, gpu)
      await fixture.create(name, { ...sh('sleep 600'), ...cpu(resources.limits.cpu!), name: 'worker' })
    }
    for (const name of ['a', 'b', 'c']) await fixture.until(name, 'ready', isReady)
  })
  after(() => transport.close())

  it('finds the node as one GPU', () =>
    expect(gpu).to.deep.include({
      node: fixture.options().name,
      gpu: '0',
      device: { kind: 'cpu', cores: 1 },
    }))

  it('gets from any shares to any others, never above the whole, restarting nothing', async () => {
    const executor = createResizeExecutor({
      client: {
        patchResize: (namespace, name, body, signal) =>
          transport.patch(
            pods,
            { namespace, name },
            'strategic-merge',
            body,
            { subresource: 'resize' },
            signal,
          ),
      },
      now: () => performance.now(),
      isNotFound,
      hooks: {
        onResize: (_backend, result) => results.push(result),
        onActuated: (_backend, took) => seconds.push(took),
      },
    })
    const wanted: Readonly<Record<string, number>> = { a: 0.2, b: 0.5, c: 0.3 }
    let worst = 0
    await waitFor(
      async () => {
        const found = new Map<string, RawPod>()
        for (const name of Object.keys(wanted)) {
          found.set(name, (await fixture.read(name)) as unknown as RawPod)
        }
        const shares = [...found].map(([name, pod]) => {
          const reading = cpuBackend.read(pod, gpu)
          executor.observe(pod, reading, cpuBackend)
          return { name, exists: true, ...reading, wanted: wanted[name]! }
        })
        worst = Math.max(
          worst,
          shares.reduce((sum, { actual }) => sum + actual, 0),
        )
        await executor.execute(planResizes(shares, 0.1).steps, found, gpu, cpuBackend)
        return shares.every(({ actual, wanted: goal }) => Math.abs(actual - goal) < 1e-6)
      },
      { describe: 'the wanted shares' },
    )
    expect(worst).to.be.at.most(1 + 1e-6)
    expect(results).to.deep.equal(['done', 'done', 'done'])
    expect(seconds).to.have.length(3)
    expect(Math.max(...seconds)).to.be.below(1)
    for (const name of Object.keys(wanted)) expect(main(await fixture.read(name))?.restartCount).to.equal(0)
  })

  it('takes a pod that has gone as gone', async () => {
    const executor = createResizeExecutor({
      client: {
        patchResize: (namespace, name, body) =>
          transport.patch(pods, { namespace, name }, 'strategic-merge', body, { subresource: 'resize' }),
      },
      now: () => 0,
      isNotFound,
    })
    const gone = { ...((await fixture.read('a')) as unknown as RawPod) }
    const [outcome] = await executor.execute(
      [{ kind: 'shrink', pod: 'nobody', from: 0.2, to: 0.1 }],
      new Map([['nobody', gone]]),
      gpu,
      cpuBackend,
    )
    expect(outcome?.result).to.equal('gone')
  })
})
