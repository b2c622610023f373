import { expect } from 'chai'
import type { RawPod } from './backend.ts'
import { cpuBackend } from './backends/cpu.ts'
import { createResizeExecutor } from './executor.ts'

const gpu = { node: 'edge-1', gpu: '0', device: { kind: 'cpu', cores: 1 } } as const
const pod = (name: string): RawPod => ({
  metadata: { name, namespace: 'site', uid: `uid-${name}` },
  spec: { containers: [{ name: 'worker', resources: { limits: { cpu: '300m' } } }] },
})

function setUp(answers: Record<string, Error> = {}) {
  const calls: { namespace: string; name: string; body: object }[] = []
  const seen: string[] = []
  const clock = { now: 0 }
  const executor = createResizeExecutor({
    client: {
      async patchResize(namespace, name, body) {
        calls.push({ namespace, name, body })
        if (answers[name]) throw answers[name]
      },
    },
    now: () => clock.now,
    isNotFound: error => error instanceof Error && error.message === 'not found',
    hooks: {
      onResize: (backend, result) => seen.push(`${backend} ${result}`),
      onActuated: (backend, seconds) => seen.push(`${backend} took ${seconds}`),
    },
  })
  return { executor, calls, seen, clock }
}

describe('resize executor', () => {
  const steps = [
    { kind: 'shrink', pod: 'a', from: 0.3, to: 0.2 },
    { kind: 'create', pod: 'new', to: 0.5 },
    { kind: 'grow', pod: 'b', from: 0.3, to: 0.4 },
  ] as const
  const pods = new Map([pod('a'), pod('b')].map(one => [one.metadata?.name as string, one]))

  it('patches shrinks and grows in order and leaves creations to the caller', async () => {
    const { executor, calls, seen } = setUp()
    const outcomes = await executor.execute(steps, pods, gpu, cpuBackend)
    expect(outcomes.map(({ pod: name, result }) => `${name} ${result}`)).to.deep.equal(['a done', 'b done'])
    expect(calls[0]).to.deep.equal({
      namespace: 'site',
      name: 'a',
      body: {
        spec: {
          containers: [{ name: 'worker', resources: { requests: { cpu: '200m' }, limits: { cpu: '200m' } } }],
        },
      },
    })
    expect(seen).to.deep.equal(['cpu done', 'cpu done'])
  })

  it('goes on after a refusal and after a pod that has gone', async () => {
    const { executor } = setUp({ a: new Error('quota exceeded'), b: new Error('not found') })
    const [first, second, third] = await executor.execute(
      [...steps, { kind: 'grow', pod: 'c', from: 0.1, to: 0.2 }],
      pods,
      gpu,
      cpuBackend,
    )
    expect(first?.error?.message).to.equal(
      'pod site/a: share 0.300 → 0.200 of GPU edge-1/0 was refused: quota exceeded',
    )
    expect([second?.result, third?.result]).to.deep.equal(['gone', 'gone'])
  })

  it('times a resize until the node reports it, once', async () => {
    const { executor, seen, clock } = setUp()
    await executor.execute([steps[0]], pods, gpu, cpuBackend)
    const reading = (actual: number) => ({ desired: 0.2, actual, resizing: actual !== 0.2 })
    clock.now = 400
    executor.observe(pod('a'), reading(0.3), cpuBackend)
    clock.now = 700
    executor.observe(pod('a'), reading(0.2), cpuBackend)
    executor.observe(pod('a'), reading(0.2), cpuBackend)
    expect(seen).to.deep.equal(['cpu done', 'cpu took 0.7'])
  })

  it('stops between two calls when it is aborted', async () => {
    const { executor, calls } = setUp()
    const failed = await executor.execute(steps, pods, gpu, cpuBackend, AbortSignal.abort()).then(
      () => false,
      () => true,
    )
    expect(failed).to.equal(true)
    expect(calls).to.have.length(0)
  })
})
