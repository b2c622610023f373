/** What becomes of a site's pods when one of its nodes cannot be reached any more. */
import { expect } from 'chai'
import { gpuAnnotation, nodeAnnotation } from '../../api/names.ts'
import { withoutLost } from '../../cluster/lost-nodes.ts'
import type { PodSnapshot, SiteSnapshot } from '../../cluster/snapshot.ts'
import type { KubeObject } from '../../kube/objects.ts'
import { backendLabel } from '../../sharing/backend.ts'
import { backendSet } from '../../sharing/backends/registry.ts'
import { createResizeExecutor } from '../../sharing/executor.ts'
import { camera, epoch, gpu, pod, retrainingWindow, site } from '../testing/site.ts'
import { item, planner, running, training } from '../testing/window.ts'
import { advance } from './phases.ts'
import type { PodActuator } from './pod-actuator.ts'
import { actuatePods } from './pods.ts'
import { RecentPods } from './recent-pods.ts'

const other = { ...gpu, node: 'edge-1' }
const problem = 'its kubelet is not heard of (NodeStatusUnknown: Kubelet stopped posting node status.)'

const cordoned = {
  metadata: { name: 'edge-0', labels: { [backendLabel]: 'cpu' } },
  spec: { unschedulable: true },
  status: { allocatable: { cpu: '4' } },
}

const on = <P extends PodSnapshot>(node: string, snapshot: P): P => ({
  ...snapshot,
  pod: {
    ...snapshot.pod,
    metadata: { ...snapshot.pod.metadata, annotations: { [nodeAnnotation]: node, [gpuAnnotation]: '0' } },
    spec: { nodeName: node, containers: [{ name: 'worker', resources: { limits: { cpu: '450m' } } }] },
  },
})

/** cam-0 serves and trains on a node that is lost; cam-1 serves on another. */
function lostSite(status = running('Retraining', [training('cam-0'), item('cam-1', other)])): SiteSnapshot {
  const snapshot = site(
    retrainingWindow(status),
    [
      {
        name: 'cam-0',
        inference: on('edge-0', pod<never>('cam-0', 'inference', { ready: false })),
        training: on('edge-0', pod<never>('cam-0', 'training', { index: 1, ready: false })),
      },
      { name: 'cam-1', inference: on('edge-1', pod<never>('cam-1', 'inference')) },
    ],
    30,
    [other],
  )
  return { ...snapshot, lostNodes: [{ node: 'edge-0', problem, leftOut: true }] }
}

/** Applies steps until none changes the plan any more. */
function settled(snapshot: SiteSnapshot): { site: SiteSnapshot; notes: readonly string[] } {
  const notes: string[] = []
  let now = snapshot
  for (let i = 0; i < 5; i++) {
    const step = advance(now, planner)
    notes.push(...step.notes.map(({ reason, message }) => `${reason}: ${message}`))
    now = { ...now, window: { ...now.window, status: step.status } }
  }
  return { site: now, notes }
}

async function actuated(snapshot: SiteSnapshot): Promise<readonly string[]> {
  const writes: string[] = []
  const actuator = {
    transport: {
      create: async (_: unknown, object: KubeObject) => {
        writes.push(`create ${object.metadata.name} on ${object.metadata.annotations?.[nodeAnnotation]}`)
        return { ...object, metadata: { ...object.metadata, uid: 'new', resourceVersion: '9' } }
      },
      delete: async (
        _: unknown,
        { name }: { name: string },
        { gracePeriodSeconds }: { gracePeriodSeconds?: number },
      ) => {
        writes.push(`delete ${name}${gracePeriodSeconds === 0 ? ' at once' : ''}`)
      },
      patch: () => Promise.reject(new Error('nothing is to be patched')),
    },
    executor: createResizeExecutor({
      client: { patchResize: async () => ({}) },
      now: () => 0,
      isNotFound: () => false,
    }),
    backends: backendSet(),
    workers: {},
    learn: () => undefined,
    recent: new RecentPods(),
    options: { image: 'ekya', storage: { source: { emptyDir: {} }, mountPath: '/storage' } },
    seed: 1,
  } as unknown as PodActuator
  await actuatePods(snapshot, actuator)
  return writes
}

describe('a node that is lost', () => {
  it('ends trainings on it, and its streams are planned elsewhere', () => {
    const { site: after, notes } = settled(lostSite())
    const [first] = after.window.status!.plan!.items
    expect(first).to.include({ stream: 'cam-0', node: 'edge-1', state: 'Failed' })
    expect(first!.reason).to.include(`the training pod is lost with its node edge-0: ${problem}`)
    expect(notes.some(note => note.startsWith('RetrainingFailed: '))).to.equal(true)
  })

  it('has its pods deleted without waiting for it', async () => {
    const writes = await actuated(settled(lostSite()).site)
    expect(writes.filter(write => write.startsWith('delete cam-0')).toSorted()).to.deep.equal([
      'delete cam-0-inference at once',
      'delete cam-0-training-1 at once',
    ])
  })

  it('has its trainings ended and its pods deleted also where it is cordoned, as by a drain', async () => {
    const nodes = [
      { node: 'edge-1', gpus: [other] },
      { node: 'edge-0', problem, gpus: backendSet().discover(cordoned) },
    ]
    const { gpus, lost } = withoutLost(nodes)
    const before = lostSite()
    // The drain has asked for their end, which nobody there confirms.
    const pods = before.pods.map(each => (each.stream === 'cam-0' ? { ...each, terminating: true } : each))
    const { site: after } = settled({ ...before, gpus, lostNodes: lost, pods })
    expect(after.window.status!.plan!.items[0]).to.include({
      stream: 'cam-0',
      node: 'edge-1',
      state: 'Failed',
    })
    expect(await actuated(after)).to.include('delete cam-0-inference at once')
  })

  it('has pods deleted at once that were told to go and cannot', async () => {
    const { site: after } = settled(lostSite())
    const pods = after.pods.map(each => (each.stream === 'cam-0' ? { ...each, terminating: true } : each))
    expect(await actuated({ ...after, pods })).to.include('delete cam-0-inference at once')
  })

  it('keeps the pod of a stream that may run nowhere else', async () => {
    const { site: before } = settled(lostSite())
    const streams = before.streams.map(each =>
      each.name === 'cam-0' ? { ...each, stream: camera('cam-0', { nodeSelector: { disk: 'fast' } }) } : each,
    )
    const { site: after } = settled({ ...before, streams })
    expect(after.window.status!.plan!.items.map(({ stream }) => stream)).to.deep.equal(['cam-1'])
    expect(await actuated(after)).to.not.include('delete cam-0-inference at once')
  })

  for (const backend of ['cpu', 'cpu-replace'])
    it(`has left the pod alone that no plan knows of when it is back (${backend})`, async () => {
      const labels = { disk: 'fast', [backendLabel]: backend }
      const back = { ...gpu, labels }
      const stream = camera('cam-0', { nodeSelector: { disk: 'fast' } })
      const { site: lost } = settled({
        ...lostSite(running('Retraining', [item('cam-0'), item('cam-1', other)])),
        streams: [{ name: 'cam-0', stream, inference: on('edge-0', pod<never>('cam-0', 'inference')) }],
      })
      expect(lost.window.status!.plan!.items).to.deep.equal([])
      const pods = lost.pods.filter(({ name }) => name === 'cam-0-inference')
      const { lostNodes: _, ...site } = { ...lost, gpus: [back, other], pods }
      expect(await actuated(site)).to.deep.equal([])
      const suspended = { ...stream, spec: { ...stream.spec, suspended: true } }
      const without = { ...site, streams: [{ name: 'cam-0', stream: suspended }] }
      expect(await actuated(without)).to.deep.equal(['delete cam-0-inference'])
    })

  it('has its streams made elsewhere at once where new pods bring shares, under a name of their own', async () => {
    const { site: before } = settled(lostSite())
    const replacing = { ...other, labels: { [backendLabel]: 'cpu-replace' } }
    const pods = before.pods.filter(({ stream }) => stream === 'cam-0')
    const writes = await actuated({ ...before, gpus: [replacing], pods })
    expect(writes).to.include('delete cam-0-inference at once')
    expect(writes).to.include('create cam-0-inference-g2 on edge-1')
  })

  it('has its streams made elsewhere once their pods are gone', async () => {
    const { site: before } = settled(lostSite())
    // cam-1 has given cam-0 its part of the GPU.
    const share = before.window.status!.plan!.items.find(({ stream }) => stream === 'cam-1')!.inferenceShare
    const served = on('edge-1', pod<never>('cam-1', 'inference'))
    const cpu = `${Math.floor(share * 1500)}m`
    const resized = {
      ...served,
      pod: { ...served.pod, spec: { containers: [{ name: 'worker', resources: { limits: { cpu } } }] } },
    }
    const gone = { ...before, pods: [resized], now: epoch + 31_000 }
    expect(await actuated(gone)).to.include('create cam-0-inference on edge-1')
  })
})
